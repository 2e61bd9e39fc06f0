"""The source that pairs requests and responses of topics, on brokers that speak the real protocol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.errors import SourceUnavailable
from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.kafka.events import KafkaEvents
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.position import Position
from tests.sources.brokers import Brokers, brokers

X = Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC)
LAYOUT = Layout("timestamp", (X,), id="request_id", latency="latency_ms", error="error")
TARGETS = Layout("timestamp", (Column("target", "target", Role.TARGET, Kind.NUMERIC),), id="request_id", needs_id=True)
MINUTE_MS = 60_000
START_MS = 1_372_669_500_000


@pytest.fixture
def cluster() -> Iterator[Brokers]:
    """Give a cluster with a topic of events, and one each of requests and responses."""
    with brokers(events=2, asked=2, answered=2) as made:
        yield made


def ask(cluster: Brokers, number: int, at: int = 0, partition: int = 0) -> None:
    """Write a request."""
    body = {"instances": [{"x": number}]}
    cluster.put("asked", [body], partition, key=b"%d" % number, timestamp=START_MS + at)


def answer(cluster: Brokers, number: int, at: int = 0, partition: int = 0) -> None:
    """Write a response."""
    cluster.put("answered", [{"predictions": [1]}], partition, key=b"%d" % number, timestamp=START_MS + at)


def event(cluster: Brokers, type_: str, body: Any, id_: str = "1", **more: str) -> None:
    """Write a CloudEvent."""
    told = {"specversion": "1.0", "type": type_, "source": "pod", "id": id_, **more}
    headers = [(f"ce_{name}", value.encode()) for name, value in told.items()]
    cluster.put("events", [body], headers=headers, timestamp=START_MS)


def apart(servers: str, **options: Any) -> KafkaEvents:
    """Return the source of the topics of requests and responses; at rest, unless a wall clock is given."""
    settings = KafkaSettings(type="kafka", servers=servers, topic="asked", responses="answered")
    return KafkaEvents(settings, LAYOUT, Path(), **({"at_rest": True} | options))


def together(servers: str, layout: Layout = LAYOUT, **events: Any) -> KafkaEvents:
    """Return the source of the topic of events, at rest."""
    given = {"type": "kafka", "servers": servers, "topic": "events", "events": events, "max_message": 1000}
    return KafkaEvents(KafkaSettings.model_validate(given), layout, Path(), at_rest=True)


def batches(source: KafkaEvents, positions: dict[str, Position]) -> list[Batch]:
    """Read all that there is, keeping positions as the store does, and close the source."""
    found = []
    while (batch := source.read(positions)) is not None:
        positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
        found.append(batch)
    source.close()
    return found


def rows(found: list[Batch], *names: str) -> list[Any]:
    """Return some values of each record."""
    read = [row for batch in found for row in batch.table.to_pylist()]
    return [row[names[0]] if len(names) == 1 else tuple(row[name] for name in names) for row in read]


def reasons(found: list[Batch]) -> dict[str, int]:
    """Return what was refused, by reason."""
    return dict(sum((batch.refused() for batch in found), start=Counter[str]()))


def test_halves_of_any_partition_are_one_record(cluster: Brokers) -> None:
    """A request and its response, in whichever order and partitions, are one record, timed by their messages."""
    ask(cluster, 1, 0, 0)
    ask(cluster, 2, 10, 1)
    answer(cluster, 2, 40, 0)
    answer(cluster, 1, 25, 1)
    found = batches(apart(cluster.servers), {})
    assert rows(found, "inputs.x", "request_id", "latency_ms", "error") == [(1, "1", 25, None), (2, "2", 30, None)]
    assert rows(found, "timestamp") == [START_MS * 1000, (START_MS + 10) * 1000]
    assert reasons(found) == {}


def test_what_stays_alone_at_rest_is_given_up(cluster: Brokers) -> None:
    """A request without a response has failed, a response without a request is refused, and both but once."""
    ask(cluster, 1)
    answer(cluster, 2, 5)
    positions: dict[str, Position] = {}
    found = batches(apart(cluster.servers), positions)
    assert rows(found, "inputs.x", "error") == [(1, "no_response")]
    assert reasons(found) == {"request_missing": 1}
    assert batches(apart(cluster.servers), positions) == []


def test_a_request_is_given_up_by_the_time_of_what_follows(cluster: Brokers) -> None:
    """Five minutes of messages later its response comes too late, whenever that is read."""
    ask(cluster, 1)
    ask(cluster, 2, 5 * MINUTE_MS)
    answer(cluster, 1, 5 * MINUTE_MS + 1)
    answer(cluster, 2, 5 * MINUTE_MS + 2)
    found = batches(apart(cluster.servers), {})
    assert rows(found, "inputs.x", "error") == [(1, "no_response"), (2, None)]
    assert reasons(found) == {"request_missing": 1}


def test_a_request_is_given_up_though_nothing_more_comes(cluster: Brokers) -> None:
    """Where topics are silent, the wall clock says when its time is up."""
    now, positions = START_MS * 1000, dict[str, Position]()
    ask(cluster, 1)
    live = apart(cluster.servers, at_rest=False, wall=lambda: now)
    first = live.read(positions)
    assert first is not None
    positions[first.file] = first.position
    assert (rows([first], "inputs.x"), live.read(positions)) == ([], None)
    now += 5 * MINUTE_MS * 1000
    found = batches(live, positions)
    assert rows(found, "inputs.x", "error") == [(1, "no_response")]


@pytest.mark.parametrize("live", [True, False], ids=["goes-on", "restarts"])
def test_a_half_waits_over_a_restart(cluster: Brokers, live: bool) -> None:
    """What waited when the daemon was killed is paired with what came since, wherever either stands."""
    positions: dict[str, Position] = {}
    clock: dict[str, Callable[[], int] | bool] = {"at_rest": False, "wall": lambda: START_MS * 1000}
    for number in range(4):
        ask(cluster, number, number, number % 2)
        answer(cluster, 10 + number, number, number % 2)
    source = apart(cluster.servers, **clock)
    assert rows(batches(source, positions), "inputs.x") == []
    source = source if live else apart(cluster.servers, **clock)
    for number in range(4):
        answer(cluster, number, 10 + number, number % 2)
        ask(cluster, 10 + number, 10 + number, 1 - number % 2)
    found = batches(source, positions)
    assert sorted(rows(found, "inputs.x")) == [0, 1, 2, 3, 10, 11, 12, 13]
    assert reasons(found) == {}


def test_a_half_that_is_gone_when_it_is_wanted_again_is_lost(cluster: Brokers) -> None:
    """In a topic that was made anew, what waited is no more: it is counted, as the topic is."""
    positions: dict[str, Position] = {}
    ask(cluster, 1)
    batches(apart(cluster.servers, at_rest=False, wall=lambda: START_MS * 1000), positions)
    with brokers(asked=2, answered=2) as other:
        ask(other, 2, 7)
        answer(other, 2, 9)
        found = batches(apart(other.servers), positions)
        assert batches(apart(other.servers), positions) == []
    assert rows(found, "inputs.x") == [2]
    assert reasons(found) == {"lost": 1, "replaced": 1}


SELDON = "io.seldon.serving."


def test_one_topic_may_hold_all_and_more(cluster: Brokers) -> None:
    """Events of another service, of an unknown type, and what is none, are counted; feedback is no record."""
    for part, body in (("request", {"instances": [{"x": 4}]}), ("response", {"predictions": [1]})):
        event(cluster, f"org.kubeflow.serving.inference.{part}", body, inferenceservicename="shop")
        event(cluster, f"org.kubeflow.serving.inference.{part}", body, inferenceservicename="other")
    event(
        cluster,
        f"{SELDON}feedback",
        {"truth": {"data": {"ndarray": [[1.0]]}}},
        requestid="1",
        inferenceservicename="shop",
    )
    event(cluster, "com.example.other", {})
    cluster.put("events", [None, b"no event", {"data": "x" * 1000}])
    found = batches(together(cluster.servers, service="shop"), {})
    assert rows(found, "inputs.x") == [4]
    refused = {"other_component": 2, "event_type_unknown": 1, "tombstone": 1, "event_invalid": 1, "too_long": 1}
    assert reasons(found) == refused


def test_feedback_is_a_target(cluster: Brokers) -> None:
    """As a source of targets, a topic of events gives the truths of its feedback, and nothing of the rest."""
    event(cluster, f"{SELDON}inference.request", {"instances": [{"x": 4}]}, requestid="r-1")
    event(cluster, f"{SELDON}feedback", {"truth": {"data": {"ndarray": [[1.0]]}}}, "2", requestid="r-1")
    found = batches(together(cluster.servers, TARGETS), {})
    assert rows(found, "request_id", "target") == [("r-1", 1.0)]
    assert reasons(found) == {}


def test_where_one_of_the_topics_is_away_nothing_is_read(cluster: Brokers) -> None:
    """Requests wait while the responses cannot be had: they are away, not failed; and a replay of them fails."""
    ask(cluster, 1)
    settings = KafkaSettings(type="kafka", servers=cluster.servers, topic="asked", responses="missing")
    live = KafkaEvents(settings, LAYOUT, Path(), wall=lambda: 0)
    assert live.read({}) is None
    assert (live.away, live.problem()) == (True, "missing: there is no topic of this name")
    live.close()
    with pytest.raises(SourceUnavailable, match="missing: there is no topic of this name"):
        KafkaEvents(settings, LAYOUT, Path(), at_rest=True).read({})


def test_brokers_that_are_away_are_told_and_come_back(cluster: Brokers) -> None:
    """After brokers were away reading goes on where it was, with what waited."""
    now, positions = 0.0, dict[str, Position]()
    ask(cluster, 1)
    live = apart(cluster.servers, at_rest=False, wall=lambda: START_MS * 1000, clock=lambda: now)
    first = live.read(positions)
    assert first is not None
    positions[first.file] = first.position
    live.close()
    cluster.stop()
    assert live.read(positions) is None
    assert (live.away, live.problem()) == (True, "asked: no broker can be reached")
    cluster.start()
    answer(cluster, 1, 3)
    now = 11.0
    assert rows(batches(live, positions), "inputs.x", "error") == [(1, None)]


def test_requests_and_responses_are_two_topics() -> None:
    """A topic cannot hold its own responses by key."""
    with pytest.raises(ValidationError, match="topic and responses are one"):
        KafkaSettings(type="kafka", servers="broker:9092", topic="a", responses="a")
