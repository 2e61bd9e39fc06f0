"""What a stretch says of an objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitor.latency import BINS, latency_bins
from monitor.performance.objective import UNKNOWN, Reading, Served, allowed_ratio, by_records, is_broken, read
from monitor.performance.settings import ObjectiveSettings
from monitor.usage import Usage, usage_rows


def objective(metric: str, **limits: Any) -> ObjectiveSettings:
    """Return an objective as a config has it."""
    return ObjectiveSettings.model_validate({"metric": metric, **limits})


def served(seconds: list[float] | None = None, **facts: Any) -> Served:
    """Return a stretch with these latencies."""
    taken = np.array(seconds or [], np.float64)
    return Served(
        **{
            "rows": len(taken),
            "latency": np.bincount(latency_bins(taken), minlength=BINS),
            "usage": Usage(),
            **facts,
        }
    )


def tokens(values: list[float]) -> Usage:
    """Return the usage of records that name their tokens."""
    return usage_rows(pa.table({"resource:tokens": values}), np.zeros(len(values), np.intp), 1)[0]


@pytest.mark.parametrize(
    ("metric", "limits", "ratio", "records"),
    [
        ("latency_p99", {"at_most": "50ms"}, 0.01, True),
        ("error_rate", {"at_most": "2 %"}, 0.02, True),
        ("error_rate", {"at_most": 0}, None, True),
        ("latency_p99", {"at_most": "50ms", "share": 0.9}, 0.1, False),
        ("volume", {"at_least": 5}, None, False),
        ("volume", {"at_least": 5, "share": 0.99}, 0.01, False),
    ],
)
def test_which_share_may_be_bad(metric: str, limits: dict[str, Any], ratio: float | None, records: bool) -> None:
    """A quantile and an error rate say by themselves which records may be bad; else ``share`` says which windows."""
    asked = objective(metric, **limits)
    found = allowed_ratio(asked)
    assert (found if found is None else pytest.approx(found), by_records(asked)) == (ratio, records)


def test_slow_records_are_counted() -> None:
    """Of the records those over the limit are bad, to the bin of 2 %."""
    reading = read(objective("latency_p95", at_most="50ms"), served([0.01] * 90 + [0.2] * 10))
    assert (reading.bad, reading.records) == (10, 100)
    assert reading.value == pytest.approx(0.2, rel=0.01)


def test_a_quantile_s_interval_is_that_of_its_rank() -> None:
    """The interval of a median of 100 covers the 40th to the 60th value (Wilson), to the bin."""
    reading = read(objective("latency_p50", at_most="50ms"), served([0.001 * k for k in range(1, 101)]))
    assert [reading.lower, reading.upper] == pytest.approx([0.0405, 0.0600], rel=0.02)


def test_few_records_break_no_quantile() -> None:
    """The slowest of ten is no 99 % point: its interval reaches down to the fast ones."""
    asked = objective("latency_p99", at_most="50ms")
    assert is_broken(asked, read(asked, served([0.01] * 9 + [0.2]))) is False
    assert is_broken(asked, read(asked, served([0.01] * 70 + [0.2] * 30))) is True


def test_errors_are_a_share_of_all_records() -> None:
    """Records without a latency count too."""
    reading = read(objective("error_rate", at_most=0.01), served(rows=50, usage=Usage(errors=5)))
    assert (reading.value, reading.bad, reading.records) == (0.1, 5, 50)


def test_a_mean_is_broken_only_beyond_its_interval() -> None:
    """A mean over its limit by less than its own uncertainty is not broken."""
    asked = objective("resource.tokens.mean", at_most=100)
    assert is_broken(asked, read(asked, served(usage=tokens([50.0, 160.0] * 5)))) is False
    assert is_broken(asked, read(asked, served(usage=tokens([50.0, 160.0] * 500)))) is True


@pytest.mark.parametrize("metric", ["latency_p99", "error_rate", "freshness", "resource.tokens.sum", "roc_auc"])
def test_nothing_seen_is_unknown(metric: str) -> None:
    """Without a record a figure has no value, and the objective is neither kept nor broken."""
    asked = objective(metric, at_most="50ms" if metric in ("latency_p99", "freshness") else 0.5)
    assert read(asked, served()) == UNKNOWN
    assert is_broken(asked, UNKNOWN) is None


def test_no_record_is_a_volume() -> None:
    """That nothing came is known, and breaks a least volume; unless another version has the records now."""
    asked = objective("volume", at_least=1)
    assert is_broken(asked, read(asked, served())) is True
    assert read(asked, served(replaced=True)) == UNKNOWN


def test_a_sampled_volume_has_an_interval() -> None:
    """Where a tenth is profiled, 100 rows are 1,000 records, give or take 186."""
    reading = read(objective("volume", at_least=1), served(rows=100, sampled_ratio=0.1))
    assert [reading.lower, reading.value, reading.upper] == pytest.approx([814, 1000, 1186], abs=1)


def test_performance_is_read_with_its_interval() -> None:
    """A score whose interval reaches into the allowed range breaks nothing."""
    asked = objective("roc_auc", at_least=0.75)
    assert is_broken(asked, read(asked, served(performance={"roc_auc": (0.7, 0.64, 0.76)}))) is False
    assert is_broken(asked, Reading(0.7, None, None)) is True
