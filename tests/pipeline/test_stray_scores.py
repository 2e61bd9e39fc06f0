"""Scores that are no probabilities, in a log whose scores are."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.pipeline.cycle import Pipeline
from tests.scored import Answered, hour_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import Json

WRONG = 0.15


def scored_once(root: Path, strays: int) -> Json:
    """Return the performance of an hour of sixty records of which so many have a score of 7."""
    found = [
        Answered({**each.record, "score": 7.0} if number < strays else each.record, each.target)
        for number, each in enumerate(hour_of(0, WRONG))
    ]
    write_reference(root, WRONG)
    write_records(root, found)
    write_targets(root, found, 0)
    pipeline = Pipeline(scored_plan(root), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0), pipeline.settle()]
    pipeline.close()
    body: Json = next(body for each in reversed(closed) for body in reversed(each.performance))
    return body


@pytest.mark.parametrize(("strays", "rows", "why"), [(0, 60, None), (1, 59, None), (20, None, "not_probabilities")])
def test_a_stray_score_costs_its_row_and_not_the_window(
    tmp_path: Path, strays: int, rows: int | None, why: str | None
) -> None:
    """One score of 7 is counted and left out of log loss; a third of them, and log loss has no value."""
    body = scored_once(tmp_path, strays)
    assert body["scores_improper_ratio"] == pytest.approx(strays / 60)
    (entry,) = [each for each in body["performance"] if each["metric"] == "log_loss"]
    assert (entry["realised"] and entry["realised"]["rows"], entry["why"]) == (rows, why)
