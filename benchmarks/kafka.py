"""How fast a topic is read, and in how much memory: JSON records of 16 columns, from brokers on this machine.

``python -m benchmarks.kafka [RECORDS]`` reads a tenth of so many records, then all of them, into columns and into
profiles, each in a process of its own, by its CPU time. The brokers are librdkafka's stand-in, which keeps 5 MiB of a
partition: so records are written while they are read, never further ahead than it keeps.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import IO, cast

from confluent_kafka import Producer

from benchmarks.ingest import as_lines, blocks
from benchmarks.reading import command, compare, prepare
from monitor.instant import to_text

_RECORDS = 200_000
_AHEAD = 24_000
_PARTITIONS = 4
_BAR = 50_000
_TOPIC = "inferences"
_START = 1_372_669_500_000_000


def measure(records: int, into: str) -> tuple[float, int]:
    """Have so many records read; return the CPU seconds of reading and the peak of memory in bytes, of that process."""
    broker = Producer({"test.mock.num.brokers": 1, "log_level": 0, "linger.ms": 20})
    rests = [line.split(b",", 1)[1] for line in as_lines(next(blocks())).splitlines()]
    for partition in range(_PARTITIONS):
        broker.produce(_TOPIC, _record(rests, partition), partition=partition)
    broker.flush()
    found = next(iter(broker.list_topics().brokers.values()))
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), {"type": "kafka", "servers": f"{found.host}:{found.port}", "topic": _TOPIC})
        with subprocess.Popen(command(Path(name), records, into), stdout=subprocess.PIPE) as reader:
            told = cast("IO[bytes]", reader.stdout)
            _feed(broker, rests, records, told)
            seconds, peak = told.readline().split()
    return float(seconds), int(peak)


def _record(rests: list[bytes], number: int) -> bytes:
    """Return a record that is later than the one before: the partition that is furthest behind is read first."""
    at = to_text(_START + number * 1000)
    return b'{"timestamp":"%s",%s' % (at.encode(), rests[number % len(rests)])


def _feed(broker: Producer, rests: list[bytes], records: int, told: IO[bytes]) -> None:
    """Write records, never further ahead of what was read than the brokers keep."""
    was_read = 0
    for number in count(_PARTITIONS):
        if number >= records:
            break
        while number - was_read >= _AHEAD:
            broker.flush()
            was_read = int(told.readline())
        broker.produce(_TOPIC, _record(rests, number), partition=number % _PARTITIONS)
        broker.poll(0)
    broker.flush()
    while was_read < records:
        was_read = int(told.readline())


if __name__ == "__main__":
    sys.exit(compare("kafka", int(sys.argv[1]) if sys.argv[1:] else _RECORDS, _BAR, measure))
