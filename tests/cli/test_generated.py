"""``driftline rules`` and ``driftline dashboards``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from monitor.cli import dashboards, rules


@pytest.fixture
def app() -> typer.Typer:
    """Return a program with the two commands."""
    app = typer.Typer()
    rules.register(app)
    dashboards.register(app)
    return app


def test_rules_are_printed(app: typer.Typer, project: Path) -> None:
    """Without a config the rules are those in the repository."""
    done = CliRunner().invoke(app, ["rules"])
    assert done.exit_code == 0
    assert done.stdout == (project / "dashboards" / "driftline-rules.yml").read_text(encoding="utf-8")


def test_dashboards_are_written_into_a_folder(app: typer.Typer, project: Path, tmp_path: Path) -> None:
    """The folder is made, and the file in it is the one in the repository."""
    folder = tmp_path / "grafana" / "driftline"
    done = CliRunner().invoke(app, ["dashboards", "-o", str(folder)])
    path = folder / "driftline-overview.json"
    assert (done.exit_code, done.stdout) == (0, f"{path}\n")
    assert path.read_text(encoding="utf-8") == (project / "dashboards" / path.name).read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the smallest config."""
    (tmp_path / "reference.csv").write_text("timestamp,x\n2013-01-01T00:00:00Z,1\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(
        "server: {external_url: 'https://driftline.example.com'}\n"
        "models:\n"
        "  - name: flight-delay\n"
        "    records: {type: files, path: 'logs/*.jsonl'}\n"
        "    reference: {path: reference.csv}\n"
        "    window: {idle: 6h}\n",
        encoding="utf-8",
    )
    return path


def test_a_config_sets_the_patience_of_the_rules(app: typer.Typer, config: Path) -> None:
    """With a config, a model may be silent as long as its own ``idle``, and links lead to the daemon's page."""
    done = CliRunner().invoke(app, ["rules", "-c", str(config)])
    assert """'driftline_source_lag_seconds{source="records",model="flight-delay"} > 21600'""" in done.stdout
    assert 'page: "https://driftline.example.com/models/{{ $labels.model }}"' in done.stdout


def test_a_config_sets_the_link_of_the_dashboard(app: typer.Typer, config: Path, tmp_path: Path) -> None:
    """With a config, the dashboard links to the daemon's page."""
    CliRunner().invoke(app, ["dashboards", "-c", str(config), "-o", str(tmp_path)])
    board = json.loads((tmp_path / "driftline-overview.json").read_text(encoding="utf-8"))
    assert board["links"][0]["url"] == "https://driftline.example.com"
