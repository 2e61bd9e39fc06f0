"""The drift alert where columns have fixed rules: broken in ``for`` windows in a row, a rule fires it as evidence does.

Evidence needs no ``for``: it is of many steps already. One episode is one page: while the alert fires, a rule that is
broken, or evidence that reaches its threshold, joins it, which is told as a change. It resolves once every rule of it
was kept in ``resolve_after`` windows in a row, and what carried evidence is calm for as many steps. A window with too
few rows to judge a column neither breaks nor keeps its rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.alert import AlertSettings, AlertState, Change, DriftAlert, Judged, Scope, advance, drift_alert_id
from monitor.instant import Instant, microseconds


@dataclass(frozen=True, slots=True)
class Streak:
    """How many windows in a row a rule was broken, or kept; ``began_at`` the start of the first of those broken."""

    broken: int = 0
    kept: int = 0
    began_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a closed window showed.

    Attributes
    ----------
    judged: what the engine says; ``None`` without an engine, without the promise, or with too few rows for a step.
    streaks: of each column under a fixed rule, this window included.
    weighed: whether there is an engine; where a changed config left none, what carried evidence is over.
    """

    at: Instant
    window: str
    judged: Judged | None
    streaks: Mapping[str, Streak]
    weighed: bool = True


def follow(streaks: Mapping[str, Streak], looks: Mapping[str, bool | None], start: Instant) -> dict[str, Streak]:
    """Return the streaks after a window.

    Parameters
    ----------
    looks: for each column under a fixed rule, whether it was broken; ``None`` where that is not known.
    start: of the window.

    >>> follow({"x": Streak(1, 0, 5)}, {"x": True, "y": None}, 9)
    {'x': Streak(broken=2, kept=0, began_at=5), 'y': Streak(broken=0, kept=0, began_at=None)}
    """
    after = {}
    for name, broken in looks.items():
        streak = streaks.get(name, Streak())
        if broken:
            streak = Streak(streak.broken + 1, 0, start if streak.began_at is None else streak.began_at)
        elif broken is not None:
            streak = Streak(0, streak.kept + 1, None)
        after[name] = streak
    return after


def advance_with_rules(
    alert: DriftAlert, look: Look, settings: AlertSettings, scope: Scope
) -> tuple[DriftAlert, Change | None]:
    """Move a drift alert on by one window, and say whether a message is due.

    Parameters
    ----------
    scope: model and version, and perhaps a segment.
    """
    if alert.state is AlertState.FIRING:
        return _while_firing(alert, look, settings, scope)
    change = None
    if alert.state is AlertState.PENDING and not alert.evident:
        alert = replace(DriftAlert(), started_at=alert.started_at)
    since = alert.started_at
    if look.judged is not None:
        alert, change = advance(alert, look.judged, settings, scope)
    broken = _broken(look.streaks, settings.for_)
    if alert.state is AlertState.FIRING:
        return replace(alert, culprits=alert.culprits + broken, ruled=broken), change
    if broken:
        return _fired(look, broken, scope), Change.FIRST_TIME
    pending = _broken(look.streaks, 1)
    if alert.state is AlertState.INACTIVE and pending:
        began = _earliest(look.streaks, pending)
        return DriftAlert(
            AlertState.PENDING, None, look.at if since is None else since, began, pending, ruled=pending
        ), None
    return (alert if alert.state is AlertState.PENDING else DriftAlert()), None


def _fired(look: Look, broken: tuple[str, ...], scope: Scope) -> DriftAlert:
    return DriftAlert(
        AlertState.FIRING,
        drift_alert_id(scope, look.at),
        look.at,
        _earliest(look.streaks, broken),
        broken,
        notified_at=look.at,
        window=look.window,
        ruled=broken,
    )


def _while_firing(
    alert: DriftAlert, look: Look, settings: AlertSettings, scope: Scope
) -> tuple[DriftAlert, Change | None]:
    """Let what is new join the episode; else see whether all that carries it is over."""
    joined = tuple(name for name in _broken(look.streaks, settings.for_) if name not in alert.ruled)
    evident, calm = alert.evident if look.weighed else (), alert.calm_steps
    if look.weighed and not alert.ruled and not joined:
        return advance(alert, look.judged, settings, scope) if look.judged is not None else (alert, None)
    if look.judged is not None and evident:
        calm = calm + 1 if look.judged.calm else 0
    elif look.judged is not None and look.judged.evidence >= look.judged.threshold:
        evident, calm = look.judged.culprits, 0
    ruled = alert.ruled + joined
    grown = replace(alert, culprits=evident + ruled or alert.culprits, ruled=ruled, calm_steps=calm)
    if joined or set(evident) - set(alert.evident):
        return replace(grown, notified_at=look.at), Change.CHANGED
    left = [look.streaks[name] for name in ruled if name in look.streaks]  # the others have no rule any more
    if all(streak.kept >= settings.resolve_after for streak in left) and (
        not evident or calm >= settings.resolve_after
    ):
        return replace(grown, state=AlertState.RESOLVED, notified_at=look.at), Change.RESOLVED
    if alert.notified_at is not None and look.at - alert.notified_at >= microseconds(settings.repeat):
        return replace(grown, notified_at=look.at), Change.REPEAT_DUE
    return grown, None


def _broken(streaks: Mapping[str, Streak], windows: int) -> tuple[str, ...]:
    """Return the columns whose rule was broken in so many windows in a row, by name."""
    return tuple(sorted(name for name, streak in streaks.items() if streak.broken >= windows))


def _earliest(streaks: Mapping[str, Streak], names: tuple[str, ...]) -> Instant | None:
    began = (streaks[name].began_at for name in names)
    return min((at for at in began if at is not None), default=None)
