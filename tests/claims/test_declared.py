"""What is imported is declared: a user's install holds all that runs, and no more than they asked for."""

from __future__ import annotations

import ast
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
# The parts of the package that need an extra, which their users install.
EXTRAS = {
    "demo": {"demo"},
    "frame": {"demo", "reports"},
    "reports": {"reports"},
    "sources": {"kafka", "opentelemetry"},
    "workers": {"reports"},
    "observability": {"dashboards"},
}
OURS = {"monitor", "tests", "benchmarks"}


@cache
def _declared(*groups: str) -> set[str]:
    pyproject: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    lists = {"run": pyproject["project"]["dependencies"], **pyproject["project"]["optional-dependencies"]}
    lists |= {"dev": [one for one in pyproject["dependency-groups"]["dev"] if isinstance(one, str)]}
    return {canonicalize_name(Requirement(text).name) for group in groups for text in lists[group]}


@cache
def _owners() -> dict[str, set[str]]:
    """Return, for each top-level name that can be imported here, the distributions that bring it."""
    found = packages_distributions().items()
    owners: dict[str, set[str]] = {module: {canonicalize_name(one) for one in names} for module, names in found}
    return owners | {"pydantic_core": {"pydantic"}}  # which pins it exactly: two halves of one library


def _imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports and that are neither Python's nor ours."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


@cache
def _used() -> set[str]:
    """Return every top-level name that the package imports."""
    return set().union(*(_imported(path) for path in (PROJECT / "monitor").rglob("*.py")))


def _undeclared(path: Path, declared: set[str]) -> set[str]:
    local = {one.stem for one in path.parent.glob("*.py")}
    return {name for name in _imported(path) - local if not _owners().get(name, {name}) & declared}


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "monitor").rglob("*.py")), ids=lambda path: str(path.relative_to(PROJECT))
)
def test_the_package_imports_what_it_declares(path: Path) -> None:
    """Each library that a file of the package imports is a dependency, or of the extra that its part needs."""
    part = path.relative_to(PROJECT / "monitor").parts[0].removesuffix(".py")
    assert _undeclared(path, _declared("run", *EXTRAS.get(part, ()))) == set()


def test_tests_import_what_is_declared() -> None:
    """Each library that a test or benchmark imports is in the dev group or a dependency."""
    declared = _declared("run", "demo", "reports", "postgresql", "dashboards", "dev")
    files = [*(PROJECT / "tests").rglob("*.py"), *(PROJECT / "benchmarks").rglob("*.py")]
    assert {str(path.relative_to(PROJECT)): found for path in files if (found := _undeclared(path, declared))} == {}


@pytest.mark.parametrize("name", sorted(_declared("run")))
def test_a_dependency_is_imported(name: str) -> None:
    """Each dependency is imported by some file of the package: what is no longer used is no longer installed."""
    modules = {module for module, owners in _owners().items() if name in owners}
    assert modules & _used()
