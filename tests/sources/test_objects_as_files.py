"""The same inferences from objects and from files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.replay import Replay
from monitor.sources.objects.settings import ObjectStoreSettings
from tests.worlds import World, plan_of, write_log, write_reference

HOURS = 12


@pytest.mark.parametrize("form", ["jsonl", "parquet", "side by side"])
def test_objects_give_the_windows_that_a_file_gives(tmp_path: Path, form: str) -> None:
    """Windows of records in a folder of objects are those of the same records in a log, bit for bit."""
    write_reference(tmp_path / "reference.parquet")
    records = write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, HOURS))
    step = len(records) // 6
    for part in range(6):
        own = records[part::6] if form == "side by side" else records[part * step : (part + 1) * step]
        folder = tmp_path / "objects" / f"part={part}"
        folder.mkdir(parents=True)
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(own), folder / "x.parquet")
        else:
            write_log(folder / "x.jsonl", own)
    settings = ObjectStoreSettings(type="object_store", path="objects/")
    of_files, of_objects = (
        [json.dumps(line) for line in Replay(plan_of(tmp_path, **changes)).lines()]
        for changes in ({}, {"records": (settings,)})
    )
    assert of_objects == of_files
    assert len(of_files) == HOURS
