"""The demo without a terminal: one log line for what is new."""

from __future__ import annotations

from typing import Any

import structlog

from monitor.demo.monitoring import Body
from monitor.demo.scene import Scene, Stage, score_of, told_of
from monitor.instant import to_text

_WINDOWS_A_LINE = 7


class PlainScreen:
    """Logs each stage as it begins, a line for every seven windows, and each piece of news once."""

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger("demo")
        self._stage: Stage | None = None
        self._note = ""
        self._windows = 0
        self._told: set[tuple[str, str]] = set()

    def show(self, scene: Scene) -> None:
        """Log what is new."""
        if scene.stage is not self._stage:
            self._stage, self._note = scene.stage, scene.note
            self._log.info("demo_stage", stage=str(scene.stage), note=scene.note)
        elif scene.note != self._note:
            self._note = scene.note
            self._log.info("demo_note", note=scene.note)
        if scene.page is not None:
            self._once("demo_addresses", scene.page, page=scene.page, metrics=scene.metrics)
        if scene.windows >= self._windows + _WINDOWS_A_LINE:
            self._windows = scene.windows
            self._progress(scene)
        self._news(scene)

    def close(self) -> None:
        """Have nothing to give back."""

    def _progress(self, scene: Scene) -> None:
        evidence = round(scene.evidence[-1], 3) if scene.evidence else None
        at = to_text(scene.now) if scene.now is not None else None
        gate = f"{scene.gate.targets} of {scene.gate.needed} targets" if scene.gate else None
        known = {
            kind: _said(score_of(body, kind))
            for body, kind in ((scene.window, "estimated"), (scene.scored, "realised"))
        }
        self._log.info(
            "demo_progress", at=at, records=scene.records, windows=scene.windows, evidence=evidence, gate=gate, **known
        )

    def _news(self, scene: Scene) -> None:
        alert, performance = scene.alert, scene.performance
        if alert is not None:
            facts = {"name": alert["name"], "columns": alert["columns"], "started_at": alert["started_at"]}
            self._once(f"demo_alert_{alert['state']}", alert["id"], **facts, resolved_at=alert["resolved_at"])
        if scene.delivered is not None:
            self._once("demo_webhook_verified", scene.delivered.id, id=scene.delivered.id)
        if scene.retraining is not None:
            facts = {"rows": scene.retraining.rows, "why": scene.retraining.why}
            self._once(f"demo_retraining_{scene.retraining.status}", scene.retraining.action_id, **facts)
        if scene.recovery is not None:
            self._once("demo_recovery", "", text=scene.recovery.text)
        if scene.withheld is not None:
            self._once("demo_retraining_withheld", scene.withheld.action_id, text=told_of(scene.withheld))
        if performance.after is not None:
            self._once("demo_performance", "", after=performance.after, old=performance.old_version_same_rows)

    def _once(self, event: str, about: str, **facts: Any) -> None:
        if (event, about) not in self._told:
            self._told.add((event, about))
            self._log.info(event, **facts)


def _said(score: Body | None) -> str | None:
    """Return a score with its band and its day in words."""
    if score is None or score["lower"] is None:
        return None
    return f"roc_auc {score['value']:.3f} ({score['lower']:.3f} to {score['upper']:.3f}) on {score['day']}"
