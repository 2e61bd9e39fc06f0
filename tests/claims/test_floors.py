"""The floors: who may import whom, and what the pure floors may not know at all."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
FLOORS = next(contract["layers"] for contract in CONTRACTS if contract["id"] == "floors")

# What a pure file is given as an argument, or has no business with.
CLOCK = {"time", "sched"}
DISK = {"os", "io", "pathlib", "tempfile", "shutil", "glob", "sqlite3", "pickle"}
TABLES = {"pandas", "pyarrow.parquet", "pyarrow.csv", "pyarrow.json", "pyarrow.dataset", "pyarrow.fs"}
NETWORK = {"socket", "ssl", "select", "selectors", "socketserver", "http", "urllib.request", "asyncio"}
THREADS = {"threading", "concurrent", "multiprocessing", "subprocess", "signal", "queue"}
LOGS = {"logging", "structlog", "warnings", "rich"}
CHANCE = {"secrets", "uuid"}
IMPURE = CLOCK | DISK | TABLES | NETWORK | THREADS | LOGS | CHANCE
NOW = {"now", "utcnow", "today"}
BUILTINS = {"open", "print", "input", "exec", "eval", "breakpoint"}
SEEDED = {"default_rng", "Random"}
GENERATORS = {"Generator", "BitGenerator", "SeedSequence", "PCG64", "Philox"}


def _pure_names() -> list[str]:
    """Return the modules of floors 0 to 3 as pyproject.toml lists them: `notification` and everything below."""
    at = next(number for number, layer in enumerate(FLOORS) if "notification" in layer)
    names = [name.strip(" ()") for layer in FLOORS[at:] for name in layer.replace("|", ":").split(":")]
    return [name for name in names if name not in {"client", "receiver"}]


def _pure_files() -> Iterator[Path]:
    for name in _pure_names():
        alone = PROJECT / "monitor" / f"{name}.py"
        yield from [alone] if alone.exists() else sorted((PROJECT / "monitor" / name).rglob("*.py"))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _is_impure(name: str) -> bool:
    parts = name.split(".")
    hidden = parts[0] == "random" and parts[1:] not in ([], ["Random"])
    return hidden or any(".".join(parts[: length + 1]) in IMPURE for length in range(len(parts)))


def _called(node: ast.AST) -> str:
    """Say what a call reaches for that a pure file may not: the clock, the disk, hidden chance."""
    if not isinstance(node, ast.Call):
        return ""
    text = ast.unparse(node.func)
    *_, before, last = ["", *text.split(".")]
    hidden = before == "random" and last not in GENERATORS and not (last in SEEDED and node.args)
    return text if text in BUILTINS or hidden or (before and last in NOW) else ""


def _reaches(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [name for name in _imported(node) if _is_impure(name)]
        names += [call for call in [_called(node)] if call]
        found += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in names]
    return found


def test_every_import_goes_down(capfd: pytest.CaptureFixture[str]) -> None:
    """No file imports from its own floor's rivals or from above, and each heavy library has one home."""
    before = list(sys.path)
    try:
        status = lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True, no_logo=True)
    finally:
        sys.path[:] = before
    assert status == 0, capfd.readouterr().out


def test_a_file_without_a_floor_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new module of the package must be given a floor before it passes."""
    (tmp_path / "homeless").mkdir()
    (tmp_path / "homeless" / "__init__.py").write_text("")
    (tmp_path / "homeless" / "astray.py").write_text("")
    config = tmp_path / ".importlinter"
    config.write_text(
        "[importlinter]\nroot_package = homeless\n[importlinter:contract:floors]\nname = floors\ntype = layers\n"
        "containers = homeless\nexhaustive = true\nlayers =\n  (errors)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert lint_imports(config_filename=str(config), no_cache=True, no_logo=True) == 1


@pytest.mark.parametrize("path", list(_pure_files()), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_pure_file_asks_for_nothing(path: Path) -> None:
    """A file of floors 0 to 3 imports no clock, disk, network, thread, log or chance."""
    assert _reaches(path) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import environ",
        "import urllib.request",
        "from urllib import request",
        "from pyarrow import parquet",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "open('x')",
        "from random import random",
        "import random\nrandom.random()",
        "import random\nrandom.Random()",
        "import numpy as np\nnp.random.default_rng()",
        "import numpy as np\nnp.random.normal()",
    ],
)
def test_what_is_impure_is_seen(tmp_path: Path, source: str) -> None:
    """Each way to the outside is recognised in the source."""
    path = tmp_path / "pure.py"
    path.write_text(source)
    assert _reaches(path) != []


def test_a_generator_with_a_seed_is_pure(tmp_path: Path) -> None:
    """A generator made from a given seed is the same on every machine, so it is allowed."""
    path = tmp_path / "pure.py"
    path.write_text("import numpy as np\nfrom urllib.parse import quote\nnp.random.default_rng(7).normal()\n")
    assert _reaches(path) == []
