"""The locks in requirements/: they say what pyproject.toml asks for, by hash, and name no address."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).parents[2]
LOCKS = ["build", "dev", "extras", "runtime"]
ADDRESS = re.compile(r"[a-z]+://|--(?:extra-)?index-url|--find-links|(?<![\w.])/\w+/", re.IGNORECASE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?: \\)?")


@cache
def _declared() -> dict[str, list[str]]:
    """Return what each lock must hold: the requirements of pyproject.toml."""
    pyproject: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    run = pyproject["project"]["dependencies"]
    extras = [one for group in pyproject["project"]["optional-dependencies"].values() for one in group]
    build = pyproject["build-system"]["requires"]
    tools = [one for one in pyproject["dependency-groups"]["dev"] if isinstance(one, str)]
    return {"runtime": run, "extras": [*run, *extras], "build": build, "dev": [*run, *extras, *build, *tools]}


@cache
def _pins(lock: str) -> dict[str, list[Requirement]]:
    """Return a lock's pins by name; one name has several where they differ by Python version."""
    lines = (PROJECT / "requirements" / f"{lock}.txt").read_text("utf-8").splitlines()
    pins: dict[str, list[Requirement]] = {}
    for line in lines:
        if line[:1].isalnum():
            pin = Requirement(line.removesuffix("\\").strip())
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def _version(pin: Requirement) -> Version:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


@pytest.mark.parametrize(("lock", "text"), [(lock, text) for lock in LOCKS for text in _declared()[lock]])
def test_a_dependency_is_locked_within_its_bounds(lock: str, text: str) -> None:
    """Each dependency that pyproject.toml declares is pinned, and to a version that it allows; else run `.ci/lock`."""
    wanted = Requirement(text)
    pins = _pins(lock).get(canonicalize_name(wanted.name), [])
    assert pins
    assert all(_version(pin) in wanted.specifier for pin in pins)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    """No pin can be met by a file that was not seen when the lock was written."""
    text = (PROJECT / "requirements" / f"{lock}.txt").read_text("utf-8")
    blocks = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if not HASH.search(block)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    """A lock says what to install; where from is the business of the machine that installs."""
    lines = (PROJECT / "requirements" / f"{lock}.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if ADDRESS.search(line)] == []


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "dev"])
def test_what_is_shipped_is_what_was_tested(lock: str) -> None:
    """Each lock pins the versions that the tests ran with."""
    tested = {name: {str(_version(pin)) for pin in pins} for name, pins in _pins("dev").items()}
    shipped = {name: {str(_version(pin)) for pin in pins} for name, pins in _pins(lock).items()}
    assert {name: versions for name, versions in shipped.items() if not versions <= tested.get(name, set())} == {}


def test_every_dependency_has_an_upper_bound() -> None:
    """A library's next major version is taken on purpose, never by surprise."""
    needed = [Requirement(text) for text in _declared()["extras"]]
    assert [str(one) for one in needed if not any(part.operator in {"<", "==", "<="} for part in one.specifier)] == []
