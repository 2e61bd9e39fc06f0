"""The shape of the project: what must be there, how long things may be, and that every exception says why."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = sorted((PROJECT / "monitor").rglob("*.py"))
FILE_LINES = 300
BODY_LINES = 40
EXPECTED = (
    ".ci/lock .ci/run .dockerignore .gitignore CHANGELOG.md CONTRIBUTING.md Dockerfile LICENSE README.md "
    "benchmarks/README.md monitor/py.typed pyproject.toml"
)


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def _tracked() -> list[Path]:
    """Return the project's files: what git tracks, or in a folder without git everything but hidden folders."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        return [path for name in done.stdout.split("\0") if name and (path := PROJECT / name).is_file()]
    return [path for path in PROJECT.rglob("*") if path.is_file() and "/." not in f"/{_name(path)}"]


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))


def _functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Yield each function and how many lines its body has, its docstring left out."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node, ((node.end_lineno or 0) - body[0].lineno + 1) if body else 0


@pytest.mark.parametrize("name", EXPECTED.split())
def test_a_newcomers_file_is_there(name: str) -> None:
    """Each file that a newcomer looks for exists and says something."""
    path = PROJECT / name
    assert path.is_file()
    assert path.stat().st_size > 0 or name.endswith("py.typed")


def test_the_licence_is_whole() -> None:
    """The licence that the metadata names is the one in the file, in full."""
    text = (PROJECT / "LICENSE").read_text("utf-8")
    assert _pyproject()["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("path", PACKAGE, ids=_name)
def test_a_file_is_one_idea(path: Path) -> None:
    """No file of the package is longer than 300 lines: a longer one is two."""
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", PACKAGE, ids=_name)
def test_a_function_fits_a_screen(path: Path) -> None:
    """No function's body is longer than 40 lines, unless a comment `# long: <reason>` on its first line says why."""
    lines = path.read_text("utf-8").splitlines()
    long = [node for node, length in _functions(path) if length > BODY_LINES]
    assert [node.name for node in long if not re.search(r"# long: \w+", lines[node.lineno - 1])] == []


@pytest.mark.parametrize("path", PACKAGE, ids=_name)
def test_a_folder_of_the_package_is_a_package(path: Path) -> None:
    """Every folder with modules has an `__init__.py`, without which neither the floors nor the wheel see it whole."""
    assert (path.parent / "__init__.py").is_file()


def test_two_tests_never_share_a_file_name() -> None:
    """A test file's name is its own in the whole tree, so that a report's line names one file."""
    names = [path.name for path in (PROJECT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_file_knows_where_it_was_written() -> None:
    """No tracked file holds the path of this checkout, of this interpreter or of anyone's home."""
    here = {str(PROJECT), sys.prefix, os.path.expanduser("~")} - {"/", "/root", "/usr", "/usr/local"}  # noqa: PTH111
    found = []
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{_name(path)}: {place}" for place in here if re.search(re.escape(place) + r"(?!\w)", text)]
    assert found == []


def test_nothing_generated_is_tracked() -> None:
    """What tools leave behind is not part of the project."""
    generated = re.compile(r"__pycache__|\.pyc$|\.egg-info|\.sqlite|\.coverage|(^|/)\.?venv/|^dist/|_cache/")
    assert [_name(path) for path in _tracked() if generated.search(_name(path))] == []


def test_every_excluded_rule_says_why() -> None:
    """Each rule that ruff or the tests do not follow has its reason beside it in pyproject.toml."""
    text = (PROJECT / "pyproject.toml").read_text("utf-8")
    rule = re.compile(r'^  "[A-Z]{1,4}\d*",(.*)$', re.MULTILINE)
    warning = re.compile(r'^  [\'"](?:ignore|default):.*[\'"],(.*)$', re.MULTILINE)
    reasons = [*rule.findall(text), *warning.findall(text)]
    assert len(reasons) > 20
    assert [reason for reason in reasons if not re.match(r"\s*# \S+ \w+", reason)] == []


def test_every_suppression_names_its_rule() -> None:
    """No line of the package silences every rule at once."""
    blanket = re.compile(r"#\s*noqa(?!: [A-Z])|#\s*type:\s*ignore(?!\[)|#\s*(?:ruff|mypy): ?ignore-errors")
    assert [_name(path) for path in PACKAGE if blanket.search(path.read_text("utf-8"))] == []


def test_the_version_is_told_once() -> None:
    """The package, the distribution and the newest entry of the changelog name the same version."""
    source = (PROJECT / "monitor" / "__init__.py").read_text("utf-8")
    version = _pyproject()["project"]["version"]
    assert f'__version__ = "{version}"' in source
    assert re.search(
        rf"^## (?:\[Unreleased\]|\[?{re.escape(version)}\]?)",
        (PROJECT / "CHANGELOG.md").read_text("utf-8"),
        re.MULTILINE,
    )
