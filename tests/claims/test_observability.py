"""Dashboards, rules and docs name only what is exposed, and the committed files are the generated ones."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from monitor.observability.dashboards import FILE, overview
from monitor.observability.rules import rules, to_yaml
from monitor.telemetry import METRICS

NAMES = {name for metric in METRICS for name in metric.sample_names} | {metric.name for metric in METRICS}
NO_METRICS = {"driftline_version", "driftline_demo"}  # a key of the contract, a folder's stem
GENERATED = {FILE: overview(), "driftline-rules.yml": to_yaml(rules())}


def expressions() -> list[str]:
    """Return every expression of the dashboard, its variables filled in."""
    board = json.loads(GENERATED[FILE])
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    found += [each["expr"] for each in board["annotations"]["list"]]
    filled = [each.replace("$job", ".+").replace("$model", ".+").replace("$__rate_interval", "1m") for each in found]
    assert not [each for each in filled if "$" in each]
    return filled


def variables() -> list[str]:
    """Return the queries of the dashboard's variables."""
    board: dict[str, Any] = json.loads(GENERATED[FILE])
    return [str(each["query"]) for each in board["templating"]["list"] if each["type"] == "query"]


def unknown(text: str) -> set[str]:
    """Return the names in a text that look like metrics and are none."""
    return set(re.findall(r"\bdriftline_[a-z0-9_]+\b", text)) - NAMES - NO_METRICS


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_the_committed_file_is_the_generated_one(project: Path, name: str) -> None:
    """`driftline dashboards -o dashboards` and `driftline rules` would change nothing."""
    assert (project / "dashboards" / name).read_text(encoding="utf-8") == GENERATED[name]


def test_the_dashboard_names_only_metrics_that_exist() -> None:
    """Every name in a panel, a variable or an annotation is declared, or is Prometheus's or the process's own."""
    text = "\n".join([*expressions(), *variables()])
    assert unknown(text) == set()
    others = set(re.findall(r"\b([a-z_]+|ALERTS)\{", text)) - NAMES
    assert others == {"ALERTS", "process_resident_memory_bytes"}


def test_the_rules_name_only_metrics_that_exist() -> None:
    """Every name in an expression or a text of a rule is declared."""
    assert unknown(GENERATED["driftline-rules.yml"]) == set()


def test_the_docs_name_only_metrics_that_exist(project: Path) -> None:
    """What a reader copies from the README or the docs into a query finds series."""
    pages = [project / "README.md", *sorted((project / "docs").rglob("*.md"))]
    found = {page.name: unknown(page.read_text(encoding="utf-8")) for page in pages}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.skipif(which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_every_expression_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    """Promtool parses every expression, its variables filled in."""
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, expression in enumerate(expressions()):
        lines += [f"      - record: panel:{number}", f"        expr: {json.dumps(expression)}"]
    path = tmp_path / "rules.yml"
    path.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
