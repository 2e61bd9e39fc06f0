"""A Job of a cluster: what its API is sent over TLS with the account's token, and how its answers are read."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.notification import MessageType
from monitor.receivers import KubernetesSettings, Network, send
from tests.receivers.dialect_samples import sample
from tests.scripted_http import Handler, Request, answer, scripted

SPEC: dict[str, Any] = {
    "backoffLimit": 1,
    "ttlSecondsAfterFinished": 86400,
    "template": {
        "spec": {
            "containers": [{"name": "train", "image": "acme/train:7", "env": [{"name": "OWN", "value": "{{ x }}"}]}]
        }
    },
}
CREATED = answer(201, body=b'{"kind":"Job","apiVersion":"batch/v1","metadata":{"name":"driftline-ac-a"}}')


@pytest.fixture
def cluster(tmp_path: Path) -> ssl.SSLContext:
    """Make an account's folder, and return the server's side of its authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("tokencanary\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def settings(port: int = 9, **changed: Any) -> KubernetesSettings:
    """Return the settings of a cluster on this machine."""
    given = {"name": "cluster", "url": f"https://127.0.0.1:{port}", "namespace": "ml", "spec": SPEC, "account": "."}
    return KubernetesSettings.model_validate(given | {"timeout": "5s"} | changed)


def start(
    folder: Path, context: ssl.SSLContext, said: Handler, kind: MessageType = MessageType.ACTION
) -> list[Request]:
    """Send a message to a cluster that answers so, and return what it got."""
    with scripted(said, tls=context) as server:
        send(settings(server.port), *sample(kind), 0, Network(root=folder))
        return server.requests


def test_a_job_is_created(tmp_path: Path, cluster: ssl.SSLContext) -> None:
    """The API gets the spec under a name of the action, with our variables beside its own, as whom the token says."""
    (got,) = start(tmp_path, cluster, CREATED)
    assert got.line == "POST /apis/batch/v1/namespaces/ml/jobs HTTP/1.1"
    assert got.headers["authorization"] == "Bearer tokencanary"
    job = json.loads(got.body)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["metadata"]["name"] == "driftline-ac-7m2p4t6x5zq3ks5vwy2rnb6djc"
    assert job["spec"]["backoffLimit"] == 1
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    variables = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    assert variables["OWN"] == "{{ x }}"
    assert variables["DRIFTLINE_ROWS"] == "https://monitor.example/rows"


def test_a_renewed_token_is_used(tmp_path: Path, cluster: ssl.SSLContext) -> None:
    """The token is read at each attempt, for a cluster renews it."""
    (tmp_path / "token").write_text("renewed")
    assert start(tmp_path, cluster, CREATED)[0].headers["authorization"] == "Bearer renewed"


def test_a_job_that_is_there_already_is_success(tmp_path: Path, cluster: ssl.SSLContext) -> None:
    """A conflict on the action's name means that an earlier try has made it."""
    assert start(tmp_path, cluster, answer(409, body=b'{"kind":"Status","reason":"AlreadyExists"}'))


@pytest.mark.parametrize(
    ("said", "error", "reason"),
    [
        (answer(403, body=b'{"kind":"Status"}'), DeliveryRefused, Reason.UNAUTHORIZED),
        (answer(422, body=b'{"kind":"Status"}'), DeliveryRefused, Reason.REJECTED),
        (answer(503), DeliveryFailed, Reason.UNAVAILABLE),
        (answer(200, body=b"<html>secretcanary</html>"), DeliveryFailed, Reason.NOT_TAKEN),
        (answer(200, body=b'{"kind":"Status","status":"Failure"}'), DeliveryFailed, Reason.NOT_TAKEN),
    ],
)
def test_an_answer_without_a_job_is_none(
    tmp_path: Path, cluster: ssl.SSLContext, said: Handler, error: type[Exception], reason: Reason
) -> None:
    """Refusals, faults, and a 2xx that holds no Job are told apart; no token stands in what is said."""
    with pytest.raises(error) as caught:
        start(tmp_path, cluster, said)
    assert getattr(caught.value, "reason", None) == reason
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("kind", [MessageType.FIRING, MessageType.TEST])
def test_an_alert_starts_no_job(tmp_path: Path, cluster: ssl.SSLContext, kind: MessageType) -> None:
    """Only an action does."""
    with pytest.raises(DeliveryRefused, match="asks for none"):
        start(tmp_path, cluster, CREATED, kind)


def test_outside_of_a_cluster_it_is_told_what_is_missing(tmp_path: Path) -> None:
    """Without the account's token nothing is sent, and what is looked for is named."""
    with pytest.raises(DeliveryFailed, match="the account's token cannot be read"):
        send(settings(), *sample(MessageType.ACTION), 0, Network(root=tmp_path))


@pytest.mark.parametrize("spec", [{}, {"template": None}, {"template": {"spec": {"containers": [{"name": "x"}]}}}])
def test_a_spec_without_an_image_is_refused_before_the_start(spec: dict[str, Any]) -> None:
    """A Job needs a container with an image."""
    with pytest.raises(ValidationError, match="each with an image") as caught:
        settings(spec=spec)
    assert caught.value.errors()[0]["type"] == "E123"
