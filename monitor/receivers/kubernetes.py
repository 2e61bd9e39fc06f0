"""Receiver ``kubernetes``: a Job of the cluster, named by the action, so that a retry starts no second one.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from monitor import __version__
from monitor.delivery import Reason, judge_status
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import Instant
from monitor.notification import MessageType
from monitor.receivers.address import Endpoint, SecretUrl, endpoint, read_url
from monitor.receivers.base import NamedSettings
from monitor.receivers.network import Network
from monitor.receivers.variables import variables
from monitor.settings import Duration, parse_duration

_THERE_ALREADY = 409
_DNS = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_CREATED = re.compile(rb'"kind"\s*:\s*"Job"')
_TOKEN_BYTES = 64 * 1024


class KubernetesSettings(NamedSettings):
    """The cluster in which a Job is started for each action."""

    type: Literal["kubernetes"] = "kubernetes"
    url: SecretUrl = Field(SecretStr("https://kubernetes.default.svc"), description="the cluster's API")
    namespace: str = Field(pattern=_DNS, description="where the Job runs")
    account: Path = Field(
        Path("/var/run/secrets/kubernetes.io/serviceaccount"),
        description="a folder with token and ca.crt, read at each attempt: a cluster renews them",
    )
    spec: dict[str, Any] = Field(description="the Job's spec; each container is given the DRIFTLINE_ variables")
    timeout: Duration = Field(
        parse_duration("15s"), gt=parse_duration("0s"), le=parse_duration("60s"), description="for the whole attempt"
    )

    @model_validator(mode="after")
    def _has_containers(self) -> KubernetesSettings:
        try:
            containers = self.spec["template"]["spec"]["containers"]
            good = bool(containers) and all(each["image"] for each in containers)
        except (KeyError, TypeError):
            good = False
        if not good:
            raise PydanticCustomError("E123", "kubernetes needs spec.template.spec.containers, each with an image")
        return self


def leads_to(settings: KubernetesSettings) -> Endpoint:
    """Return where requests go."""
    return endpoint(read_url(settings.url.get_secret_value()))


def send(settings: KubernetesSettings, message_id: str, body: bytes, now: Instant, network: Network) -> None:
    """Create the Job of an action once.

    Raises
    ------
    DeliveryFailed: it was not created, and the same call may succeed later.
    DeliveryRefused: it never will be.
    """
    from monitor.receivers.sender import Post, post  # httpcore: loaded by the first message

    event = json.loads(body)
    if event["type"] != MessageType.ACTION:
        raise DeliveryRefused(Reason.NOT_AN_ACTION, "kubernetes starts jobs, and this message asks for none")
    shown, folder = leads_to(settings).shown, network.root / settings.account
    headers = {
        "Authorization": f"Bearer {_token(folder / 'token', shown)}",
        "Content-Type": "application/json",
        "User-Agent": f"driftline/{__version__}",
    }
    base = settings.url.get_secret_value().rstrip("/")
    url = read_url(f"{base}/apis/batch/v1/namespaces/{settings.namespace}/jobs")
    authority = folder / "ca.crt"
    content = json.dumps(manifest(settings, message_id, event)).encode()
    seconds = settings.timeout.total_seconds()
    answer = post(Post(url, headers, content, seconds, authority if authority.exists() else None), network)
    if answer.status == _THERE_ALREADY:
        return
    failure = judge_status(answer.status, answer.retry_after, now, shown)
    if failure is not None:
        raise failure
    if not _CREATED.search(answer.body):
        raise DeliveryFailed(Reason.NOT_TAKEN, f"{shown} answered {answer.status} and no Job")


def manifest(settings: KubernetesSettings, message_id: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Job: the spec as it was written, with our variables in every container; never restarted unasked."""
    spec, told = copy.deepcopy(settings.spec), variables(event)
    pod = spec["template"]["spec"]
    pod.setdefault("restartPolicy", "Never")
    for container in pod["containers"]:
        own = [each for each in container.get("env") or [] if each.get("name") not in told]
        container["env"] = [*own, *({"name": name, "value": value} for name, value in told.items())]
    action = str(event["data"]["action"]["id"])
    labels = {"app.kubernetes.io/managed-by": "driftline", "driftline.io/action": action}
    metadata = {
        "name": f"driftline-{action.replace('_', '-')}",
        "labels": labels,
        "annotations": {"driftline.io/message": message_id},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _token(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, ValueError) as error:
        what = "the account's token cannot be read; expected it in the folder that account names"
        raise DeliveryFailed(Reason.UNAUTHORIZED, f"{shown}: {what}") from error
    if not text or not text.isprintable():
        raise DeliveryFailed(Reason.UNAUTHORIZED, f"{shown}: the account's token is empty or no token")
    return text
