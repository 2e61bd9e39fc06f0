"""Compiles what ``backtest`` replays, with what is at fault in the config; in this process or in a child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from monitor.app.misfits import reference_faults
from monitor.errors import ConfigError, Fault, PermanentError
from monitor.injection import Injection
from monitor.instant import Instant
from monitor.plans import model_plans
from monitor.replay import Replay, Told

if TYPE_CHECKING:
    from monitor.config import Loaded


def compiled(
    loaded: Loaded, told: Told, injections: Sequence[Injection], now: Instant, places: Iterable[int]
) -> tuple[dict[int, Replay], dict[int, list[Fault]]]:
    """Compile the references of the models at some places of a config; return their replays, and what is at fault."""
    plans = model_plans(loaded.config, loaded.root)
    replays: dict[int, Replay] = {}
    faults: dict[int, list[Fault]] = {}
    for place in places:
        try:
            replays[place] = Replay(plans[place], told, injections, now=now)
        except ConfigError as error:
            faults[place] = list(error.faults)
        except PermanentError as error:
            faults[place] = reference_faults(loaded, place, plans[place], error)
    return replays, faults
