"""The same inferences from a topic and from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.replay import Replay
from monitor.sources.kafka.settings import KafkaSettings
from tests.sources.brokers import brokers
from tests.worlds import World, plan_of, write_log, write_reference

HOURS = 12


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_topic_gives_the_windows_that_a_file_gives(tmp_path: Path, partitions: int) -> None:
    """Windows of records in a topic are those of the same records in a log, bit for bit, in however many partitions."""
    write_reference(tmp_path / "reference.parquet")
    records = write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, HOURS))
    with brokers(logged=partitions) as cluster:
        for number in range(partitions):
            cluster.put("logged", records[number::partitions], number)
        settings = KafkaSettings(type="kafka", servers=cluster.servers, topic="logged")
        of_files, of_topic = (
            [json.dumps(line) for line in Replay(plan_of(tmp_path, **changes)).lines()]
            for changes in ({}, {"records": (settings,)})
        )
    assert of_topic == of_files
    assert len(of_files) == HOURS
