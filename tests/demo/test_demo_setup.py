from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.config import Config, load_config
from monitor.config.shape import Spot, known_keys, member
from monitor.config.yaml_marks import Node, parse
from monitor.demo.cast import needed_targets
from monitor.demo.setup import Folder, prepare, template, write_config
from monitor.errors import ConfigError, FatalError

JOB = "http://127.0.0.1:4711/retrain"


def test_the_repository_shows_the_config_of_the_demo(project: Path) -> None:
    """The config at the root is the one that the package carries."""
    assert (project / "config.yaml").read_text(encoding="utf-8") == template()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Prepare a folder."""
    with prepare(tmp_path / "demo") as made:
        yield made


def test_the_written_config_holds(folder: Folder) -> None:
    """The daemon takes the demo's config without a fault or a warning."""
    loaded = load_config(write_config(folder.path, 4710, JOB), {})
    assert loaded.warnings == ()
    assert loaded.config.server.listen == "127.0.0.1:4710"


def test_the_job_gets_the_webhook(folder: Folder) -> None:
    """The address and the secret of the retraining job stand in the config."""
    config = load_config(write_config(folder.path, 4710, JOB), {}).config
    receiver = next(entry for entry in config.receivers if entry.type == "webhook")
    assert receiver.url.get_secret_value() == JOB
    assert [key.get_secret_value() for key in receiver.secret] == [folder.secret]


def test_the_story_waits_for_as_many_targets_as_the_config_says(folder: Folder) -> None:
    """What the screen counts up to is ``retrain.min_targets``."""
    config = load_config(write_config(folder.path, 4710, JOB), {}).config
    assert config.models[0].retrain is not None
    assert needed_targets() == config.models[0].retrain.min_targets


def _unnamed(spot: Spot, node: Node, path: str) -> Iterator[str]:
    """Yield the settings that could stand in a mapping and do not."""
    for key in known_keys(spot, node):
        child = node.get(key)
        if child is None and node.get(f"{key}_file") is None:
            yield f"{path}.{key}"
        for item in (child.items or (child,)) if child else ():
            if item.kind == "mapping":
                yield from _unnamed(member(spot, key, node), item, f"{path}.{key}")


LATER = {".state.database", ".models.reference.rows", ".models.reference.rolling", ".models.reference.season"}
"""Keys that this version knows only to refuse, or that exclude one that stands there: a comment names that."""


def test_every_key_stands_in_the_config() -> None:
    """Whoever reads the config has seen every setting there is."""
    assert set(_unnamed((Config,), parse(template()), "")) == LATER


def _unlike_the_default(settings: BaseModel, node: Node, lines: list[str]) -> Iterator[str]:
    """Yield the lines whose value is not the default, though they do not say what is."""
    for name, info in type(settings).model_fields.items():
        value, child = getattr(settings, name), node.get(info.alias or name)
        parts = value if isinstance(value, tuple) else (value,)
        for part, item in zip(parts, (child.items or (child,)) if child else (), strict=False):
            if isinstance(part, BaseModel) and item.kind == "mapping":
                yield from _unlike_the_default(part, item, lines)
            elif child and not info.is_required() and value != info.get_default(call_default_factory=True):
                yield lines[child.line - 1]


def test_the_config_says_where_it_is_not_the_default(folder: Folder) -> None:
    """A value that is not the default stands beside a word on what the default is."""
    loaded = load_config(write_config(folder.path, 10464, JOB), {})
    unlike = list(_unlike_the_default(loaded.config, loaded.nodes, template().splitlines()))
    assert len(unlike) > 5
    assert [line for line in unlike if "default" not in line] == []


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    """A folder with anything in it that no demo has put there is refused, and nothing of it is touched."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="not empty"), prepare(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A file under the name is refused before anything starts."""
    (tmp_path / "demo").write_text("")
    with pytest.raises(ConfigError, match="not a folder"), prepare(tmp_path / "demo"):
        pass


def test_the_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    """Logs and state of the last run are gone, so that every run starts at the same point."""
    with prepare(tmp_path):
        for name in ("logs", ".driftline"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "old").write_text("")
    with prepare(tmp_path):
        assert not (tmp_path / "logs").exists()
        assert not (tmp_path / ".driftline").exists()


def test_a_running_demo_keeps_its_folder(folder: Folder) -> None:
    """A second demo in the same folder ends before it has removed anything."""
    (folder.path / "logs").mkdir()
    with pytest.raises(FatalError, match="another demo runs"), prepare(folder.path):
        pass
    assert (folder.path / "logs").exists()


def test_the_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine can read the signing secret, and each run has its own."""
    with prepare(tmp_path / "a") as first, prepare(tmp_path / "b") as second:
        assert stat.S_IMODE((tmp_path / "a" / "retrain.secret").stat().st_mode) == 0o600
        assert first.secret != second.secret
