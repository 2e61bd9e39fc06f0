"""Receivers as an operator looks at them: where each leads, what it takes, and what it answers to a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitor import receivers
from monitor.config import Config, Loaded
from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import Instant, to_text
from monitor.notification import probe_message
from monitor.receivers import Network, ReceiverSettings

Json = dict[str, Any]
_TODO = {
    Reason.TIMEOUT: "it did not answer in time: look whether it runs, or raise timeout",
    Reason.DNS_FAILED: "its name is unknown here: look at the URL's host and at the resolver",
    Reason.CONNECT_FAILED: "nobody listens there: look at the URL's host and port, and at the network between",
    Reason.TLS_FAILED: "its certificate is not trusted: name its authority in ca_file",
    Reason.THROTTLED: "it asks for fewer messages: later ones wait and are tried again",
    Reason.UNAVAILABLE: "it has a fault of its own: messages wait and are tried again",
    Reason.REDIRECTED: "it moved: write its new URL, for no redirect is followed",
    Reason.UNAUTHORIZED: "it does not know us: look at the token, the secret or the URL",
    Reason.GONE: "it asks never to be called again: make a new one there, or take it out of the config",
    Reason.REJECTED: "it will never take this message: look at the URL's path and at values",
    Reason.ADDRESS_REFUSED: "its address may not be called: see server.egress and server.allow_networks",
    Reason.NOT_TAKEN: "it said yes and meant no: look at its own log, and at the URL",
    Reason.NOT_AN_ACTION: "a test would start a job: begin with mode: dry_run, and watch the first action",
    Reason.TEMPLATE_FAILED: "mend the template in body or headers",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test message. ``why`` and ``detail`` are ``None`` where it was taken."""

    name: str
    kind: str
    message_id: str
    why: str | None = None
    detail: str | None = None
    help: str | None = None


def receivers_body(loaded: Loaded, at: Instant) -> Json:
    """Return the receivers of a config; names are resolved, and nothing is sent."""
    network = Network(egress=loaded.config.server, root=loaded.root)
    items = [_listed(loaded.config, settings, network) for settings in loaded.config.receivers]
    return {"kind": "receivers", "schema": 1, "at": to_text(at), "items": items}


def _listed(config: Config, settings: ReceiverSettings, network: Network) -> Json:
    retraining = [model.name for model in config.models if model.retrain and model.retrain.receiver == settings.name]
    return {
        "name": settings.name,
        "kind": settings.type,
        "takes": _takes(settings),
        "address": receivers.address(settings),
        "retrains": retraining,
        "why": receivers.problem(settings, network),
    }


def _takes(settings: ReceiverSettings) -> str:
    return receivers.TAKES[settings.type]


def try_receiver(loaded: Loaded, settings: ReceiverSettings, now: Instant) -> Tried:
    """Send a test message once, past the outbox, and return what came of it."""
    told = probe_message(settings.name, now)
    network = Network(egress=loaded.config.server, root=loaded.root)
    try:
        receivers.send(settings, told.id, told.body, now, network)
    except (DeliveryFailed, DeliveryRefused) as error:
        todo = _TODO.get(Reason(error.reason)) if error.reason in set(Reason) else None
        return Tried(settings.name, settings.type, told.id, error.reason, error.message, todo)
    return Tried(settings.name, settings.type, told.id)
