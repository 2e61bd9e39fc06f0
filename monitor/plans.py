"""From a config to what the pipelines are built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monitor.by_rule import ByRule
from monitor.config import Config, ModelSettings
from monitor.pipeline.gating import SWITCH
from monitor.pipeline.plan import ModelPlan
from monitor.routing import Policy

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
    policy = policy_of(config, base.rstrip("/"))
    root = root.resolve()
    places = root, root / config.state.directory
    return tuple(_plan(settings, places, base.rstrip("/"), (policy, token)) for settings in config.models)


def _plan(
    settings: ModelSettings,
    places: tuple[Path, Path],
    external_url: str,
    rest: tuple[Policy, Callable[[str], str] | None],
) -> ModelPlan:
    root, state = places
    policy, token = rest
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
        policy=policy,
        token=token,
        spool=state / SPOOL / settings.name,
        switch=state / SWITCH,
        resources=settings.resources,
    )


def _waiting(settings: ModelSettings) -> dict[str, Any]:
    targets = settings.targets
    return {} if targets is None else {"delay": targets.delay, "horizon": targets.horizon}


def policy_of(config: Config, page: str = "") -> Policy:
    """Return who is told of alerts, when and how; ``page`` is where links lead."""
    return Policy(
        routes=config.routes,
        receivers=tuple(receiver.name for receiver in config.receivers),
        starters=frozenset(model.retrain.receiver for model in config.models if model.retrain is not None),
        maintenance={model.name: model.alerts.maintenance for model in config.models},
        inhibiting=frozenset(model.name for model in config.models if model.alerts.inhibit),
        page=page,
    )
