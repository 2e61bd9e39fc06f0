"""Kept rows, as a retraining job gets them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from monitor.app.export import Span, export_days, export_rows
from monitor.config import load_config
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.keeping import kept_of
from monitor.plans import model_plans
from monitor.store.database import State, StateSettings, open_state
from monitor.store.segment import Segment, rewrite_segments, segments
from tests.stories.world import HOUR, MODEL, ROWS_AN_HOUR, START, World

HOURS = 30
FOREVER = Span(START - HOUR, START + HOURS * HOUR)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a log of a day and a quarter."""
    made = World(tmp_path_factory.mktemp("export") / "world")
    made.reference()
    made.log(HOURS)
    return made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Return a new state."""
    opened = open_state(StateSettings(), tmp_path)
    yield opened
    opened.close()


def read(world: World, state: State, rows: int = 5000, block_bytes: int = 2**20) -> Pipeline:
    """Read the log into a state."""
    loaded = load_config(world.config({"rows_per_window": rows, "records": {"max_line": "1KiB"}}), {})
    (plan,) = model_plans(loaded.config, loaded.root)
    pipeline = Pipeline(plan, state, event_clock=True, block_bytes=block_bytes)
    for _ in pipeline.step(START):
        pass
    return pipeline


def exported(state: State, pipeline: Pipeline, span: Span = FOREVER) -> bytes:
    """Return an export."""
    file = io.BytesIO()
    assert export_rows(state, pipeline.model, span, file)
    return file.getvalue()


def table(content: bytes) -> pa.Table:
    """Return the rows of an export."""
    return pq.read_table(io.BytesIO(content))


def named(state: State) -> list[Segment]:
    """Return the files of rows."""
    with state.read() as connection:
        return segments(connection, MODEL, FOREVER.start, FOREVER.end)


def test_every_row_comes_with_its_target(world: World, state: State) -> None:
    """Where all rows are kept the export is the log, in order of time, each row with its own target."""
    rows = table(exported(state, read(world, state)))
    assert rows.num_rows == HOURS * ROWS_AN_HOUR
    assert rows.column_names[:3] == ["timestamp", "request_id", "model_version"]
    assert rows["timestamp"].cast(pa.int64()).to_pylist() == sorted(rows["timestamp"].cast(pa.int64()).to_pylist())
    assert set(rows["target"].to_pylist()) == {"0", "1"} or set(rows["target"].to_pylist()) == {0.0, 1.0}


def test_a_window_gives_no_more_rows_than_are_kept_of_it(world: World, state: State) -> None:
    """Of each hour there are as many rows as the config keeps."""
    rows = table(exported(state, read(world, state, rows=7)))
    hours = pc.value_counts(pc.floor_temporal(rows["timestamp"], unit="hour"))
    assert set(hours.field("counts").to_pylist()) == {7}
    assert len(hours) == HOURS


def test_the_cut_of_the_log_changes_no_byte(world: World, state: State, tmp_path: Path) -> None:
    """A log read a few lines at a time, its files merged as they pile up, exports the same bytes."""
    other = open_state(StateSettings(directory="other"), tmp_path)
    cut = read(world, other, rows=7, block_bytes=5_000)
    assert len(named(other)) < 40, "some twenty lines were a batch, and nothing was merged"
    assert exported(other, cut) == exported(state, read(world, state, rows=7))
    other.close()


def test_only_whole_windows_are_given(world: World, state: State) -> None:
    """An end within an hour leaves that hour out; a start within one is kept to the instant."""
    pipeline = read(world, state)
    rows = table(exported(state, pipeline, Span(START + HOUR // 2, START + 3 * HOUR + 5)))
    times = rows["timestamp"].cast(pa.int64()).to_pylist()
    assert times[0] >= START + HOUR // 2
    assert START + 2 * HOUR < times[-1] < START + 3 * HOUR


def test_files_merged_under_the_export_are_found_again(world: World, state: State) -> None:
    """Where all files are merged while the first day is read, the rest comes from what took their place."""
    pipeline = read(world, state, rows=7, block_bytes=5_000)
    whole = table(exported(state, pipeline))
    days = export_days(state, pipeline.model, FOREVER)
    first = next(days)
    assert rewrite_segments(state, named(state), lambda rows: kept_of(rows, HOUR, 7)) is not None
    assert sum(day.num_rows for day in [first, *days]) == whole.num_rows


def test_nothing_kept_is_nothing_given(world: World, state: State) -> None:
    """Of a time of which no row is kept there is no file."""
    pipeline = read(world, state)
    assert not export_rows(state, pipeline.model, Span(START - 9 * HOUR, START - HOUR), io.BytesIO())
