"""Lines of other products' logs that a shipper wrote to a topic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.instant import from_text
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.opening import Where, open_source
from monitor.sources.paired import PairedSource
from monitor.sources.position import Position
from tests.sources.brokers import Brokers, brokers
from tests.sources.foreign import AT, LAYOUT, WHOLE, drained, told

Positions = dict[str, Position]


def read(cluster: Brokers, topic: str, positions: Positions, *, at_rest: bool = True) -> list[dict[str, object]]:
    """Read what a topic holds in a format of its own name, and keep the positions."""
    events = {"features": ["age", "plan"], "outputs": ["prediction"], "within": "10000d"}
    given = {"type": "kafka", "servers": cluster.servers, "topic": topic, "format": topic, "events": events}
    source = open_source(KafkaSettings.model_validate(given), LAYOUT, Where(Path(), None, at_rest=at_rest))
    found = told(drained(source, positions))
    source.close()
    assert found.refused == []
    return found.rows


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_call_in_a_topic_is_one_record(format_: str) -> None:
    """Each line of a product's log is one message, halves in another partition each, and a call becomes one record."""
    with brokers(**{format_: 2}) as cluster:
        for place, line in enumerate(WHOLE[format_]):
            cluster.put(format_, [json.dumps(line).encode()], place)
        positions: Positions = {}
        [row] = read(cluster, format_, positions)
        assert read(cluster, format_, positions) == []
    assert (row["timestamp"], row["request_id"]) == (from_text(AT), "r-1")
    assert (row["inputs.age"], row["inputs.plan"], row["prediction"]) == (34.0, "gold", 0.07)


def test_half_a_call_waits_over_a_restart() -> None:
    """A request that was read before a restart is paired with the response that comes after it."""
    request, response = WHOLE["kserve"]
    positions: Positions = {}
    with brokers(kserve=1) as cluster:
        cluster.put("kserve", [request])
        assert read(cluster, "kserve", positions, at_rest=False) == []
        cluster.put("kserve", [response])
        [row] = read(cluster, "kserve", positions, at_rest=False)
    assert (row["inputs.age"], row["prediction"]) == (34.0, 0.07)


def test_halves_that_cannot_be_had_are_no_silence() -> None:
    """While no broker answers, a source of halves says that there may be more, as one of records does."""
    settings = KafkaSettings(type="kafka", servers="127.0.0.1:1", topic="kserve", format="kserve")
    source = open_source(settings, LAYOUT, Where(Path(), None))
    assert isinstance(source, PairedSource)
    assert source.away
    source.close()
