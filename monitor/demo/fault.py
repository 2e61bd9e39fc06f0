"""The second loop of the demo: a fault of the data that looks like drift, and that nothing must be retrained on.

Distances come in kilometres for a while. The monitor must name that, withhold the retraining, and end its alert once
the pipeline is mended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from monitor.demo.cast import Cast
from monitor.demo.scene import Scene, Withheld
from monitor.instant import SECOND, Instant, from_text

STEP = 12 * 3600 * SECOND
"""Event time moves on by so much at once: a window of a day is seen at noon of the next."""
KILOMETRES_A_MILE = 1.609344
_FAULT_STEPS, _MENDING_STEPS = 28, 28
"""The fault must be named within two weeks, and its alert be over two weeks after it was mended."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the pipeline, from its begin until it is mended. ``step`` lets time run on by ``STEP``."""

    cast: Cast
    scene: Scene
    step: Callable[[], object]

    def play(self) -> bool:
        """Break the pipeline and mend it; say whether it was named, nothing was started, and its alert ended."""
        server, begun = self.cast.server, self.scene.now or 0
        server.measure_distances(KILOMETRES_A_MILE, begun + _FAULT_STEPS * STEP)
        is_named = self._until(lambda: self._see(begun), _FAULT_STEPS)
        server.measure_distances(1.0, begun + _FAULT_STEPS * STEP)
        if not is_named:
            return False
        self.scene.note = "No retraining on broken data; the pipeline is mended, and the alert ends"
        return self._until(lambda: self._see(begun) and self._is_over(), _MENDING_STEPS)

    def _until(self, reached: Callable[[], bool], most: int) -> bool:
        """Let time run for so many steps at most."""
        for _ in range(most):
            if reached():
                return True
            self.step()
        return reached()

    def _see(self, begun: Instant) -> bool:
        """Take up the retraining that was withheld for a fault of the distances; say whether there is one."""
        scene, alerts = self.scene, self.cast.monitor.alerts()
        known = {body["id"]: body for body in alerts if from_text(body["started_at"]) >= begun}
        for action in self.cast.monitor.actions():
            alert = known.get(action["alert"])
            causes = [] if alert is None else (alert["diagnosis"] or {}).get("causes", ())
            named = next((cause for cause in causes if cause["column"] == "distance"), None)
            if alert is not None and named is not None and action["why"] == "data_fault":
                scene.withheld = Withheld(action["id"], alert, action["why"], named)
        if scene.withheld is not None:
            scene.withheld = replace(scene.withheld, alert=known[scene.withheld.alert["id"]])
        return scene.withheld is not None

    def _is_over(self) -> bool:
        return self.scene.withheld is not None and self.scene.withheld.alert["resolved_at"] is not None
