"""How fast a topic is read, and in how much memory: JSON records of 16 columns, from brokers on this machine.

``python -m benchmarks.kafka [RECORDS]`` reads a tenth of so many records, then all of them, each in a process of its
own (``read``), by its CPU time. The brokers are librdkafka's stand-in, which keeps 5 MiB of a partition: so records are
written while they are read, never further ahead than it keeps.
"""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import IO, cast

from confluent_kafka import Producer

from benchmarks.harness import report
from benchmarks.ingest import LAYOUT, as_lines, blocks
from monitor.instant import to_text
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.kafka.source import KafkaSource
from monitor.sources.position import Position

_RECORDS = 200_000
_AHEAD = 24_000
_PARTITIONS = 4
_BAR = 50_000
_TOPIC = "inferences"
_KIBIBYTE = 1024
_START = 1_372_669_500_000_000


def read(servers: str, records: int) -> None:
    """Read so many records, and say after each batch how many it was."""
    settings = KafkaSettings(type="kafka", servers=servers, topic=_TOPIC)
    source, positions = KafkaSource(settings, LAYOUT, Path()), dict[str, Position]()
    rows, begun = 0, time.process_time()
    while rows < records:
        batch = source.read(positions)
        if batch is not None:
            if batch.refused():
                sys.exit(f"refused, or lost where the writer ran too far ahead: {dict(batch.refused())}")
            positions[batch.file] = batch.position
            rows += batch.table.num_rows
            print(rows, flush=True)
    source.close()
    peak = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    print(time.process_time() - begun, int(peak.split()[1]) * _KIBIBYTE, flush=True)


def measure(records: int) -> tuple[float, int]:
    """Have so many records read; return the CPU seconds of reading and the peak of memory in bytes, of that process."""
    broker = Producer({"test.mock.num.brokers": 1, "log_level": 0, "linger.ms": 20})
    rests = [line.split(b",", 1)[1] for line in as_lines(next(blocks())).splitlines()]
    for partition in range(_PARTITIONS):
        broker.produce(_TOPIC, _record(rests, partition), partition=partition)
    broker.flush()
    found = next(iter(broker.list_topics().brokers.values()))
    command = [sys.executable, "-m", "benchmarks.kafka", "read", f"{found.host}:{found.port}", str(records)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
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


def main(records: int) -> int:
    """Measure, report, and say whether the bar is met."""
    rows, peaks, rate = [], [], 0.0
    for number in (records // 10, records):
        began = time.monotonic()
        seconds, peak = measure(number)
        rate = number / seconds
        peaks.append(peak)
        rows.append(
            {
                "records": number,
                "cpu_s": round(seconds, 2),
                "wall_s": round(time.monotonic() - began, 1),
                "thousand_per_cpu_second": round(rate / 1000, 1),
                "peak_mb": round(peak / 2**20, 1),
            }
        )
    report("kafka", rows)
    return int(rate < _BAR)


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        read(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else _RECORDS))
