"""``driftline schema``: the JSON Schema of the config, for editors and pipelines."""

from __future__ import annotations

import typer

from monitor.cli.common import write


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema() -> None:
    """Print the JSON Schema of config.yaml."""
    import json

    from monitor.config.schema import config_schema

    write(json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n")
