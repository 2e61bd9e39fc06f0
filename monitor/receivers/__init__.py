"""Where messages go. Each kind of receiver is one file; here they are listed, and called by their settings.

A kind has settings with a ``type``, a function that sends one message once, and one that tells where it leads.
Sending raises ``DeliveryFailed`` or ``DeliveryRefused`` and decides nothing: retries are ``delivery.py``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import Instant
from monitor.receivers import command, kubernetes, log, mail, templated, webhook
from monitor.receivers.address import Endpoint
from monitor.receivers.command import CommandSettings
from monitor.receivers.dialects import DIALECTS, Takes
from monitor.receivers.egress import EgressSettings
from monitor.receivers.kubernetes import KubernetesSettings
from monitor.receivers.log import LogSettings
from monitor.receivers.mail import EmailSettings
from monitor.receivers.network import Deadline, Network, checked_targets
from monitor.receivers.templated import DialectSettings, HttpCallSettings
from monitor.receivers.webhook import WebhookSettings

__all__ = [
    "RECEIVERS",
    "TAKES",
    "CommandSettings",
    "DialectSettings",
    "EgressSettings",
    "EmailSettings",
    "HttpCallSettings",
    "KubernetesSettings",
    "LogSettings",
    "Network",
    "Receiver",
    "ReceiverSettings",
    "WebhookSettings",
    "address",
    "problem",
    "send",
]

ReceiverSettings: TypeAlias = Annotated[
    WebhookSettings
    | LogSettings
    | EmailSettings
    | CommandSettings
    | KubernetesSettings
    | HttpCallSettings
    | DialectSettings,
    Field(discriminator="type"),
]

_LOOKUP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """A kind of receiver."""

    send: Callable[[Any, str, bytes, Instant, Network], None]
    leads_to: Callable[[Any], Endpoint | None]


RECEIVERS = {
    "webhook": Receiver(webhook.send, webhook.leads_to),
    "log": Receiver(log.send, log.leads_to),
    "email": Receiver(mail.send, mail.leads_to),
    "command": Receiver(command.send, command.leads_to),
    "kubernetes": Receiver(kubernetes.send, kubernetes.leads_to),
    **dict.fromkeys(("http", *DIALECTS), Receiver(templated.send, templated.leads_to)),
}

TAKES: dict[str, Takes] = {
    **dict.fromkeys(RECEIVERS, "all"),
    **{name: dialect.takes for name, dialect in DIALECTS.items()},
    "email": "alerts",
    "kubernetes": "actions",
}
"""What each kind can do something with: people's alerts, jobs' actions, or both."""


def send(settings: ReceiverSettings, message_id: str, body: bytes, now: Instant, network: Network) -> None:
    """Send a message to a receiver, once.

    Raises
    ------
    DeliveryFailed: not taken, and the same call may succeed later.
    DeliveryRefused: it will never be taken.
    """
    RECEIVERS[settings.type].send(settings, message_id, body, now, network)


def address(settings: ReceiverSettings) -> str | None:
    """Return a receiver's address as it may be shown, or ``None`` if it has none."""
    endpoint = RECEIVERS[settings.type].leads_to(settings)
    return None if endpoint is None else endpoint.shown


def problem(settings: ReceiverSettings, network: Network) -> str | None:
    """Return why a receiver cannot be called now, or ``None``; its name is resolved, and nothing is sent."""
    endpoint = RECEIVERS[settings.type].leads_to(settings)
    if endpoint is None:
        return None
    try:
        checked_targets(network, endpoint.host, endpoint.port, Deadline(_LOOKUP_SECONDS, endpoint.shown))
    except (DeliveryFailed, DeliveryRefused) as error:
        return error.message
    return None
