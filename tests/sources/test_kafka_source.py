"""The source that reads a topic, on brokers that speak the real protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.errors import SourceUnavailable
from monitor.instant import to_text
from monitor.record import WHOLE, Column, Kind, Layout, Reason, Role
from monitor.sources.batch import Batch
from monitor.sources.kafka.client import Client, Topic
from monitor.sources.kafka.intake import Intake
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.kafka.source import KafkaSource
from monitor.sources.position import Position
from monitor.sources.whole import decode_whole
from tests.sources.brokers import Brokers, brokers
from tests.sources.logs import START

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
SECOND = 1_000_000


@pytest.fixture
def cluster() -> Iterator[Brokers]:
    """Give a cluster with a topic of two partitions."""
    with brokers(logged=2) as made:
        yield made


def record(number: int) -> dict[str, Any]:
    """Return a record, the later the higher its number."""
    return {"timestamp": to_text(START + number * SECOND), "request_id": f"id-{number}", "inputs": {"x": number}}


def source(
    servers: str, block_bytes: int = 2**22, *, at_rest: bool = True, layout: Layout = LAYOUT, **options: Any
) -> KafkaSource:
    """Return a source; of a topic at rest, unless it is said."""
    settings = KafkaSettings.model_validate({"type": "kafka", "servers": servers, "topic": "logged"} | options)
    return KafkaSource(settings, layout, Path(), block_bytes, at_rest=at_rest)


def batches(source: KafkaSource, positions: dict[str, Position]) -> list[Batch]:
    """Read all that there is, keeping positions as the store does, and close the source."""
    found = []
    while (batch := source.read(positions)) is not None:
        positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
        found.append(batch)
    source.close()
    return found


def values(found: list[Batch]) -> list[float]:
    """Return the values of the one feature."""
    return [value for batch in found for value in batch.table["inputs.x"].to_pylist()]


def reasons(found: list[Batch]) -> dict[str, int]:
    """Return what was refused, by reason."""
    return dict(sum((batch.refused() for batch in found), start=Batch.refused(found[0]).__class__()))


def test_messages_come_once(cluster: Brokers) -> None:
    """Each partition is read in its order, each message once, and what comes later follows."""
    cluster.put("logged", map(record, range(0, 10, 2)), 0)
    cluster.put("logged", map(record, range(1, 10, 2)), 1)
    positions: dict[str, Position] = {}
    assert sorted(values(batches(source(cluster.servers, 300), positions))) == list(range(10))
    cluster.put("logged", [record(10)], 1)
    assert values(batches(source(cluster.servers), positions)) == [10]
    assert [positions[f"logged/{number}"].offset for number in (0, 1)] == [5, 6]


def test_the_same_position_gives_the_same_messages(cluster: Brokers) -> None:
    """What is read depends on the topic and the positions alone; what was handed on and not kept is handed on again."""
    cluster.put("logged", map(record, range(20)), 0)
    whole, positions = source(cluster.servers, 1000), dict[str, Position]()
    while (first := whole.read(positions)) is not None:
        again, other = whole.read(positions), source(cluster.servers, 1000)
        third = other.read(positions)
        other.close()
        assert again is not None
        assert third is not None
        assert first.table.equals(again.table)
        assert first.table.equals(third.table)
        positions[first.file] = first.position
    whole.close()
    assert positions["logged/0"].offset == 20


def test_the_partition_that_is_behind_is_read_first_and_holds_the_others(cluster: Brokers) -> None:
    """A batch says how far the other partitions have come that are not read to their end."""
    cluster.put("logged", map(record, range(100, 130)), 0)
    cluster.put("logged", map(record, range(30)), 1)
    found = batches(source(cluster.servers, 1000), {})
    held = [(batch.file, batch.hold) for batch in found]
    assert held[0] == ("logged/0", -(2**63))
    seen = [name for name, _ in held]
    assert seen == ["logged/0"] + ["logged/1"] * seen.count("logged/1") + ["logged/0"] * (seen.count("logged/0") - 1)
    assert held[1][1] == found[0].position.newest
    assert held[-1][1] is None


def test_what_is_no_record_is_refused_by_its_reason(cluster: Brokers) -> None:
    """Tombstones, large messages, and what is not one JSON object are counted; their neighbours are read."""
    odd = [None, b"", b"{", b"[1]", b"\xff\xfe", b'{"a": "' + b"x" * 900 + b'"}', b'{"a": 1}\n{"b": 2}']
    pretty = json.dumps(record(3), indent=1).encode()
    cluster.put("logged", [record(1), *odd, pretty, record(2)], 0)
    found = batches(source(cluster.servers, max_message=500), {})
    assert values(found) == [1, 3, 2]
    assert reasons(found) == {"tombstone": 1, "too_long": 1, "json_syntax": 3, "not_object": 1, "encoding": 1}
    assert [fault.offset for fault in found[0].rejected] == list(range(1, 8))


def test_another_topic_of_the_same_name_is_told_and_read_from_its_begin(cluster: Brokers) -> None:
    """Where the message before the position is another one, all is read that is there, and it is counted once."""
    cluster.put("logged", map(record, range(5)), 0)
    positions: dict[str, Position] = {}
    batches(source(cluster.servers), positions)
    with brokers(logged=2) as other:
        other.put("logged", map(record, range(50, 60)), 0)
        found = batches(source(other.servers), positions)
    assert values(found) == list(range(50, 60))
    assert reasons(found) == {"replaced": 1}


@pytest.mark.parametrize("count", [0, 4], ids=["empty", "shorter"])
def test_a_topic_that_jumped_back_is_told(cluster: Brokers, count: int) -> None:
    """A partition that ends before the position is another one; it is read from its beginning."""
    cluster.put("logged", map(record, range(5)), 0)
    positions: dict[str, Position] = {}
    batches(source(cluster.servers), positions)
    with brokers(logged=2) as other:
        other.put("logged", map(record, range(50, 50 + count)), 0)
        found = batches(source(other.servers), positions)
        assert batches(source(other.servers), positions) == []
    assert values(found) == list(range(50, 50 + count))
    assert reasons(found) == {"replaced": 1}


def test_a_cluster_that_holds_the_same_messages_is_read_on(cluster: Brokers) -> None:
    """Where the last message that was read stands at its place, reading goes on, with partitions that are new."""
    for each in (cluster, other := Brokers(logged=3)):
        each.put("logged", map(record, range(5)), 0, timestamp=1_700_000_000_000)
    positions: dict[str, Position] = {}
    batches(source(cluster.servers), positions)
    other.put("logged", [record(5)], 0)
    other.put("logged", [record(6)], 2)
    found = batches(source(other.servers), positions)
    other.close()
    assert sorted(values(found)) == [5, 6]
    assert reasons(found) == {}


def test_messages_that_were_removed_unread_are_counted(cluster: Brokers) -> None:
    """What the brokers removed before it was read is counted as lost, once, and what is left is read."""
    cluster.put("logged", [record(0)], 0)
    positions: dict[str, Position] = {}
    batches(source(cluster.servers), positions)
    for _ in range(7):  # a partition of these brokers keeps 5 MiB
        cluster.put("logged", [record(1) | {"much": "x" * 900_000}], 0)
    found = batches(source(cluster.servers), positions)
    read, lost = len(values(found)), reasons(found)["lost"]
    assert (read + lost, lost > 0) == (7, True)
    assert [fault.reason for batch in found for fault in batch.rejected] == [Reason.LOST]
    assert batches(source(cluster.servers), positions) == []


def test_brokers_that_are_away_are_told_and_come_back(cluster: Brokers) -> None:
    """While no broker answers nothing is read, the problem says so, and the source holds; then it goes on."""
    cluster.put("logged", [record(1)], 0)
    clock = [0.0]
    settings = KafkaSettings(type="kafka", servers=cluster.servers, topic="logged")
    live, positions = KafkaSource(settings, LAYOUT, Path(), clock=lambda: clock[0]), dict[str, Position]()
    cluster.stop()
    assert live.read(positions) is None
    assert (live.away, live.problem()) == (True, "logged: no broker can be reached")
    cluster.start()
    clock[0] = 11.0
    first = live.read(positions)
    live.close()
    assert first is not None
    assert values([first]) == [1]


def test_a_replay_of_a_topic_that_cannot_be_read_fails() -> None:
    """A topic at rest is read to its end, or it is an error, which holds no address."""
    with pytest.raises(SourceUnavailable, match="logged: no broker can be reached"):
        source("127.0.0.1:1").read({})


def test_a_live_topic_waits_for_what_is_written(cluster: Brokers) -> None:
    """A source that stays open reads what is written while it is."""
    live, positions = source(cluster.servers, at_rest=False), dict[str, Position]()
    assert live.read(positions) is None
    assert (live.away, live.problem()) == (False, None)
    cluster.put("logged", [record(1)], 1)
    found = None
    while found is None:
        found = live.read(positions)
    live.close()
    assert values([found]) == [1]


class Growing(Client):
    """A client of a topic that has one partition at first."""

    known = 1

    def look(self) -> Topic:
        """Return those partitions that are there by now."""
        found = super().look()
        return replace(found, partitions=found.partitions[: self.known])


def test_a_partition_that_is_added_is_read_from_its_first_message(cluster: Brokers) -> None:
    """A live source finds it within a minute, and reads what was written to it before; the others go on."""
    made, now = list[Growing](), 0.0

    def connect(*given: Any) -> Client:
        made.append(Growing(*given))
        return made[0]

    for partition in (0, 1):
        cluster.put("logged", [record(partition)], partition)
    settings = KafkaSettings(type="kafka", servers=cluster.servers, topic="logged")
    intake = Intake(settings, Path(), 2**20, at_rest=False, clock=lambda: now, connect=connect)
    intake.open({})
    made[0].known = 2
    now = 59.0
    intake.open({})
    assert [part.number for part in intake.parts] == [0]
    now = 61.0
    intake.open({})
    while not all(part.waiting for part in intake.parts):
        intake.receive(0.1)
    assert [(part.number, part.waiting[0].offset()) for part in intake.parts] == [(0, 0), (1, 0)]
    assert len(made) == 1
    intake.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"servers": "broker"},
        {"servers": "http://broker:9092"},
        {"servers": []},
        {"topic": "a b"},
        {"topic": ""},
        {"topic": "logs/*"},
        {"login": {"user": "driftline"}},
        {"login": {"user": "driftline", "password": "secret", "mechanism": "GSSAPI"}},
        {"tls": {"certificate": "client.pem"}},
        {"group": "driftline"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_without_a_secret(wrong: dict[str, Any]) -> None:
    """What names no broker or topic, or half a login, is refused."""
    with pytest.raises(ValidationError) as refused:
        KafkaSettings.model_validate({"type": "kafka", "servers": "broker:9092", "topic": "logged"} | wrong)
    assert "secret" not in str(refused.value).replace("password", "") or "GSSAPI" in str(refused.value)


@pytest.mark.parametrize("message_time", [False, True])
def test_a_record_without_event_time_takes_that_of_its_message(cluster: Brokers, message_time: bool) -> None:
    """Where it is asked for, what lacks a time has its message's, what has one keeps it, and the rest is refused."""
    bare = {"request_id": "bare", "inputs": {"x": 7}}
    written = [record(1), bare, {}, bare | {"timestamp": None}, bare | {"timestamp": "soon"}, b" { } ", b"[1]"]
    cluster.put("logged", written, timestamp=1_700_000_000_123)
    found = batches(source(cluster.servers, message_time=message_time), {})
    at = 1_700_000_000_123_000
    read = sorted(
        (row["timestamp"], row["inputs.x"]) for batch in found for row in batch.table.to_pylist() if row["inputs.x"]
    )
    assert read == [(START + SECOND, 1.0), *([(at, 7.0)] * 2 if message_time else [])]
    assert sum(batch.table.num_rows for batch in found) == (5 if message_time else 1)
    assert reasons(found) == {"timestamp_invalid": 1, "not_object": 1} | (
        {} if message_time else {"timestamp_missing": 4}
    )


def test_the_time_of_a_message_is_written_where_the_event_time_stands(cluster: Brokers) -> None:
    """It is in the record as it is kept, at the path that the config names, however much of that is there."""
    cluster.put("logged", [{"inputs": {"x": 1}}, {"at": {}}, {"at": {"time": None}}], timestamp=1000)
    layout = replace(LAYOUT, timestamp="at.time", whole=True)
    (found,) = batches(source(cluster.servers, layout=layout, message_time=True), {})
    assert found.table["timestamp"].to_pylist() == [1_000_000] * 3
    again = decode_whole(found.table[WHOLE].to_pylist(), layout)
    assert again.table["timestamp"].to_pylist() == [1_000_000] * 3
