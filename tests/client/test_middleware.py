from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from monitor.client import Client, Monitored
from monitor.client.middleware import Receive, Scope, Send
from tests.client.test_client import MODEL, Receiver


async def predict(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as a model server does, its request in several parts; of a negative age nothing is known."""
    assert scope["type"] == "http"
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    age = json.loads(body)["inputs"]["age"]
    answer = json.dumps({"prediction": age > 40, "score": 0.8}).encode()
    await send({"type": "http.response.start", "status": 200 if age >= 0 else 500, "headers": []})
    await send({"type": "http.response.body", "body": answer[:5], "more_body": True})
    await send({"type": "http.response.body", "body": answer[5:]})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a server that runs."""
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def served(client: Client, *bodies: dict[str, Any], **settings: Any) -> list[int]:
    """Return the statuses that a model server answers with."""

    async def asked() -> list[int]:
        transport = httpx.ASGITransport(Monitored(predict, client=client, **settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as asking:
            return [(await asking.post("/predict", json=body)).status_code for body in bodies]

    statuses = asyncio.run(asked())
    client.close()
    return statuses


def test_a_request_and_its_answer_are_one_record(receiver: Receiver) -> None:
    """Inputs, prediction, score and latency stand where Driftline looks for them."""
    assert served(Client(receiver.url, MODEL), {"inputs": {"age": 41}}) == [200]
    (record,) = receiver.records
    assert (record["inputs"], record["prediction"], record["score"]) == ({"age": 41}, True, 0.8)
    assert record["latency_ms"] > 0


def test_what_failed_is_no_record(receiver: Receiver) -> None:
    """An answer that is none of the model's is not logged, and reaches its caller as it was."""
    assert served(Client(receiver.url, MODEL), {"inputs": {"age": -1}}) == [500]
    assert receiver.got == []


def test_what_is_too_long_is_served_and_counted(receiver: Receiver) -> None:
    """A large body costs no memory."""
    client = Client(receiver.url, MODEL)
    assert served(client, {"inputs": {"age": 41, "text": "x" * 100}}, most_bytes=50) == [200]
    assert (client.counts.dropped, receiver.got) == (1, [])


def test_a_record_of_ones_own_making(receiver: Receiver) -> None:
    """Whoever has another form says how a record is made of it."""
    own = {"record": lambda asked, answered: {"inputs": asked["inputs"], "prediction": str(answered["prediction"])}}
    served(Client(receiver.url, MODEL), {"inputs": {"age": 41}}, **own)
    assert json.dumps(receiver.records[0]["prediction"]) == '"True"'
