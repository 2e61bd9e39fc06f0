"""The same inferences from a table and from files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from monitor.replay import Replay
from monitor.sources.sql.settings import SqlSettings
from tests.worlds import World, plan_of, write_log, write_reference

HOURS = 12


def test_a_table_gives_the_windows_that_a_file_gives(tmp_path: Path) -> None:
    """Windows of records in a table are those of the same records in a log, bit for bit."""
    write_reference(tmp_path / "reference.parquet")
    records = write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, HOURS))
    names = [name for name in records[0] if name != "inputs"]
    features = list(records[0]["inputs"])
    with closing(sqlite3.connect(tmp_path / "log.db")) as database, database:
        database.execute(f"CREATE TABLE logged (serial INTEGER PRIMARY KEY, {', '.join(names + features)})")
        values = ", ".join("?" * len(names + features))
        database.executemany(
            f"INSERT INTO logged VALUES (NULL, {values})",  # noqa: S608 a row of question marks
            [[*(each[name] for name in names), *each["inputs"].values()] for each in records],
        )
    settings = SqlSettings.model_validate(
        {"type": "sql", "url": "sqlite:///log.db", "table": "logged", "key": "serial", "rows": 100}
    )
    of_files, of_table = (
        [json.dumps(line) for line in Replay(plan_of(tmp_path, **changes)).lines()]
        for changes in ({}, {"records": (settings,)})
    )
    assert of_table == of_files
    assert len(of_files) == HOURS
