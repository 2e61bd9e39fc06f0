from __future__ import annotations

from typing import Any

import pytest

from monitor.injection import parse_injection
from monitor.instant import SECOND, from_text
from monitor.realised import before

DAY = 86_400 * SECOND
BEGIN = from_text("2013-09-01")
PAGE = {"name": "drift", "reason": "first_time", "columns": ["c"]}


def counted(specs: list[str], days: int, pages: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the rate of so many days, with the alerts of some of them."""
    realised = before([parse_injection(spec) for spec in specs])
    for day in range(days):
        realised.see(BEGIN + day * DAY, BEGIN + (day + 1) * DAY, pages.get(day, []))
    return realised.body()


@pytest.mark.parametrize(
    ("pages", "lower", "upper"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (2, 0.2422, 7.225), (10, 4.795, 18.39)]
)
def test_the_interval_is_garwoods(pages: int, lower: float, upper: float) -> None:
    """In 30 days the rate is the count, and its bounds are those of Garwood's table (1936)."""
    found = counted([], 30, {day: [PAGE] for day in range(pages)})
    assert [found[key] for key in ("per_30d", "lower", "upper")] == pytest.approx([pages, lower, upper], rel=1e-3)


def test_a_longer_stretch_says_more() -> None:
    """The same count over four times the days is a quarter of the rate, and of its bounds."""
    short, long = (counted([], days, {3: [PAGE]}) for days in (30, 120))
    for key in ("per_30d", "lower", "upper"):
        assert long[key] * 4 == pytest.approx(short[key])


def test_only_episodes_of_drift_count() -> None:
    """Alerts of other kinds, and changes of an episode that is counted, are not counted."""
    others = [{"name": "volume", "reason": "first_time"}, {"name": "drift", "reason": "resolved"}]
    assert counted([], 30, {1: [PAGE], 2: others})["drift_alerts"] == 1


def test_only_what_was_before_the_injected_drift_counts() -> None:
    """What pages once the first injected drift began may be its find, and is no false alarm."""
    specs = ["column=a scale=2 from=2013-09-21", "column=b scale=2 from=2013-09-11"]
    found = counted(specs, 30, {2: [PAGE], 9: [PAGE], 10: [PAGE], 25: [PAGE]})
    assert (found["drift_alerts"], found["seconds"], found["before_injection"]) == (2, 10 * 86_400, True)


@pytest.mark.parametrize(("specs", "days"), [(["column=a scale=2"], 30), ([], 0)])
def test_without_a_window_nothing_is_known(specs: list[str], days: int) -> None:
    """Where drift is injected from the begin on, or no window is told, there is no rate; it is not 0."""
    assert [counted(specs, days, {})[key] for key in ("per_30d", "lower", "upper")] == [None] * 3


def test_an_alert_by_fixed_rules_alone_is_not_counted() -> None:
    """Nothing is promised of a fixed rule; an alert that evidence carries too is counted."""
    count = before([], ["a", "b"])
    for day, columns in enumerate((["a"], ["a", "b"], ["a", "c"])):
        count.see(day * DAY, (day + 1) * DAY, [{**PAGE, "columns": columns}])
    assert count.body()["drift_alerts"] == 1
