"""``driftline rules``: alert rules for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import read_config, write

OptionalConfig = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Fit them to a config; by default they fit any.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rules")(rules)


def rules(config: OptionalConfig = None) -> None:
    """Print alert rules for Prometheus: what the models say, and whether the monitor itself is well."""
    from monitor.observability.promises import promises_of
    from monitor.observability.rules import Idle, to_yaml
    from monitor.observability.rules import rules as all_rules

    if config is None:
        write(to_yaml(all_rules()))
        return
    given = read_config(config).config
    idle = [Idle(model.name, model.window.idle.total_seconds()) for model in given.models]
    promises = [
        promise
        for model in given.models
        for promise in promises_of(model.name, model.performance.objectives, model.window, model.alerts.for_)
    ]
    write(to_yaml(all_rules(idle, promises), given.server.base_url))
