"""Records outside what the reference holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.comparison import DriftSettings
from monitor.derive.support import number_limits
from monitor.judge import Judge
from tests.judging import Draw, cut_alike, judge_of, listen, stamped

OUTSIDE = DriftSettings(outside=True)
NUMBERS = 12


def payments(attack: float = 0.0) -> Draw:
    """Return a way to draw heavy-tailed amounts and shops; a share of them are beyond all seen, each elsewhere."""

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        amounts = rng.standard_t(4, (len(times), NUMBERS))
        odd = np.flatnonzero(rng.random(len(times)) < attack)
        amounts[odd, rng.integers(0, NUMBERS, len(odd))] = 60.0
        shops = rng.geometric(0.02, len(times))
        columns = {f"x{place}": amounts[:, place] for place in range(NUMBERS)}
        return stamped(times, **columns, shop=[f"s{shop}" for shop in shops], online=rng.random(len(times)) < 0.5)

    return draw


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a reference of payments."""
    return judge_of(payments(), OUTSIDE)


def share_outside(table: pa.Table) -> float:
    """Return the share of rows that are outside."""
    found: list[str] = table["records.outside"].to_pylist()
    return found.count("outside") / len(found)


def test_nothing_of_the_kind_is_watched_unless_asked_for() -> None:
    """Records cost nothing that nobody wants."""
    assert judge_of(payments(), hours=60).reference.derivations == ()


def test_the_reference_has_as_many_outside_as_the_stream(judge: Judge) -> None:
    """Its own rows are held to limits that they did not set."""
    inside, outside, *others = judge.watched[-1].whole.counts.tolist()
    fresh = share_outside(judge.reference.widened(payments()(np.random.default_rng(9), np.arange(30_000))))
    assert others == [0, 0]
    assert outside / (inside + outside) == pytest.approx(fresh, abs=0.006)


def test_a_calm_stream_of_payments_pages_nobody(judge: Judge) -> None:
    """Some records of every hour are outside: that many are normal."""
    assert listen(judge, payments(), range(200)).pages == {}


def test_an_attack_over_many_columns_is_found_in_the_records(judge: Judge) -> None:
    """Each column sees a twelfth of it; the records see all."""
    heard = listen(judge, payments(attack=0.08), range(60), rows=120)
    assert "records.outside" in heard.pages[min(heard.pages)]


def test_records_do_not_depend_on_their_neighbours(judge: Judge) -> None:
    """However rows are cut, they are outside or not."""
    assert cut_alike(judge, payments(0.1)(np.random.default_rng(5), np.arange(150)))


def test_what_is_missing_is_not_outside(judge: Judge) -> None:
    """Missing values are counted where they are missing."""
    empty = {name: pa.nulls(2, pa.float64()) for name in (f"x{place}" for place in range(NUMBERS))}
    table = stamped(np.arange(2), **empty, shop=pa.nulls(2, pa.string()), online=pa.nulls(2, pa.bool_()))
    assert share_outside(judge.reference.widened(table)) == 0


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.arange(1000.0), (7.5, 991.5)),
        (np.repeat([0.0, 1.0, 2.0], 500), (-0.5, 2.5)),
        (np.concatenate((np.zeros(995), [5.0] * 5)), (-2.5, 2.5)),
        (np.array([3.0, np.nan, np.inf, 4.0]), (2.5, 4.5)),
    ],
)
def test_limits_lie_between_values(values: np.ndarray, limits: tuple[float, float]) -> None:
    """Eight rows of a thousand lie beyond each; a value that many rows share lies within."""
    assert number_limits(values, np.zeros(len(values), np.bool_)) == limits


def test_single_floats_are_within_the_limits_that_they_set() -> None:
    """What float32 makes of the least value is as far inside as the value."""
    rounded = np.repeat(np.array([0.3, 0.7], np.float32).astype(np.float64), 100)
    low, high = number_limits(rounded, np.zeros(len(rounded), np.bool_))
    assert low < 0.3
    assert high > 0.7
