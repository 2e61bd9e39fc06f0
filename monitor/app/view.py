"""The daemon as the web sees it: what is asked of memory and state, in the shapes of the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import structlog

from monitor.app import actions, incidents
from monitor.app.running import Running
from monitor.app.status import Beside, status
from monitor.app.worker import Worker
from monitor.pipeline.acting import try_of
from monitor.silence import silence_body
from monitor.store.action import get_action, list_actions
from monitor.store.alert import get_alert, list_alerts
from monitor.store.database import Connection
from monitor.store.delivery import list_deliveries
from monitor.store.silence import list_silences
from monitor.store.window import get_window, list_windows
from monitor.web.doors import Doors
from monitor.web.problems import Problem
from monitor.web.view import Acknowledgement, Listing, Report, Ruling, SilenceAsked

if TYPE_CHECKING:
    from monitor.telemetry import Page

Json = dict[str, Any]
_STALE_SECONDS = 30.0


class DaemonView:
    """Answers for a daemon; see :class:`monitor.web.view.View`."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def metrics(self, accept: str) -> Page:
        """Return the last rendered page of metrics."""
        return self._running.telemetry.page(accept)

    def alive(self) -> bool:
        """Say whether the supervisor ticked within 30 seconds."""
        return time.monotonic() - self._running.ticked < _STALE_SECONDS

    def readiness(self) -> Json:
        """Return the body of ``/readyz``."""
        running = self._running
        checks = [
            _check("started", None if running.started and not running.stopping else "starting or stopping"),
            _check("state", None if running.state.writable else "state_not_writable"),
        ]
        ready = all(check["ok"] for check in checks)
        checks.append(_check("config", running.reload_error))
        checks += [_check(f"spool:{name}", why) for name, why in running.spools.troubles().items()]
        for worker in running.workers.values():
            checks.append(_check(f"model:{worker.plan.name}", worker.why))
            checks += [_check(f"source:{worker.plan.name}:{role}", why) for role, why in worker.sources().items()]
            faults = dict(worker.pipeline.references.faults)
            checks += [_check(f"reference:{worker.plan.name}:{name}", str(why)) for name, why in faults.items()]
        return {"ready": ready, "checks": checks}

    def doors(self) -> Doors:
        """Return where what is sent comes in."""
        return self._running.spools.doors

    def status(self) -> Json:
        """Return the ``status`` object."""
        running = self._running
        beside = Beside(
            running.clock(),
            running=True,
            writable=running.state.writable,
            reload_error=running.reload_error,
            failures=running.dispatcher.health(),
        )
        return status(running.state, running.loaded, beside)

    def windows(self, model: str, limit: int, cursor: str | None) -> Listing:
        """Return windows of a model."""
        with self._running.state.read() as connection:
            return list_windows(connection, model, limit=limit, cursor=cursor)

    def window(self, id: str) -> Json | None:
        """Return a window."""
        with self._running.state.read() as connection:
            return get_window(connection, id)

    def alerts(self, model: str | None, limit: int, cursor: str | None) -> Listing:
        """Return alerts in every state."""
        with self._running.state.read() as connection:
            found, following = list_alerts(connection, model=model, limit=limit, cursor=cursor)
            return self._shown(connection, found), following

    def alert(self, id: str) -> Json | None:
        """Return an alert."""
        with self._running.state.read() as connection:
            body = get_alert(connection, id)
            return None if body is None else self._shown(connection, [body])[0]

    def _shown(self, connection: Connection, alerts: list[Json]) -> list[Json]:
        return incidents.shown_alerts(connection, self._running.loaded.config, alerts, self._running.clock())

    def actions(self, model: str | None, limit: int, cursor: str | None) -> Listing:
        """Return actions."""
        with self._running.state.read() as connection:
            found, following = list_actions(connection, model=model, limit=limit, cursor=cursor)
        return [actions.shown(body) for body in found], following

    def action(self, id: str) -> Json | None:
        """Return an action."""
        with self._running.state.read() as connection:
            body = get_action(connection, id)
        return None if body is None else actions.shown(body)

    def deliveries(self, limit: int, cursor: str | None) -> Listing:
        """Return deliveries."""
        with self._running.state.read() as connection:
            found, following = list_deliveries(connection, limit=limit, cursor=cursor)
        return [incidents.delivery_body(entry) for entry in found], following

    def report_action(self, id: str, token: str, report: Report) -> Json:
        """Take a job's word on its action."""
        running = self._running
        try:
            body, worker = self._of_action(id, self._job_token, token)
            with worker.turns.visit():
                return actions.take_report(running.state, worker.pipeline.model, body, report, running.clock())
        except Problem as problem:
            running.callbacks_refused[problem.code] += 1
            raise

    def rule_action(self, id: str, token: str, ruling: Ruling) -> Json:
        """Take a person's word on an action."""
        running = self._running
        body, worker = self._of_action(id, lambda _: actions.ruling_token(running.key, ruling.verb, id), token)
        with worker.turns.visit():
            model = worker.pipeline.model
            after, receivers = actions.take_ruling(running.state, model, body, ruling, running.clock())
        running.dispatcher.wake(receivers)
        return after

    def silences(self, limit: int, cursor: str | None) -> Listing:
        """Return silences."""
        with self._running.state.read() as connection:
            found, following = list_silences(connection, limit, cursor)
        return [silence_body(each, self._running.clock()) for each in found], following

    def acknowledge(self, id: str, token: str, said: Acknowledgement) -> Json:
        """Note that a person has an alert in hand."""
        running = self._running
        self._check("ack", id, token)
        incidents.take_acknowledgement(running.state, id, said, running.clock())
        return self.alert(id) or {}

    def make_silence(self, token: str, asked: SilenceAsked) -> Json:
        """Keep a silence."""
        running = self._running
        self._check("silence", incidents.SILENCES, token)
        made = incidents.take_silence(running.state, running.loaded.config, asked, running.clock())
        if made["everything"]:
            structlog.get_logger(__name__).warning("everything_silenced", silence=made["id"], until=made["ends_at"])
        return made

    def end_silence(self, id: str, token: str, by: str) -> Json:
        """End a silence."""
        self._check("unsilence", id, token)
        return incidents.take_end(self._running.state, id, by, self._running.clock())

    def retry_delivery(self, id: str, token: str, by: str) -> Json:
        """Let a delivery go once more."""
        self._check("retry", id, token)
        found = incidents.take_retry(self._running.state, id, by, self._running.clock())
        self._running.dispatcher.wake([found.receiver])
        return incidents.delivery_body(found)

    def _check(self, verb: str, subject: str, token: str) -> None:
        incidents.check(incidents.operator_token(self._running.key, verb, subject), token)

    def action_rows(self, id: str, token: str) -> Iterator[bytes]:
        """Return the rows to retrain with."""
        body, worker = self._of_action(id, self._job_token, token)
        return actions.rows_of(self._running.state, worker.pipeline.model, body)

    def _job_token(self, action: Json) -> str:
        return actions.token_of(self._running.key, try_of(action))

    def _of_action(self, id: str, expected: Callable[[Json], str], token: str) -> tuple[Json, Worker]:
        """Return an action whose token was given, and who works at its model."""
        body = actions.check_token(self._running.state, id, expected, token)
        worker = self._running.workers.get(body["model"])
        if worker is None:
            raise Problem(404, "not_found", "the action's model is no longer in the config")
        return body, worker


def _check(name: str, why: str | None) -> Json:
    return {"name": name, "ok": why is None, "why": why}
