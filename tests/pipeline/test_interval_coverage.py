"""A regression that logs an interval with its prediction is told how often the target lies in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from monitor.performance.reading import AnswerUnfit
from monitor.pipeline.compiling import load_reference
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.record_layout import ColumnsSettings, ColumnUnknown
from tests.passes import plain
from tests.scored import Answered, hours_of, regression, scored_plan, write_records, write_reference, write_targets

HALF = 2.0


def with_interval(each: Answered) -> Answered:
    """Return an answer with an interval of its own, under keys of its own."""
    predicted = each.record["prediction"]
    return replace(each, record=each.record | {"interval": {"low": predicted - HALF, "high": predicted + HALF}})


def plan_of(root: Path, **columns: str) -> ModelPlan:
    """Return the plan of a regression whose reference has an interval, and the columns that are named."""
    write_reference(root, 2.0, regression)
    table = pq.read_table(root / "reference.parquet")
    for name, moved in (("interval.low", pc.subtract), ("interval.high", pc.add)):
        table = table.append_column(name, moved(table["prediction"], HALF))
    table = table.append_column("word", pa.array(["a"] * table.num_rows))
    pq.write_table(table, root / "reference.parquet")
    plan = scored_plan(root, task="regression")
    kept = plan.columns.model_dump(exclude_unset=True)
    return replace(plan, columns=ColumnsSettings.model_validate(kept | columns))


def test_coverage_is_the_share_of_targets_in_their_interval(tmp_path: Path) -> None:
    """Named ends are read from record and reference, and the metric is told without being asked for."""
    found = [with_interval(each) for each in hours_of(range(4), 2.0, regression)]
    write_records(tmp_path, found)
    write_targets(tmp_path, found)
    pipeline = Pipeline(plan_of(tmp_path, lower="interval.low", upper="interval.high"), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0), pipeline.settle()]
    pipeline.close()
    bodies = [plain(body) for each in closed for body in each.performance]
    last = {body["window"]: body for body in bodies}
    told = [entry for entry in last[min(last)]["performance"] if entry["metric"] == "interval_coverage"]
    first = hours_of(range(1), 2.0, regression)
    inside = [abs(each.target - each.record["prediction"]) <= HALF for each in first]
    assert told[0]["realised"]["value"] == pytest.approx(sum(inside) / len(inside))
    assert 0 < sum(inside) < len(inside)


def test_ends_that_are_not_named_are_no_interval(tmp_path: Path) -> None:
    """Without names no interval is looked for, and nothing is told of one."""
    _, scorer = load_reference(plan_of(tmp_path), tmp_path / "reference.parquet")
    assert scorer is not None
    assert "interval_coverage" not in {metric.name for metric in scorer.metrics}


def test_end_that_the_reference_lacks_is_a_fault(tmp_path: Path) -> None:
    """A name that stands nowhere is told, with the one that was probably meant."""
    plan = plan_of(tmp_path, lower="interval.lo", upper="interval.high")
    with pytest.raises(ColumnUnknown) as raised:
        load_reference(plan, tmp_path / "reference.parquet")
    assert raised.value.hint == 'did you mean "interval.low"?'


def test_end_that_is_no_number_is_a_fault(tmp_path: Path) -> None:
    """An end of words is told by its name."""
    plan = plan_of(tmp_path, lower="interval.low", upper="word")
    with pytest.raises(AnswerUnfit, match=r"prediction\.upper"):
        load_reference(plan, tmp_path / "reference.parquet")
