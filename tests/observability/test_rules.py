"""The rules for Prometheus: promtool's own tests of them, and what a config changes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import pytest

from monitor.observability.promises import promises_of
from monitor.observability.rules import Idle, rules, to_yaml
from monitor.performance.settings import ObjectiveSettings
from monitor.window import WindowSettings

pytestmark = pytest.mark.skipif(which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
STORIES = Path(__file__).with_name("rules_test.yml")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def test_the_rules_fire_when_they_should_and_not_before() -> None:
    """Every story of the unit tests comes out as written."""
    done = promtool("test", "rules", STORIES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_a_story() -> None:
    """No rule is without a test that makes it fire."""
    told = STORIES.read_text(encoding="utf-8")
    assert [rule.alert for rule in rules() if f"alertname: {rule.alert}\n" not in told] == []


def test_a_config_gives_every_model_its_own_silence(tmp_path: Path) -> None:
    """Each model has its own patience within the one rule, and links lead to the monitor's page."""
    path = tmp_path / "rules.yml"
    text = to_yaml(rules([Idle("slow", 86_400), Idle("fast", 60)]), "https://driftline.example.com")
    path.write_text(text, encoding="utf-8")
    done = promtool("check", "rules", path)
    assert "SUCCESS: 13 rules found" in done.stdout, done.stdout + done.stderr
    slow, fast = (f'driftline_source_lag_seconds{{source="records",model="{name}"}}' for name in ("slow", "fast"))
    assert f"expr: '{slow} > 86400 or {fast} > 60'" in text
    assert 'page: "https://driftline.example.com/models/{{ $labels.model }}"' in text


def test_objectives_have_rules_of_their_own(tmp_path: Path) -> None:
    """One with a budget is told of by its burn rates, one without after ``for`` broken windows."""
    asked = [
        ObjectiveSettings.model_validate({"metric": "latency_p99", "at_most": "50ms"}),
        ObjectiveSettings.model_validate({"metric": "volume", "at_least": 100}),
    ]
    promises = promises_of("m", asked, WindowSettings(), 2)
    (tmp_path / "rules.yml").write_text(to_yaml(rules(promises=promises)), encoding="utf-8")
    (tmp_path / "test.yml").write_bytes(STORIES.with_name("objectives_test.yml").read_bytes())
    done = promtool("test", "rules", tmp_path / "test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_alerts_are_told_apart_by_what_they_mean() -> None:
    """Names are CamelCase, start with the product's, and are used once."""
    names = [rule.alert for rule in rules()]
    assert len(set(names)) == len(names)
    assert all(name.startswith("Driftline") and name.isalnum() for name in names)
