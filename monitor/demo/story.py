"""The story of the demo, stage by stage: train, serve, alert, delivery, retrain, promote, recover, withhold.

Event time runs ahead as fast as it is read, and stands still while the job trains: what happens depends on the
flights alone, so that every run tells the same story. Why it is told with these spans: docs/decisions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.demo.cast import Cast, raise_curtain
from monitor.demo.evaluation import ROWS_AFTER, evaluate_after, evaluate_at_alert, flights_landed
from monitor.demo.fault import STEP, Fault
from monitor.demo.monitoring import Body, OpenMonitor
from monitor.demo.retraining import Retrained
from monitor.demo.scene import Delivered, Gate, Recovery, Retraining, Scene, Screen, Stage
from monitor.demo.setup import Folder, check_port
from monitor.instant import SECOND, Instant, from_text

RaiseCurtain: TypeAlias = Callable[[Folder, int, OpenMonitor, Callable[[Retrained], None], ExitStack], Cast]
_PROMOTION_STEPS = 20
_TICK_SECONDS = 0.02
_ASKED = frozenset({"requested", "started", "succeeded", "failed"})
_OPEN = frozenset({"requested", "started"})
_JUDGED = frozenset({"stable", "drifted"})


@dataclass(frozen=True, slots=True)
class Staging:
    """How the story is told.

    Attributes
    ----------
    port: of the page; 0 takes a free one.
    speed: simulated seconds a second; 0 is as fast as can be.
    delivery_seconds, retraining_seconds: how long a webhook and a retraining are waited for.
    rows_after: flights after the promotion on which the two versions are compared.
    """

    folder: Folder
    port: int
    speed: float
    open_monitor: OpenMonitor
    delivery_seconds: float = 60.0
    retraining_seconds: float = 300.0
    rows_after: int = ROWS_AFTER


@dataclass(slots=True)
class Story:
    """Tells the story once; ``scene`` is what there is to see of it."""

    staging: Staging
    screen: Screen
    raise_curtain: RaiseCurtain = raise_curtain
    scene: Scene = field(init=False)
    _cast: Cast = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)
    _promoted: int = 0
    _attended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scene = Scene(self.staging.folder.path)

    def close(self) -> None:
        """Stop whoever still plays."""
        self._stack.close()

    def run(self) -> None:
        """Play every stage until one does not end."""
        stages: tuple[tuple[Stage, str, Callable[[], bool]], ...] = (
            (Stage.TRAIN, "Training version 1 on the flights of January to March", self._train),
            (Stage.SERVE, "Version 1 answers; the monitor reads what it logs", self._serve),
            (Stage.ALERT, "The monitor compares every day with the reference", self._alert),
            (Stage.DELIVERY, "The alert fires; a retraining needs enough fresh targets", self._delivery),
            (Stage.RETRAIN, "The job retrains on the rows that the webhook points to", self._retrain),
            (Stage.PROMOTE, "Version 2 serves, and has a reference of its own", self._promote),
            (Stage.RECOVER, "The alert of version 1 ends; version 2 shows what it can do", self._recover),
            (Stage.WITHHOLD, "From now on distances come in kilometres: a fault that looks like drift", self._withhold),
        )
        for stage, note, play in stages:
            self.scene.stage, self.scene.note, self.scene.stopped_at = stage, note, stage
            self.screen.show(self.scene)
            if not play():
                self.scene.ended = True
                break
            self.scene.done.append(stage)
            self.scene.stopped_at = None
        if self.scene.closed:
            self.scene.note = "The loop has closed"
        self.screen.show(self.scene)

    def encore(self) -> None:
        """Go on to the end of the year; further retrainings are carried out as they are asked for."""
        self.scene.note = "The loop has closed; the year goes on until you press Ctrl-C"
        going_on = self.scene.note
        while not self._cast.server.ended:
            self._step()
            self.scene.alert = next((body for body in self._cast.monitor.alerts() if body["name"] == "drift"), None)
            for action in self._cast.monitor.actions():
                if action["status"] in _OPEN and action["id"] not in self._attended:
                    self.scene.note = "Drift again: the job retrains once more"
                    self._attend(str(action["id"]))
                    self.scene.note = going_on
        self.scene.note = "The year is over; the page stays until you press Ctrl-C"
        self.screen.show(self.scene)

    def _train(self) -> bool:
        folder = self.staging.folder
        check_port(self.staging.port)
        self._cast = self.raise_curtain(folder, self.staging.port, self.staging.open_monitor, self._deploy, self._stack)
        cast, scene = self._cast, self.scene
        scene.page, scene.metrics = cast.monitor.page, cast.monitor.metrics
        scene.performance.reference = cast.reference_auc
        scene.now = int(cast.server.times[0]) // STEP * STEP
        scene.version, scene.versions = "1", ["1"]
        return True

    def _serve(self) -> bool:
        return self._play_until(lambda: any(self.scene.verdicts[verdict] for verdict in _JUDGED))

    def _alert(self) -> bool:
        if not self._play_until(lambda: bool(self._firing())):
            return False
        self._follow(self._firing()[0])
        return True

    def _firing(self) -> list[str]:
        alerts = self._cast.monitor.alerts()
        return [str(body["id"]) for body in alerts if (body["name"], body["state"]) == ("drift", "firing")]

    def _delivery(self) -> bool:
        """Let time run until a retraining is asked for, then wait for the webhook itself."""
        if not self._play_until(lambda: self._asked() is not None):
            return False
        action = self._asked()
        assert action is not None  # noqa: S101 - what the line above waited for
        self.scene.gate = None
        self._follow(action["alert"])
        self.scene.retraining = Retraining(action["id"], action["status"])
        return self._hold(lambda: self._deliver(action["id"]), self.staging.delivery_seconds)

    def _asked(self) -> Body | None:
        """Return the first action that a job was asked for."""
        return next((action for action in reversed(self._cast.monitor.actions()) if action["status"] in _ASKED), None)

    def _deliver(self, action_id: str) -> bool:
        received = self._cast.job.of_action(action_id)
        if received is None:
            return False
        tries = [body["attempts"] for body in self._cast.monitor.deliveries() if body["message_id"] == received.id]
        self.scene.delivered = Delivered(received.id, max([*tries, received.times]))
        return True

    def _retrain(self) -> bool:
        return self.scene.retraining is not None and self._attend(self.scene.retraining.action_id)

    def _attend(self, action_id: str) -> bool:
        """Wait until a retraining is over, as time must not run on meanwhile; say whether it succeeded."""
        self._attended.add(action_id)
        self._hold(lambda: self._is_over(action_id), self.staging.retraining_seconds)
        received = self._cast.job.of_action(action_id)
        rows = received.outcome.rows if received and received.outcome else None
        why = received.why if received else None
        self.scene.retraining = Retraining(action_id, self._status(action_id), rows, why)
        self._deliver(action_id)
        return self.scene.retraining.status == "succeeded"

    def _is_over(self, action_id: str) -> bool:
        received = self._cast.job.of_action(action_id)
        return received is not None and received.done.is_set()

    def _status(self, action_id: str) -> str:
        return next(str(body["status"]) for body in self._cast.monitor.actions() if body["id"] == action_id)

    def _deploy(self, retrained: Retrained) -> None:
        """Serve a new version: called by the job, while time stands still."""
        server = self._cast.server
        server.deploy(retrained.model)
        self._promoted = self._promoted or server.served
        self.scene.version = retrained.model.version
        self.scene.versions = [*self.scene.versions, retrained.model.version]

    def _promote(self) -> bool:
        """Go on until a window of version 2 was judged."""
        version = self.scene.version
        for _ in range(_PROMOTION_STEPS):
            if any(body["version"] == version and body["verdict"] in _JUDGED for body in self._step()):
                return True
        return False

    def _recover(self) -> bool:
        """Go on until the old alert is over and enough flights of version 2 have landed; version 2 must be better."""
        cast = self._cast
        if not self._play_until(
            lambda: (
                self._is_resolved()
                and flights_landed(cast.server, self._promoted) >= self.staging.rows_after
                and self._is_known()
            )
        ):
            return False
        performance = self.scene.performance
        evaluate_after(cast, self._promoted, self.staging.rows_after, performance)
        before, after = performance.old_version_same_rows, performance.after
        better = before is not None and after is not None and after > before
        return better and self.scene.recovery is not None and self.scene.recovery.status == "recovered"

    def _is_known(self) -> bool:
        """Take up what the monitor has found of the retraining; say whether it has found anything."""
        retraining = self.scene.retraining
        asked = [body for body in self._cast.monitor.actions() if retraining and body["id"] == retraining.action_id]
        found = next((body["recovery"] for body in asked if body["recovery"]), None)
        if found is not None and found["text"] is not None:
            self.scene.recovery = Recovery(found["status"], found["text"])
        return self.scene.recovery is not None

    def _withhold(self) -> bool:
        return Fault(self._cast, self.scene, self._step).play()

    def _is_resolved(self) -> bool:
        return self.scene.alert is not None and self.scene.alert["resolved_at"] is not None

    def _play_until(self, reached: Callable[[], bool]) -> bool:
        """Let time run; false if the year ends before it is reached."""
        while not reached():
            if self._cast.server.ended:
                return False
            self._step()
        return True

    def _step(self) -> list[Body]:
        """Serve the next hours, let the monitor read them, and show what came of it."""
        began = time.monotonic()
        scene, cast = self.scene, self._cast
        scene.now = (scene.now or 0) + STEP
        cast.server.serve(scene.now)
        windows = list(cast.monitor.advance(scene.now))
        scene.records = cast.monitor.records()
        scene.windows += len(windows)
        scene.verdicts.update(str(window["verdict"]) for window in windows)
        mine = [window for window in windows if window["version"] == scene.version and window["evidence_threshold"]]
        scene.evidence += [window["evidence"] / window["evidence_threshold"] for window in mine]
        if mine:
            scene.window, scene.scored = mine[-1], cast.monitor.scored(scene.version or "")
        if windows and scene.alert is not None:
            self._follow(scene.alert["id"])
            self._watch_gate()
        self.screen.show(scene)
        if self.staging.speed > 0:
            time.sleep(max(0.0, STEP / SECOND / self.staging.speed - (time.monotonic() - began)))
        return windows

    def _follow(self, alert_id: str) -> None:
        """Take up the alert as it stands now, and how good the model was when it fired."""
        alert = next((body for body in self._cast.monitor.alerts() if body["id"] == alert_id), None)
        if alert is None:
            return
        if self.scene.performance.at_alert is None or self.scene.alert is None or self.scene.alert["id"] != alert_id:
            fired: Instant = from_text(alert["started_at"])
            evaluate_at_alert(self._cast.server, fired, self.scene.performance)
        self.scene.alert = alert

    def _watch_gate(self) -> None:
        """See what a withheld retraining waits for."""
        withheld = [body for body in self._cast.monitor.actions() if body["status"] == "withheld"]
        cast = self._cast
        waits = withheld and self.scene.retraining is None
        self.scene.gate = Gate(str(withheld[0]["why"]), cast.server.targets, cast.needed) if waits else None

    def _hold(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Let wall time pass while event time stands still; false if it is not reached in time."""
        deadline = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > deadline:
                return False
            self.screen.show(self.scene)
            time.sleep(_TICK_SECONDS)
        return True
