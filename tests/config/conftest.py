from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.config import Loaded, load_config
from monitor.errors import ConfigError, Fault


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Loaded]:
    """Return a function that writes a text to config.yaml and loads it."""

    def loaded(text: str, **environment: str) -> Loaded:
        path = tmp_path / "config.yaml"
        path.write_text(textwrap.dedent(text), "utf-8")
        return load_config(path, environment)

    return loaded


@pytest.fixture
def faults_of(load: Callable[..., Loaded]) -> Callable[..., list[Fault]]:
    """Return a function that loads a text and returns its faults; it fails if there are none."""

    def faults(text: str, **environment: str) -> list[Fault]:
        with pytest.raises(ConfigError) as caught:
            load(text, **environment)
        return list(caught.value.faults)

    return faults
