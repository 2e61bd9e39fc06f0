"""Compiles what ``backtest`` replays, with what is at fault in the config; in this process or in a child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from monitor.app.misfits import reference_faults
from monitor.errors import ConfigError, Fault, PermanentError
from monitor.injection import Injection
from monitor.instant import Instant
from monitor.pipeline.plan import ModelPlan
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
        if sent := _sent(loaded, place, plans[place]):
            faults[place] = sent
            continue
        try:
            replays[place] = Replay(plans[place], told, injections, now=now)
        except ConfigError as error:
            faults[place] = list(error.faults)
        except PermanentError as error:
            faults[place] = reference_faults(loaded, place, plans[place], error)
    return replays, faults


def _sent(loaded: Loaded, place: int, plan: ModelPlan) -> list[Fault]:
    """Return a fault for each source of a model that is sent by HTTP: that is kept only until it is read."""
    roles = {"records": plan.records, "targets": () if plan.targets is None else (plan.targets,)}
    found = [role for role, sources in roles.items() if any(source.type == "http" for source in sources)]
    message, hint = "what is sent by HTTP is not kept, and cannot be replayed", "name the files of a log instead"
    return [loaded.place("models", place, role).fault("E115", message, hint) for role in found]
