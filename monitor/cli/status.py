"""``driftline status``: what the state says, beside a running daemon or without one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from monitor.cli.alerts import messages
from monitor.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    FormatOption,
    OutputFormat,
    plain,
    read_config,
    show,
    table,
    write_json,
)
from monitor.cli.status_service import service_parts

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.store.database import State


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = OutputFormat.TABLE) -> None:
    """Show the live state of models, alerts, actions and receivers. Reads only."""
    from monitor.store.database import open_state

    loaded = read_config(config)
    state = open_state(loaded.config.state, loaded.root, exclusive=False)
    try:
        body = live_status(state, loaded)
    finally:
        state.close()
    if format is OutputFormat.JSON:
        write_json(body)
    else:
        show(*tables(body))


def live_status(state: State, loaded: Loaded) -> dict[str, Any]:
    """Return the ``status`` object, with what can be told from outside of the daemon."""
    from monitor.app.status import Beside, status
    from monitor.store.directory import holder

    beside = Beside(
        at=time.time_ns() // 1000,
        running=holder(state.directory) is not None,
        writable=os.access(state.directory, os.W_OK),
        failures=_failures(state, [receiver.name for receiver in loaded.config.receivers]),
    )
    return status(state, loaded, beside)


def _failures(state: State, receivers: list[str]) -> dict[str, str]:
    """Return why the last attempt of what waits first failed, by receiver."""
    from monitor.store.delivery import list_deliveries

    found: dict[str, str] = {}
    with state.read() as connection:
        for name in receivers:
            waiting, _ = list_deliveries(connection, receiver=name, status="pending")
            reasons = [delivery.reason for delivery in waiting if delivery.reason is not None]
            found |= {name: reasons[-1]} if reasons else {}
    return found


def tables(body: dict[str, Any]) -> list[Any]:
    """Return the state as tables and lines."""
    daemon, state = body["daemon"], body["state"]
    parts: list[Any] = [_daemon_line(daemon), f"state: {state['kind']}, {state['bytes'] / 2**20:.1f} MiB"]
    if not state["writable"]:
        parts.append("state: cannot be written")
    parts += [_models(body["models"]), *_uncalibrated(body["models"]), *_compared(body["models"])]
    parts += [_sources(body["models"]), *service_parts(body["models"])]
    if body["alerts"]:
        told = [each for each in body["alerts"] if each["text"] and each["state"] == "firing"]
        alerts = table("alerts", "alert", "model", "version", "segment", "severity", "state", "since", "messages")
        for each in body["alerts"]:
            row = (each["name"], each["model"], each["version"], each["segment"] or "", each["severity"], each["state"])
            alerts.add_row(*row, each["started_at"] or "", messages(each))
        parts.append(alerts)
        parts += [f"{each['name']} of {each['model']} {each['version']}: {each['text']}" for each in told]
    parts += [_silence_line(each) for each in body["silences"]]
    if body["actions"]:
        actions = table("actions", "action", "model", "status", "requested", "why")
        for each in body["actions"]:
            actions.add_row(each["kind"], each["model"], each["status"], each["requested_at"], each["why"])
        parts.append(actions)
    if body["receivers"]:
        parts.append(_receivers(body["receivers"]))
    return parts


def _daemon_line(daemon: dict[str, Any]) -> str:
    if daemon["running"]:
        return f"daemon: running as process {daemon['pid']} on {daemon['listen']} since {daemon['started_at']}"
    last = f", last heard of at {daemon['heartbeat_at']}" if daemon["heartbeat_at"] else ""
    return f"daemon: not running{last}"


def _silence_line(silence: dict[str, Any]) -> str:
    what = "EVERY alert" if silence["everything"] else " ".join(silence["matchers"])
    begins = f", from {silence['starts_at']}" if silence["state"] == "pending" else ""
    told = f"silenced: {what}{begins} until {silence['ends_at']}, by {silence['created_by']}: {silence['comment']}"
    return plain(told)


def _models(models: list[dict[str, Any]]) -> Any:
    made = table("models", "model", "version", "verdict", "why", "rows", "evidence", "columns drifted", "window's end")
    for model in models:
        for version in model["versions"]:
            window = version["last_window"]
            name = version["version"] + ("" if version["live"] or window is None else " (retired)")
            if window is None:
                made.add_row(model["name"], name, "no window yet" if version["live"] else "no record yet")
                continue
            evidence = "" if window["evidence"] is None else f"{window['evidence']:.3g}"
            if window["evidence_threshold"] is not None:
                evidence += f" of {window['evidence_threshold']:.4g}"
            drifted = f"{window['columns_drifted']} of {window['columns_judged']}"
            row = (model["name"], name, window["verdict"], window["why"], str(window["rows"]))
            made.add_row(*row, evidence, drifted, window["end"])
        if not model["versions"]:
            made.add_row(model["name"], "", "no record yet")
    return made


def _uncalibrated(models: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line of each version whose drift pages nobody: why, and what helps."""
    from monitor.calibration.cures import cure

    for model in models:
        for version in model["versions"]:
            why = version["calibration_why"]
            held = version["gathered"]
            if held is not None and version["live"]:
                yield f"{model['name']} {version['version']}: reference: {held['rows']} of {held['of']} rows gathered"
            if version["renewal"] is not None and version["live"]:
                yield f"{model['name']} {version['version']}: {_renewal(version['renewal'])}"
            if why is not None and (version["live"] or version["last_window"] is None):
                yield f"{model['name']} {version['version']}: not calibrated ({why}), pages nobody; {cure(why)}"


def _renewal(renewal: dict[str, Any]) -> str:
    """Return when a reference that follows the stream was made, and is made anew."""
    made = "reference: not made yet" if renewal["made_at"] is None else f"reference: made at {renewal['made_at']}"
    if renewal["why"] is not None:
        return f"{made}; due since {renewal['due_at']}, and stays as it is ({renewal['why']})"
    return made if renewal["due_at"] is None else f"{made}; due at {renewal['due_at']}"


def _compared(models: list[dict[str, Any]]) -> Iterator[str]:
    """Yield how each version compares with the one that it serves beside."""
    from monitor.versions import comparison_words

    for model in models:
        for version in model["versions"]:
            if version["compared"] is not None:
                head, *figures = comparison_words(version["version"], version["compared"])
                yield f"{model['name']}: {head}"
                yield from (f"  {figure}" for figure in figures)


def _sources(models: list[dict[str, Any]]) -> Any:
    made = table("sources", "model", "source", "accepted", "rejected", "late", "last", "why")
    for model in models:
        for source in model["sources"]:
            last = "never" if source["lag_seconds"] is None else f"{source['lag_seconds']:.0f} s ago"
            counts = (source["accepted"], sum(source["rejected"].values()), source["late"])
            made.add_row(model["name"], source["role"], *map(str, counts), last, source["why"] or "healthy")
    return made


def _receivers(receivers: list[dict[str, Any]]) -> Any:
    made = table("receivers", "receiver", "kind", "pending", "dead", "last delivered", "why")
    for each in receivers:
        counts = (str(each["pending"]), str(each["dead"]))
        made.add_row(
            each["name"], each["kind"], *counts, each["last_delivered_at"] or "never", each["why"] or "healthy"
        )
    return made
