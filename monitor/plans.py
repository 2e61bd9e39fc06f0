"""From a config to what the pipelines are built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from monitor.by_rule import ByRule
from monitor.config import Config, ModelSettings
from monitor.delivery import route
from monitor.pipeline.gating import SWITCH
from monitor.pipeline.plan import ModelPlan

SPOOL = "spool"
"""The folder of the state in which what comes by HTTP waits to be read."""


def model_plans(
    config: Config, root: Path, *, external_url: str | None = None, token: Callable[[str], str] | None = None
) -> tuple[ModelPlan, ...]:
    """Return the plan of every model.

    Parameters
    ----------
    root: the folder that relative paths are relative to.
    external_url: what links start with, where the config names none.
    token: the token of an action, given its id; ``None`` where none is sent.
    """
    base = config.server.external_url or external_url or f"http://{config.server.listen}"
    routing = partial(_route, config)
    root = root.resolve()
    places = root, root / config.state.directory
    return tuple(_plan(settings, places, base.rstrip("/"), (routing, token)) for settings in config.models)


def _plan(
    settings: ModelSettings,
    places: tuple[Path, Path],
    external_url: str,
    rest: tuple[Callable[[Mapping[str, Any]], tuple[str, ...]], Callable[[str], str] | None],
) -> ModelPlan:
    root, state = places
    routing, token = rest
    return ModelPlan(
        name=settings.name,
        task=settings.task,
        root=root,
        records=settings.records,
        reference=ByRule(settings.reference) if isinstance(settings.reference, Mapping) else settings.reference,
        targets=settings.targets,
        **_waiting(settings),
        columns=settings.columns,
        window=settings.window,
        sampling=settings.sampling,
        drift=settings.drift,
        performance=settings.performance,
        quality=settings.quality,
        fairness=settings.fairness,
        versions=settings.versions,
        alerts=settings.alerts,
        retrain=settings.retrain,
        rows_per_window=settings.rows_per_window,
        external_url=external_url,
        route=routing,
        token=token,
        spool=state / SPOOL / settings.name,
        switch=state / SWITCH,
        resources=settings.resources,
    )


def _waiting(settings: ModelSettings) -> dict[str, Any]:
    targets = settings.targets
    return {} if targets is None else {"delay": targets.delay, "horizon": targets.horizon}


def _route(config: Config, alert: Mapping[str, Any]) -> tuple[str, ...]:
    starters = {settings.retrain.receiver for settings in config.models if settings.retrain is not None}
    return route(alert, config.routes, [receiver.name for receiver in config.receivers], starters)
