"""Each cause that looks at counts: it names what was done to a column, and is silent where a population moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.diagnosis import (
    clipped,
    default,
    foreign,
    magnitude,
    relabelled,
    rounded,
    schema,
    silent,
    stuck,
    swapped,
    time_zone,
    unit,
)
from monitor.diagnosis.causes import BROKEN, FINDERS, LAST, first
from monitor.diagnosis.finding import Class, Found
from monitor.diagnosis.seen import Evidence
from tests.diagnosis.sides import Values, evidence

Floats = NDArray[np.float64]
BEFORE = np.random.default_rng(1).gamma(4.0, 250.0, 20_000)
NOW = np.random.default_rng(2).gamma(4.0, 250.0, 2_000)
"""The same population, never in the same rows."""
WHOLE, WHOLE_NOW = (np.rint(each / 10) * 10 for each in (BEFORE, NOW))
"""The same in tens, so that there are few values."""


def told(before: Values | Floats, now: Values | Floats, column: str = "distance") -> Found | None:
    """Return what the first cause says of a column."""
    known = evidence(**{column: (list(before), list(now))})
    return first((*BROKEN, *FINDERS, *LAST), known.columns[column], known)


def part(values: Floats, changed: Floats, share: float) -> Floats:
    """Return values of which a share was changed."""
    return np.where(np.random.default_rng(3).random(len(values)) < share, changed, values)


@pytest.mark.parametrize(
    ("factor", "offset", "words"),
    [
        (1.609344, 0.0, "distance is now in kilometres, x1.609: miles to kilometres"),
        (0.3048, 0.0, "distance is now in metres, x0.3048: feet to metres"),
        (100.0, 0.0, "x100: whole units to hundredths"),
        (1000.0, 0.0, "x1000: seconds to milliseconds"),
        (0.001, 0.0, "x0.001: milliseconds to seconds"),
        (5 / 9, -160 / 9, "degrees Celsius, x0.5556 and -17.78: degrees Fahrenheit to Celsius"),
    ],
)
def test_a_unit_is_named_with_its_factor(factor: float, offset: float, words: str) -> None:
    """What was multiplied is told with the unit that the factor belongs to."""
    found = told(WHOLE, WHOLE_NOW * factor + offset)
    assert found is not None
    assert (found.kind, found.class_) == ("unit_change", Class.DATA_FAULT)
    assert found.factor == pytest.approx(factor)
    assert words in found.detail


def test_a_unit_in_a_part_of_the_rows_says_in_how_many() -> None:
    """One server in two that sends kilometres is told as half of the rows."""
    before, now = 1000 + BEFORE / 10, 1000 + NOW / 10
    found = told(before, part(now, now * 1.609344, 0.5))
    assert found is not None
    assert found.factor == pytest.approx(1.609344)
    share = float(found.detail.partition(" in ")[2].partition(" in ")[2].partition("%")[0])
    assert share == pytest.approx(50, abs=5)


def test_a_logarithm_is_a_unit() -> None:
    """A transformation that was made twice, or not at all, is no population."""
    found = told(BEFORE + 1, np.log(NOW + 1))
    assert found is not None
    assert "logarithm" in found.detail


@pytest.mark.parametrize(
    "tilt",
    [
        lambda v: np.exp(v / 1000),
        lambda v: np.exp(-v / 500),
        lambda v: np.exp(np.clip(((v - 1000) / 500) ** 2, 0, 3)),
    ],
    ids=["more", "less", "wider"],
)
@pytest.mark.parametrize(("before", "now"), [(BEFORE, NOW), (WHOLE, WHOLE_NOW)], ids=["continuous", "in tens"])
def test_a_population_that_moved_is_no_fault(before: Floats, now: Floats, tilt: Callable[[Floats], Floats]) -> None:
    """Rows that are as they were, in other numbers, are never called a fault of the data."""
    weights = tilt(now)
    drawn = np.random.default_rng(4).choice(now, 1000, p=weights / weights.sum())
    found = told(before, drawn)
    assert found is None or found.class_ is not Class.DATA_FAULT


@pytest.mark.parametrize("step", [0.5, 1.0, 3.0])
def test_a_shift_of_a_few_rows_is_no_unit(step: float) -> None:
    """A normal column that moved by some of its spreads has no other unit, however few rows tell it."""
    rng = np.random.default_rng(5)
    assert told(rng.normal(10, 3, 3_600), rng.normal(10 + 3 * step, 3, 60)) is None


def test_nothing_is_found_where_nothing_changed() -> None:
    """Two samples of one population have no cause."""
    assert told(BEFORE, NOW) is None
    assert told(WHOLE, WHOLE_NOW) is None


@pytest.mark.parametrize("value", [-1.0, 999_999.0, 0.0])
def test_a_default_value_is_named(value: float) -> None:
    """A value that took a fifth of the rows is told, with their share."""
    found = told(BEFORE + 50, part(NOW + 50, np.full(len(NOW), value), 0.2))
    assert found is not None
    assert found.kind == "default_value"
    assert f"are {value:.6g}, 0.0% before" in found.detail


def test_a_stuck_sensor_is_constant() -> None:
    """One value alone is no population, be it a value of the reference or not."""
    for value in (1000.0, -5.0):
        found = told(BEFORE, np.full(500, value))
        assert found is not None
        assert found.kind == "constant"
    category = told(["a"] * 300 + ["b"] * 700, ["a"] * 300, "carrier")
    assert category is not None
    assert category.kind == "constant"


@pytest.mark.parametrize(
    ("clip", "words"), [((None, 1500.0), "held at 1500"), ((500.0, None), "held at 500")], ids=["above", "below"]
)
def test_a_full_scale_is_clipping(clip: tuple[float | None, float | None], words: str) -> None:
    """Where a tail lies on its bound the bound is told."""
    found = told(WHOLE, np.clip(WHOLE_NOW, *clip))
    assert found is not None
    assert found.kind == "clipping"
    assert words in found.detail


@pytest.mark.parametrize("step", [100.0, 50.0])
def test_a_coarser_grid_is_rounding(step: float) -> None:
    """The step of the grid is the factor."""
    found = told(BEFORE, np.rint(NOW / step) * step)
    assert found is not None
    assert (found.kind, found.factor) == ("rounding", step)


def test_two_columns_exchanged_are_swapped() -> None:
    """Both are named, whichever of them is looked at."""
    other, other_now = BEFORE[::-1] / 7 + 300, NOW[::-1] / 7 + 300
    known = evidence(a=(BEFORE.tolist(), other_now.tolist()), b=(other.tolist(), NOW.tolist()))
    found = swapped.find(known.columns["a"], known)
    assert found is not None
    assert found.detail == "holds what b held, and the other way round"


LEVELS = ["UA"] * 500 + ["AA"] * 300 + ["DL"] * 150 + ["B6"] * 50


@pytest.mark.parametrize(
    ("codes", "kind", "words"),
    [
        ({"UA": "AA", "AA": "UA"}, "relabelled", "UA → AA, AA → UA"),
        ({"UA": "XX"}, "relabelled", "UA → a new category"),
        ({"DL": "UA"}, "relabelled", "DL → UA"),
        ({code: code.lower() for code in set(LEVELS)}, "relabelled", "another encoding"),
        ({"AA": None}, "gone_silent", "no row has AA"),
    ],
    ids=["exchanged", "to a new one", "to another", "all", "gone"],
)
def test_categories_under_other_names_are_told(codes: dict[str, str | None], kind: str, words: str) -> None:
    """The mapping is found by the shares."""
    now = [codes.get(level, level) for level in LEVELS]
    found = told(LEVELS * 4, [level for level in now if level is not None], "carrier")
    assert found is not None
    assert found.kind == kind
    assert words in found.detail


def test_a_mix_that_moved_is_no_relabelling() -> None:
    """Shares that changed, with every category still there, are a population's."""
    assert told(LEVELS * 4, ["UA"] * 300 + ["AA"] * 200 + ["DL"] * 400 + ["B6"] * 100, "carrier") is None


@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "texts"])
@pytest.mark.parametrize("hours", [-5, 2])
def test_a_time_zone_is_told_in_hours(hours: int, as_text: bool) -> None:
    """Hours of the day that moved together say by how many."""
    rng = np.random.default_rng(6)
    weights = np.where((np.arange(24) > 6) & (np.arange(24) < 20), 4.0, 1.0) * (1 + np.arange(24) / 24)
    before, now = (rng.choice(24, size, p=weights / weights.sum()).astype(float) for size in (20_000, 2_000))
    now = (now + hours) % 24
    texts = [[f"{value:.0f}" for value in values] for values in (before, now)]
    found = told(texts[0], texts[1], "hour") if as_text else told(before, now, "hour")
    assert found is not None
    assert (found.kind, found.factor) == ("time_zone", hours)


def test_a_column_without_a_value_is_a_schema_change() -> None:
    """Renamed or gone, it is the pipeline's doing."""
    found = told(BEFORE, [None] * 300)
    assert found is not None
    assert found.kind == "schema_change"


def test_values_between_those_of_the_reference_are_foreign() -> None:
    """Where no unit explains it, that the values are new is told."""
    now = np.clip(WHOLE_NOW, 100, 2000) + np.random.default_rng(7).uniform(1, 9, len(WHOLE_NOW))
    known = evidence(x=(WHOLE.tolist(), now.tolist()))
    found = foreign.find(known.columns["x"], known)
    assert found is not None
    assert found.kind == "foreign_values"


def test_a_magnitude_without_a_unit_is_told() -> None:
    """Values that are some thousand times as large are no population's."""
    known = evidence(x=(BEFORE.tolist(), (NOW * 1234.0 + 5).tolist()))
    found = magnitude.find(known.columns["x"], known)
    assert found is not None
    assert found.factor == pytest.approx(1234, rel=0.1)


ALL = (clipped, default, foreign, magnitude, relabelled, rounded, schema, silent, stuck, swapped, time_zone, unit)
EMPTY: Sequence[tuple[Values, Values]] = (([1.0, 2.0], [None]), (["a", "b"], [None]), ([1.0, None], []))


@pytest.mark.parametrize("cause", ALL, ids=[cause.__name__.rpartition(".")[2] for cause in ALL])
def test_no_cause_needs_a_row(cause: object) -> None:
    """A stretch without rows or values raises nothing."""
    for before, now in EMPTY:
        known = evidence(x=(before, now))
        assert cause.find(known.columns["x"], known) is None or cause is schema  # type: ignore[attr-defined]


def test_what_is_known_of_nothing_is_nothing() -> None:
    """Without evidence no cause is asked."""
    assert first(FINDERS, None, Evidence()) is None
