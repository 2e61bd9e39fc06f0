"""What an objective may say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from monitor.performance.settings import ObjectiveSettings, PerformanceSettings, Subject, figure


@pytest.mark.parametrize(
    ("metric", "subject"),
    [
        ("latency_p99.9", Subject.LATENCY),
        ("error_rate", Subject.ERRORS),
        ("volume", Subject.VOLUME),
        ("freshness", Subject.FRESHNESS),
        ("resource.gpu.seconds.p95", Subject.RESOURCE),
        ("roc_auc", Subject.PERFORMANCE),
    ],
)
def test_a_metric_s_name_says_what_it_is_about(metric: str, subject: Subject) -> None:
    """Latency, errors, volume, freshness and resources have names of their own; the rest is performance."""
    assert figure(metric).subject is subject


@pytest.mark.parametrize("metric", ["latency", "latency_p0", "latency_p100", "resource.tokens", "resource..sum", "AUC"])
def test_what_names_no_figure_is_refused(metric: str) -> None:
    """A name that could never have a value is a fault, not an objective that is always kept."""
    with pytest.raises(ValueError, match="expected"):
        figure(metric)


def test_an_objective_s_name_does_not_depend_on_how_its_limit_is_written() -> None:
    """The same limit gives the same name, so that its alerts and series go on when the config is tidied."""
    names = {ObjectiveSettings.model_validate({"metric": "error_rate", "at_most": m}).name for m in ("1 %", "1%")}
    assert names == {"error_rate at most 1%"}


def test_an_objective_is_written_as_it_is_read() -> None:
    """What a settings class dumps, it reads again."""
    one = ObjectiveSettings.model_validate(
        {"metric": "volume", "at_least": 5, "at_most": 9, "share": 0.9, "over": "7d"}
    )
    assert ObjectiveSettings.model_validate(one.model_dump()) == one


def test_an_objective_is_given_once() -> None:
    """Two objectives of one name would share their alerts and series."""
    one = {"metric": "roc_auc", "at_least": 0.7}
    with pytest.raises(ValidationError, match="given twice"):
        PerformanceSettings.model_validate({"objectives": [one, one]})


def test_a_range_has_room_for_a_value() -> None:
    """An objective that nothing can meet is a fault."""
    with pytest.raises(ValidationError, match="no value is good"):
        ObjectiveSettings.model_validate({"metric": "volume", "at_least": 9, "at_most": 5})
