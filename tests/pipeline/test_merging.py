"""Files of kept rows: merged as they pile up, without a change to what is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.instant import SECOND
from monitor.pipeline.intake import HASH
from monitor.pipeline.keeping import kept_of
from monitor.pipeline.merging import MANY, Merging, due_merges
from monitor.sampling import id_hashes
from monitor.store.database import State, StateSettings, open_state
from monitor.store.segment import ROWS, Segment, add_segment, load_rows, segments, write_segment

HOUR = 3600 * SECOND
DAY = 24 * HOUR
MOST = 20


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Return a new state."""
    opened = open_state(StateSettings(), tmp_path)
    yield opened
    opened.close()


def rows(times: list[int], version: str = "1", name: str = "r") -> pa.Table:
    """Return rows at these instants, each with an id of its own."""
    ids = [f"{name}{at}-{place}" for place, at in enumerate(times)]
    columns = {"timestamp": times, "id": ids, "version": [version] * len(times), HASH: id_hashes(ids)}
    return pa.table(columns)


def write(state: State, table: pa.Table, version: str = "1") -> Segment:
    """Write a segment and name it."""
    segment = write_segment(state.directory, "m", version, table["timestamp"][0].as_py() // HOUR * HOUR, table)
    with state.write() as connection:
        add_segment(connection, segment)
    return segment


def kept(state: State) -> list[dict[str, object]]:
    """Return the rows that the state's segments keep, as an export would."""
    with state.read() as connection:
        named = segments(connection, "m", 0, 10**18)
    found = load_rows(state.directory, named, 0, 10**18)
    assert found.table is not None
    assert not found.unreadable
    rows: list[dict[str, object]] = kept_of(found.table, HOUR, MOST).to_pylist()
    return rows


def files(state: State) -> int:
    """Return how many files of rows there are."""
    return len(list(state.directory.glob("rows/*/*.parquet")))


def test_a_live_tail_does_not_pile_up_files(state: State) -> None:
    """A batch a second for an hour leaves some tens of files, and at most twice the rows that are kept."""
    merging = Merging("m", ROWS, partial(kept_of, every=HOUR, most=MOST))
    for second in range(600):
        merging.run(state, [write(state, rows([second * 6 * SECOND, second * 6 * SECOND + 1]))])
    with state.read() as connection:
        named = segments(connection, "m", 0, DAY)
    assert files(state) == len(named) < 3 * MANY
    assert len(kept(state)) == MOST


def test_merging_changes_nothing_of_what_is_kept(state: State, tmp_path: Path) -> None:
    """The same batches give the same kept rows with and without merging, over hours, versions and sizes."""
    other = open_state(StateSettings(directory="other"), tmp_path)
    rng = random.Random(1)
    merging = Merging("m", ROWS, partial(kept_of, every=HOUR, most=MOST))
    for batch in range(120):
        version = rng.choice("12")
        times = sorted(rng.randrange(3 * HOUR) for _ in range(rng.choice((1, 3, 40))))
        table = rows(times, version, f"b{batch}-")
        merging.run(state, [write(state, table, version)])
        write(other, table, version)
    assert files(state) < files(other) == 120
    assert kept(state) == kept(other)
    other.close()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=40),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
def test_what_is_kept_does_not_depend_on_the_cut(
    made: list[tuple[int, int, int]], most: int, chance: random.Random
) -> None:
    """Rows chosen part by part, in any order, and then among the chosen, are those chosen at once: ties included."""
    times = [at * 20 * 60 * SECOND for at, _, _ in made]
    table = pa.table(
        {
            "timestamp": times,
            "id": [f"{id_}" for _, id_, _ in made],
            "value": [value for _, _, value in made],
            "version": ["1"] * len(made),
            HASH: np.array([id_ for _, id_, _ in made], np.uint64),
        }
    )
    order = list(range(len(made)))
    chance.shuffle(order)
    cut = chance.randrange(len(made) + 1)
    parts = [kept_of(table.take(pa.array(part, pa.int64())), HOUR, most) for part in (order[:cut], order[cut:])]

    def as_set(rows: pa.Table) -> list[str]:
        return sorted(map(repr, rows.to_pylist()))

    assert as_set(kept_of(pa.concat_tables(parts), HOUR, most)) == as_set(kept_of(table, HOUR, most))


def test_only_many_of_a_size_a_day_and_a_version_are_merged() -> None:
    """Fifteen files, or sixteen of two days, versions or sizes, are left alone; sixteen of a kind are one group."""

    def named(number: int, day: int = 0, version: str = "1", rows: int = 20) -> list[Segment]:
        at = day * DAY
        return [Segment(f"{day}{version}{rows}{n}", "m", version, at, at, at + 1, rows, 1) for n in range(number)]

    half = MANY // 2
    assert due_merges(named(MANY - 1)) == []
    assert due_merges(named(half) + named(half, day=1)) == []
    assert due_merges(named(half) + named(half, version="2")) == []
    assert due_merges(named(half) + named(half, rows=300)) == []
    assert [len(group) for group in due_merges(named(half) + named(half, rows=16))] == [MANY]


def test_a_file_that_is_damaged_stays(state: State) -> None:
    """Where one of many files cannot be read, the others are merged and it is left as it is."""
    written = [write(state, rows([second * SECOND])) for second in range(MANY)]
    (state.directory / "rows" / written[3].name).write_bytes(b"damaged")
    assert Merging("m", ROWS, partial(kept_of, every=HOUR, most=MOST)).run(state, written) > 0
    assert files(state) == 2
