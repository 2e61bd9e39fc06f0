"""How often a model really paged for drift in a replay: what a promise about false alarms can be held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.alert import Change
from monitor.calibration.replay import poisson_bounds
from monitor.injection import Injection
from monitor.instant import SECOND, Instant

_THIRTY_DAYS = 30 * 86_400 * SECOND
_DRIFT = "drift"


@dataclass(slots=True)
class Realised:
    """Episodes of drift alerts, and the stretch of event time in which they began.

    Attributes
    ----------
    until: where drift was injected: no window that ends later counts, as its alerts are meant to come.
    ruled: columns under a fixed rule: an alert of theirs alone is outside the promise, and is not counted.
    seen: the stretch from the begin of the first window that counts to the end of the last.
    """

    until: Instant | None = None
    ruled: frozenset[str] = frozenset()
    seen: tuple[Instant, Instant] | None = None
    episodes: int = 0
    all_injected: bool = False

    def see(self, start: Instant, end: Instant, alerts: Iterable[dict[str, Any]]) -> None:
        """Count the alerts of a window [start, end)."""
        if self.all_injected or (self.until is not None and end > self.until):
            return
        self.seen = (start if self.seen is None else self.seen[0], end)
        self.episodes += sum(self._counts(each) for each in alerts)

    def _counts(self, alert: dict[str, Any]) -> bool:
        began = alert["name"] == _DRIFT and alert["reason"] == Change.FIRST_TIME.value
        return bool(began and not (alert["columns"] and self.ruled.issuperset(alert["columns"])))

    def body(self) -> dict[str, Any]:
        """Return the rate per 30 days with its exact 95 % Poisson interval (Garwood); ``None`` without a window.

        They are false alarms only if nothing drifted, which no program can tell.

        >>> realised = Realised()
        >>> realised.see(0, 60 * 86_400 * SECOND, [])
        >>> realised.body()["upper"] * 2 == poisson_bounds(0)[1]
        True
        """
        seconds = 0.0 if self.seen is None else (self.seen[1] - self.seen[0]) / SECOND
        rates: tuple[float | None, ...] = (None, None, None)
        if self.seen is not None:
            periods = (self.seen[1] - self.seen[0]) / _THIRTY_DAYS
            rates = tuple(figure / periods for figure in (float(self.episodes), *poisson_bounds(self.episodes)))
        return {
            "drift_alerts": self.episodes,
            "seconds": seconds,
            "before_injection": self.until is not None or self.all_injected,
            **dict(zip(("per_30d", "lower", "upper"), rates, strict=True)),
        }


def before(injections: Sequence[Injection], ruled: Iterable[str] = ()) -> Realised:
    """Return a count that ends where the first of a model's injections begins; ``ruled`` columns have fixed rules."""
    begins = [each.since for each in injections]
    known = [each for each in begins if each is not None]
    return Realised(min(known, default=None), frozenset(ruled), all_injected=len(known) < len(begins))
