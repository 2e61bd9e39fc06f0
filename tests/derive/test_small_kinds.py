"""Instants, identifiers, and numbers on a circle."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest

from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.derive.circular import on_circle
from monitor.derive.identifier import formats
from monitor.derive.instant import instants
from monitor.instant import SECOND, to_text
from monitor.judge import Judge
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.judging import Draw, cut_alike, judge_of, listen, stamped

ROUND = DriftSettings(columns={"wind_dir": ColumnDriftSettings(circular=360)})


def orders(lag: float = 3600.0, unread: float = 0.0, plain: float = 0.0) -> Draw:
    """Return a way to draw orders placed some time before the record, each in a session."""

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        placed = times - (rng.gamma(2, lag, len(times)) * SECOND).astype(np.int64)
        odd, other = rng.random(len(times)) < unread, rng.random(len(times)) < plain
        return stamped(
            times,
            placed=["soon" if no else to_text(int(at)) for at, no in zip(placed, odd, strict=True)],
            session=[rng.bytes(9).hex() if no else str(uuid.UUID(bytes=rng.bytes(16))) for no in other],
        )

    return draw


def winds(turned: float = 0.0) -> Draw:
    """Return a way to draw directions around north, where 350 and 10 are near each other."""

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        return stamped(times, wind_dir=(rng.normal(turned, 40, len(times)) % 360).round(1))

    return draw


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a reference of orders."""
    return judge_of(orders())


def test_facets_of_instants_and_identifiers(judge: Judge) -> None:
    """Values that are always new are watched by what they are like."""
    facets = ["placed.age", "placed.hour.cos", "placed.hour.sin", "session.format"]
    assert [entry.column.name for entry in judge.watched] == facets


def test_a_calm_stream_of_orders_pages_nobody(judge: Judge) -> None:
    """Every instant and identifier is new, and none of that is drift."""
    heard = listen(judge, orders(), range(200))
    assert heard.pages == {}
    assert heard.highest < 100


@pytest.mark.parametrize(
    ("draw", "culprit"),
    [
        (orders(lag=3 * 3600.0), "placed.age"),
        (orders(unread=0.1), "placed.age"),
        (orders(plain=0.1), "session.format"),
    ],
)
def test_other_orders_are_found(judge: Judge, draw: Draw, culprit: str) -> None:
    """Older ones, ones whose instant cannot be read, and sessions named otherwise."""
    heard = listen(judge, draw, range(12))
    assert heard.first <= 5
    assert culprit in heard.pages[min(heard.pages)]


def test_orders_do_not_depend_on_their_neighbours(judge: Judge) -> None:
    """However rows are cut, facets are the same bit for bit."""
    assert cut_alike(judge, orders(unread=0.2, plain=0.2)(np.random.default_rng(5), np.arange(150) * SECOND))


def test_instants_have_no_age_without_event_times() -> None:
    """An age that nobody can tell is no column."""
    table = orders()(np.random.default_rng(2), np.arange(200) * SECOND)
    reference = compile_reference(table, None, ReferencePlan("none", ColumnsSettings(), WindowSettings(), ROUND))
    assert [name for name in reference.names if name.startswith("placed.")] == ["placed.hour.cos", "placed.hour.sin"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([SECOND], pa.timestamp("us")),
        pa.array([1000 * SECOND], pa.timestamp("ns", "UTC")),
        pa.array(["1970-01-01T00:00:01Z"]),
        pa.array(["1970-01-01T01:00:01+01:00"], pa.large_string()),
    ],
)
def test_instants_are_read_from_every_type(array: pa.Array) -> None:
    """A reference may hold them as instants where the log has texts."""
    assert instants(array).to_pylist() == [SECOND]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("20391", "digits"),
        ("deadbeef", "hex:8"),
        ("7f2c1e3a-0000-4000-8000-000000000000", "hex-:36"),
        ("user", "lower:4"),
        ("UA17G", "alphanumeric:5"),
        ("user_17", "word:7"),
        ("a@example.com", "address:13"),
        ("two words", "ascii:9"),
        ("naïve", "other:5"),
        ("", "other:0"),
        ("z" * 100, "lower:64"),
        (None, None),
    ],
)
def test_formats_of_identifiers(text: str | None, format_: str | None) -> None:
    """The class of characters and the length; what counts up has no length."""
    assert formats(pa.array([text], pa.string())).to_pylist() == [format_]


def test_a_number_that_counts_on_is_no_drift() -> None:
    """A row number that grows a digit keeps its format."""
    judge = judge_of(lambda rng, times: stamped(times, row=np.arange(len(times)), x=rng.normal(size=len(times))))
    wide = judge.reference.widened(pa.table({"row": ["1", "1000000"], "timestamp": [0, 1]}))
    assert wide["row.format"].to_pylist() == ["digits", "digits"]


def test_directions_have_no_ends() -> None:
    """North is one place: a turn that crosses it is found as soon as any, and a calm wind is none."""
    judge = judge_of(winds(), ROUND)
    assert listen(judge, winds(), range(200)).pages == {}
    heard = listen(judge, winds(turned=25), range(30))
    assert heard.first <= 10
    assert heard.pages[min(heard.pages)][0] == "wind_dir.sin"


def test_an_angle_is_itself_all_around_the_circle() -> None:
    """Cosine and sine are numpy's to the 1/4,096 of the circle that they are cut to."""
    angles = np.linspace(-720, 720, 999)
    for found, known in zip(on_circle(angles, 360), (np.cos, np.sin), strict=True):
        assert found.to_numpy() == pytest.approx(known(np.radians(angles)), abs=2 * np.pi / 4096)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_angle(value: float) -> None:
    """It is missing, not at zero."""
    assert [array.to_pylist() for array in on_circle(np.array([value]), 24)] == [[None], [None]]
