"""A daemon made of plain data, in the shapes of the contract: what the web and the dashboards are tested against."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from monitor.identity import digest_id, window_id
from monitor.instant import SECOND, from_text, to_text
from monitor.sources.spool.writer import Syncer
from monitor.telemetry import Page, Telemetry
from monitor.web import Acknowledgement, Problem, Report, Ruling, SilenceAsked, Step, Verb
from monitor.web.doors import Doors
from monitor.web.problems import not_found, unauthorized

HOUR = 3_600 * SECOND
NOW = from_text("2013-07-03T10:05:09Z")
MODEL, OTHER = "flight-delay", "price-of-homes"
ALERT, ACTION = digest_id("al", "sample"), digest_id("ac", "sample")
TOKEN = "token-of-the-action"
NAMES = ("temp", "dewp", "humid", "dep_delay", "distance", "air_time", "wind_speed", "precip", "pressure", "visib")


def column(name: str, share: float, *, drifted: bool) -> dict[str, Any]:
    """Return a column of the contract."""
    return {
        "name": name,
        "role": "feature",
        "kind": "numeric",
        "verdict": "drifted" if drifted else "stable",
        "why": "distance_over_threshold" if drifted else "distance_under_threshold",
        "method": "jensen_shannon",
        "distance": 0.09 + 0.5 * share if drifted else 0.07 * share,
        "p_value": 1e-9 if drifted else 0.41,
        "threshold": 0.08,
        "effect": {"value": 1.4, "lower": 1.2, "upper": 1.6, "unit": "sd"} if drifted else None,
        "share_of_drift": share,
        "began_at": "2013-07-01T06:00:00Z" if drifted else None,
        "reference": {"rows": 50_000, "missing_ratio": 0.01, "unseen_ratio": 0.0, "mean": 1.2, "sd": 9.1},
        "current": {"rows": 1_180, "missing_ratio": 0.02, "unseen_ratio": 0.0, "mean": 21.0, "sd": 5.2},
    }


def window(number: int, model: str = MODEL, version: str = "1", *, calm: bool = False) -> dict[str, Any]:
    """Return the window that ended so many hours ago."""
    end = NOW // HOUR * HOUR - number * HOUR
    evidence = 3.2 if calm or number > 30 else round(min(2_100.0, math.exp((31 - number) * 0.28)), 1)
    drifted = evidence >= 720
    rows = 12 if number == 40 else 1_180 - 7 * number
    verdict = "insufficient_data" if number == 40 else "drifted" if drifted else "stable"
    columns = [column(name, 0.42 / (at + 1), drifted=drifted and at < 3) for at, name in enumerate(NAMES)]
    return {
        "kind": "window",
        "schema": 1,
        "id": window_id(model, version, end - HOUR, end),
        "model": model,
        "version": version,
        "start": to_text(end - HOUR),
        "end": to_text(end),
        "closed_at": to_text(end + 300 * SECOND),
        "rows": rows,
        "verdict": verdict,
        "why": "evidence_over_threshold" if drifted else "evidence_under_threshold",
        "calibrated": model == MODEL,
        "calibration_why": None if model == MODEL else "reference_too_short",
        "evidence": None if number == 40 else evidence,
        "evidence_threshold": 720.0,
        "columns_judged": len(NAMES),
        "columns_drifted": sum(each["verdict"] == "drifted" for each in columns),
        "columns": columns,
        "quality_violations": [],
        "performance": [],
        "targets_coverage_ratio": 0.0,
        "latency_seconds": {"p50": 0.003, "p95": 0.008, "p99": 0.021},
        "objectives": [
            {
                "objective": "latency_p99 at most 50ms",
                "metric": "latency_p99",
                "value": 0.021,
                "lower": None,
                "upper": None,
                "broken": False,
                "budget_left_ratio": 0.8,
                "burn_rates": [{"over_seconds": 3600.0, "rate": 0.2}],
            }
        ],
        "segments": [],
        "reference": {"id": "sha256:9f2c4e1ab07d", "rows": 50_000},
    }


def alert(state: str = "firing") -> dict[str, Any]:
    """Return an alert, with the keys of a backtest's line and of ``status``."""
    last = window(0)
    return {
        "id": ALERT,
        "model": MODEL,
        "version": "1",
        "segment": None,
        "name": "drift",
        "severity": "warning",
        "state": state,
        "reason": "first_time",
        "started_at": "2013-07-02T12:05:00Z",
        "began_at": "2013-07-01T06:00:00Z",
        "resolved_at": None,
        "window": last["id"],
        "columns": ["temp", "dewp", "humid"],
        "diagnosis": {
            "class": "population_change",
            "causes": [
                {"kind": "shift", "column": "temp", "detail": "mean 1.2 to 21.0", "factor": None, "confidence": 0.7}
            ],
            "text": "temp: mean 1.2 to 21.0. The population has changed: retrain on recent rows.",
        },
        "action": {"id": ACTION, "kind": "retrain", "status": "requested", "why": "gate_open"},
        "acknowledged_by": None,
        "acknowledged_at": None,
        "note": None,
        "silenced_until": None,
        "withheld": None,
    }


def silence(*, everything: bool = False) -> dict[str, Any]:
    """Return a silence that lasts."""
    return {
        "id": digest_id("si", "sample"),
        "state": "active",
        "matchers": ["alert=~.*" if everything else "column=temp"],
        "everything": everything,
        "starts_at": "2013-07-03T08:00:00Z",
        "ends_at": "2013-07-03T12:00:00Z",
        "created_at": "2013-07-03T08:00:00Z",
        "created_by": "kim",
        "comment": "the sensor is away",
        "ended_by": None,
    }


def action(status: str = "requested") -> dict[str, Any]:
    """Return an action."""
    return {
        "id": ACTION,
        "model": MODEL,
        "version": "1",
        "kind": "retrain",
        "status": status,
        "requested_at": "2013-07-02T12:05:00Z",
        "why": "gate_open",
        "trigger": "drift",
        "by": None,
        "decisions": [{"at": "2013-07-02T12:05:00Z", "status": status, "why": "gate_open", "by": None}],
    }


def delivery(number: int) -> dict[str, Any]:
    """Return a delivery."""
    status = ("pending", "delivered", "dead")[number % 3]
    return {
        "id": digest_id("dl", number),
        "receiver": "team",
        "message_id": digest_id("evt", number),
        "status": status,
        "attempts": 1 + number % 3,
        "queued_at": "2013-07-02T12:05:00Z",
        "next_at": "2013-07-03T10:06:00Z",
        "ended_at": None if status == "pending" else "2013-07-02T12:05:02Z",
        "reason": None if status == "delivered" else "http_503",
    }


def _version(name: str, last: dict[str, Any], **facts: Any) -> dict[str, Any]:
    keys = ("id", "end", "rows", "verdict", "why", "evidence", "evidence_threshold", "columns_judged")
    summary = {key: last[key] for key in (*keys, "columns_drifted")}
    return {
        "version": name,
        "live": True,
        "calibrated": last["calibrated"],
        "calibration_why": last["calibration_why"],
        "reference": last["reference"],
        "last_window": summary,
        "performance": [],
        "targets_coverage_ratio": None,
        **facts,
    }


def _source(role: str, **facts: Any) -> dict[str, Any]:
    healthy = {"healthy": True, "why": None, "lag_seconds": 3.1}
    return {"role": role, "kind": "files", **healthy, "accepted": 120_000, "rejected": {}, "late": 0, **facts}


def status() -> dict[str, Any]:
    """Return the ``status`` object."""
    return {
        "kind": "status",
        "schema": 1,
        "at": to_text(NOW),
        "daemon": {
            "running": True,
            "pid": 4711,
            "version": "0.1.0",
            "listen": "127.0.0.1:10464",
            "started_at": "2013-07-01T07:00:00Z",
            "heartbeat_at": to_text(NOW),
        },
        "state": {"kind": "sqlite", "writable": True, "bytes": 48_000_000, "recovered_at": None},
        "config": {
            "path": "config.yaml",
            "hash": "sha256:51be07c2d9aa",
            "loaded_at": "2013-07-01T07:00:00Z",
            "reload_error": None,
        },
        "models": [
            {
                "name": MODEL,
                "task": "binary",
                "watermark": "2013-07-03T10:00:09Z",
                "sources": [
                    _source("records", rejected={"json_syntax": 1, "timestamp_future": 12}, late=3),
                    _source("targets", accepted=81_000, lag_seconds=5_400.0),
                ],
                "versions": [_version("1", window(0)), _version("2", window(0, version="2", calm=True))],
            },
            {
                "name": OTHER,
                "task": "regression",
                "watermark": None,
                "sources": [_source("records", healthy=False, why="no_file_matches", lag_seconds=None, accepted=0)],
                "versions": [_version("", window(0, OTHER, "", calm=True))],
            },
        ],
        "alerts": [{key: alert()[key] for key in alert() if key not in {"diagnosis", "action"}}],
        "silences": [],
        "actions": [action()],
        "receivers": [
            {
                "name": "team",
                "kind": "slack",
                "healthy": True,
                "why": None,
                "pending": 1,
                "dead": 0,
                "oldest_pending_seconds": 4.0,
                "last_delivered_at": "2013-07-02T12:05:02Z",
            },
            {
                "name": "retrain-job",
                "kind": "webhook",
                "healthy": False,
                "why": "http_503",
                "pending": 2,
                "dead": 1,
                "oldest_pending_seconds": 4_000.0,
                "last_delivered_at": None,
            },
        ],
    }


class SampleView:
    """Satisfies ``View`` from memory; ``reports`` holds what jobs said."""

    def __init__(self) -> None:
        self.telemetry = Telemetry("0.1.0")
        self.is_alive = True
        self.ready = True
        self.body = status()
        self.entrance = Doors(Syncer(), models=frozenset({MODEL, OTHER}))
        self.reports: list[Report] = []
        self.rulings: list[Ruling] = []
        self.said: list[Acknowledgement | SilenceAsked | str] = []
        self.all_windows = [window(number) for number in range(60)]
        self.all_windows += [window(number, version="2", calm=True) for number in range(20)]
        self.all_windows += [window(number, OTHER, "", calm=True) for number in range(30)]
        self.all_windows.sort(key=lambda body: (body["end"], body["id"]), reverse=True)
        self.all_alerts = [alert(), {**alert("resolved"), "id": digest_id("al", "old"), "resolved_at": to_text(NOW)}]
        self.all_deliveries = [delivery(number) for number in range(5)]

    def metrics(self, accept: str) -> Page:
        """Return the last page."""
        return self.telemetry.page(accept)

    def doors(self) -> Doors:
        """Return doors to nowhere."""
        return self.entrance

    def alive(self) -> bool:
        """Say what the test wants."""
        return self.is_alive

    def readiness(self) -> dict[str, Any]:
        """Return one check."""
        why = None if self.ready else "read_only"
        return {"ready": self.ready, "checks": [{"name": "state", "ok": self.ready, "why": why}]}

    def status(self) -> dict[str, Any]:
        """Return the status."""
        return copy.deepcopy(self.body)

    def windows(self, model: str, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return windows of a model."""
        return _page([body for body in self.all_windows if body["model"] == model], limit, cursor)

    def window(self, id: str) -> dict[str, Any] | None:
        """Return a window."""
        return next((body for body in self.all_windows if body["id"] == id), None)

    def alerts(self, model: str | None, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return alerts."""
        return _page([body for body in self.all_alerts if model in {None, body["model"]}], limit, cursor)

    def alert(self, id: str) -> dict[str, Any] | None:
        """Return an alert."""
        return next((body for body in self.all_alerts if body["id"] == id), None)

    def actions(self, model: str | None, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return actions."""
        return _page([action()] if model in {None, MODEL} else [], limit, cursor)

    def action(self, id: str) -> dict[str, Any] | None:
        """Return the action."""
        return action() if id == ACTION else None

    def deliveries(self, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return deliveries."""
        return _page(self.all_deliveries, limit, cursor)

    def report_action(self, id: str, token: str, report: Report) -> dict[str, Any]:
        """Take a report: finished only once."""
        self._check(id, token)
        if any(said.step is not Step.STARTED for said in self.reports):
            raise Problem(HTTPStatus.CONFLICT, "action_closed", "the action has ended")
        self.reports.append(report)
        return action(report.step)

    def rule_action(self, id: str, token: str, ruling: Ruling) -> dict[str, Any]:
        """Take a ruling: once."""
        if id != ACTION:
            raise not_found("action")
        if token != f"{ruling.verb}-{TOKEN}":
            raise unauthorized()
        if self.rulings:
            raise Problem(HTTPStatus.CONFLICT, "action_closed", "the action does not wait for approval")
        self.rulings.append(ruling)
        return action("requested" if ruling.verb is Verb.APPROVE else "withheld")

    def silences(self, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return a silence."""
        return _page([silence()], limit, cursor)

    def acknowledge(self, id: str, token: str, said: Acknowledgement) -> dict[str, Any]:
        """Take a word on the alert."""
        self._operated("ack", token)
        if id != ALERT:
            raise not_found("alert")
        self.said.append(said)
        return {**alert(), "acknowledged_by": said.by, "note": said.note}

    def make_silence(self, token: str, asked: SilenceAsked) -> dict[str, Any]:
        """Take a silence; matchers are the daemon's to judge."""
        self._operated("silence", token)
        self.said.append(asked)
        return silence()

    def end_silence(self, id: str, token: str, by: str) -> dict[str, Any]:
        """End the silence."""
        self._operated("unsilence", token)
        if id != silence()["id"]:
            raise not_found("silence")
        self.said.append(by)
        return {**silence(), "state": "expired", "ended_by": by}

    def retry_delivery(self, id: str, token: str, by: str) -> dict[str, Any]:
        """Send again what was not delivered."""
        self._operated("retry", token)
        found = next((each for each in self.all_deliveries if each["id"] == id), None)
        if found is None:
            raise not_found("delivery")
        if found["status"] == "delivered":
            raise Problem(HTTPStatus.CONFLICT, "delivered_already", "the message was delivered already")
        self.said.append(by)
        return {**found, "status": "pending"}

    @staticmethod
    def _operated(verb: str, token: str) -> None:
        if token != f"{verb}-{TOKEN}":
            raise unauthorized()

    def action_rows(self, id: str, token: str) -> Iterator[bytes]:
        """Return something in three parts."""
        self._check(id, token)
        yield from (b"PAR1", b"rows", b"PAR1")

    @staticmethod
    def _check(id: str, token: str) -> None:
        if id != ACTION:
            raise not_found("action")
        if token != TOKEN:
            raise unauthorized()


def _page(bodies: list[dict[str, Any]], limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Cut a page; a cursor is the place of its first item, and anything else raises ValueError."""
    start = int(cursor or 0)
    following = str(start + limit) if start + limit < len(bodies) else None
    return bodies[start : start + limit], following


def feed(telemetry: Telemetry) -> None:
    """Show the sample in the metrics, as a daemon would at the end of a cycle."""
    body = status()
    for shown in (window(0), window(0, version="2", calm=True), window(0, OTHER, "", calm=True)):
        telemetry.window(shown)
    telemetry.alerts([alert()])
    telemetry.withheld([alert()], {MODEL: {}, OTHER: {}})
    telemetry.silences(everything=0, others=0)
    for model in body["models"]:
        for source in model["sources"]:
            telemetry.records(model["name"], source["role"], read=source["accepted"], rejected=source["rejected"])
            telemetry.source_lag(model["name"], source["role"], source["lag_seconds"])
        telemetry.false_alarms(model["name"], promised=1.0, expected=0.4)
        telemetry.actions(model["name"], {("retrain", "requested"): 1})
    for receiver in body["receivers"]:
        totals = {"delivered": 5, "dead": receiver["dead"]}
        telemetry.deliveries(receiver["name"], outcomes=totals, pending=receiver["pending"])
    for seconds, stage in ((0.02, "read"), (0.2, "close"), (0.01, "render")):
        telemetry.stage(stage, seconds)
    telemetry.state(bytes_on_disk=body["state"]["bytes"], writable=True)
    telemetry.config(reloaded=True)
    telemetry.render()
