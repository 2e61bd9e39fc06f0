"""Compiles what ``backtest`` replays, with what is at fault in the config; in this process or in a child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from monitor.errors import ConfigError, Fault, PermanentError, ReferenceUnusable
from monitor.injection import Injection
from monitor.instant import Instant
from monitor.plans import model_plans
from monitor.record_layout import ColumnUnknown
from monitor.replay import Replay, Told

if TYPE_CHECKING:
    from monitor.config import Loaded

_UNKNOWN_COLUMN, _UNFIT_COLUMN = "E166", "E167"


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
            faults[place] = [reference_fault(loaded, place, error)]
    return replays, faults


def reference_fault(loaded: Loaded, place: int, error: PermanentError) -> Fault:
    """Return why a model's reference cannot be used, with its place in the config."""
    code, keys = _UNFIT_COLUMN, ("columns",)
    if isinstance(error, ReferenceUnusable):
        code, keys = error.code, ("reference",)
    elif isinstance(error, ColumnUnknown):
        code = _UNKNOWN_COLUMN
    return loaded.place("models", place, *keys).fault(code, error.message, error.hint or None)
