from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.demo.data import FEATURES
from monitor.demo.model import Model, held_out_scores, known, predictions, roc_auc, train, write_reference


def test_training_twice_gives_the_same_scores(weeks: pa.Table, model: Model) -> None:
    """A second training on the same rows scores them to the last bit alike."""
    assert np.array_equal(train(weeks, "1").score(weeks), model.score(weeks))


def test_held_out_scores_are_honest(weeks: pa.Table, model: Model) -> None:
    """Scores of held-out days are better than guessing and worse than those of days that were learnt by heart."""
    held_out, learnt = roc_auc(weeks, held_out_scores(weeks)), roc_auc(weeks, model.score(weeks))
    assert held_out is not None
    assert learnt is not None
    assert 0.55 < held_out < learnt - 0.05


def test_an_outcome_does_not_reach_its_own_held_out_score(weeks: pa.Table) -> None:
    """Turning the outcomes of the last stretch round changes no score of that stretch."""
    days = weeks.slice(0, 5_000)
    late = days["late"].to_pylist()
    last = len(late) - 500
    turned = [1 - value if i >= last and value is not None else value for i, value in enumerate(late)]
    changed = days.set_column(days.column_names.index("late"), "late", pa.array(turned))
    assert np.array_equal(held_out_scores(changed)[last:], held_out_scores(days)[last:])


def test_an_airport_that_was_never_seen_is_scored(weeks: pa.Table, model: Model) -> None:
    """A level that training did not have counts as missing; it stops nothing."""
    place = weeks.column_names.index("dest")
    strange = weeks.slice(0, 10).set_column(place, "dest", pa.array(["XXX"] * 10))
    scores = model.score(strange)
    assert ((scores > 0) & (scores < 1)).all()


def test_no_flights_have_no_scores(weeks: pa.Table, model: Model) -> None:
    """At the end of the year there is nothing left to score, and that is no fault."""
    assert model.score(weeks.slice(0, 0)).tolist() == []


def test_flights_of_one_outcome_train_nothing(weeks: pa.Table) -> None:
    """Without both outcomes there is nothing to tell apart."""
    punctual = known(weeks).filter(pa.array(np.asarray(known(weeks)["late"]) == 0))
    with pytest.raises(ValueError, match="one outcome"):
        train(punctual, "2")


def test_a_reference_is_in_the_native_format(weeks: pa.Table, model: Model, tmp_path: Path) -> None:
    """The reference has the columns of a logged inference, nested inputs and targets included."""
    scores = model.score(weeks)
    write_reference(tmp_path / "references" / "1.parquet", weeks, "1", scores)
    written = pq.read_table(tmp_path / "references" / "1.parquet")
    names = ["timestamp", "request_id", "model_version", "inputs", "prediction", "score", "target"]
    assert written.column_names == names
    assert [field.name for field in written.schema.field("inputs").type] == list(FEATURES)
    assert written.num_rows == weeks.num_rows
    assert written["prediction"].to_pylist() == predictions(scores).tolist()
