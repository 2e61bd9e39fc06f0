from __future__ import annotations

from pathlib import Path

import pytest

from monitor.performance.settings import PerformanceSettings
from monitor.pipeline.compiling import load_reference
from monitor.pipeline.cycle import Pipeline
from monitor.scorer import MatrixUnfit
from tests.passes import plain
from tests.scored import hours_of, multiclass, scored_plan, write_records, write_reference, write_targets
from tests.worlds import Json

BRINGS = ((0.0, -1.0), (-10.0, 5.0))


def scored(root: Path, **settings: object) -> list[Json]:
    """Return what is known of the performance of four hours in the end."""
    found = hours_of(range(4), 0.15)
    write_reference(root, 0.15)
    write_records(root, found)
    write_targets(root, found)
    plan = scored_plan(root, performance=PerformanceSettings.model_validate(settings))
    pipeline = Pipeline(plan, event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0), pipeline.settle()]
    pipeline.close()
    return [plain(body) for each in closed for body in each.performance]


def entry(body: Json, metric: str) -> Json:
    """Return one metric of a window."""
    found = next(each for each in body["performance"] if each["metric"] == metric)
    assert isinstance(found, dict)
    return found


def test_answers_are_worth_what_the_matrix_says(tmp_path: Path) -> None:
    """The realised value is the mean of what the rows' pairs of target and prediction bring, and is estimated too."""
    last = {body["window"]: entry(body, "business_value") for body in scored(tmp_path, business_value=BRINGS)}
    known = hours_of(range(1), 0.15)
    brought = [BRINGS[each.target][each.record["prediction"]] for each in known]
    first = last[min(last)]
    assert first["realised"]["value"] == pytest.approx(sum(brought) / len(brought), abs=1e-12)
    assert first["estimated"]["lower"] <= first["estimated"]["value"] <= first["estimated"]["upper"]


def test_a_metric_has_the_number_that_its_name_ends_in(tmp_path: Path) -> None:
    """The gain at a fifth is the part of the positive rows among the fifth that is scored highest."""
    last = {body["window"]: entry(body, "gain_at_0.2") for body in scored(tmp_path, metrics=["gain_at_0.2"])}
    known = sorted(hours_of(range(1), 0.15), key=lambda each: -float(each.record["score"]))
    expected = sum(each.target for each in known[:12]) / sum(each.target for each in known)
    assert last[min(last)]["realised"]["value"] == pytest.approx(expected, abs=1e-12)


def test_a_matrix_of_other_classes_does_not_fit(tmp_path: Path) -> None:
    """Three classes whose answers are priced for two are a fault that names both numbers."""
    write_reference(tmp_path, 0.15, multiclass)
    asked = PerformanceSettings(business_value=BRINGS)
    plan = scored_plan(tmp_path, task="multiclass", performance=asked)
    with pytest.raises(MatrixUnfit, match=r"3 classes is a matrix of as many rows \(got 2\)"):
        load_reference(plan, tmp_path / "reference.parquet")
