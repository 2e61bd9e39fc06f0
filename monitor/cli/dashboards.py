"""``driftline dashboards``: dashboards for Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import read_config, write
from monitor.cli.rules import OptionalConfig
from monitor.errors import FatalError

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write them; made if missing.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dashboards")(dashboards)


def dashboards(output: Folder, config: OptionalConfig = None) -> None:
    """Write dashboards for Grafana, and print the name of each file."""
    try:
        from monitor.observability.dashboards import FILE, overview
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("grafana_foundation_sdk"):
            raise
        raise FatalError(
            "E330", "dashboards need grafana-foundation-sdk", "pip install 'driftline[dashboards]'"
        ) from None
    page = None if config is None else read_config(config).config.server.base_url
    output.mkdir(parents=True, exist_ok=True)
    path = output / FILE
    path.write_text(overview(page), encoding="utf-8")
    write(f"{path}\n")
