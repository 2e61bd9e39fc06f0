"""The committed result: whose it is, and whether it is still the engine's."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from monitor import calibration
from monitor.calibration.engine import ENGINE

JUDGED = Path(__file__).with_name("judged.json")
PEERS = Path(__file__).with_name("peers.json")
"""What the peers said, in another run: see :mod:`benchmarks.drift.peers`."""
SOURCES = ("arrays", "channels", "season", "wobble", "inflation", "null", "evidence", "replay", "gates", "engine")


def fingerprint() -> str:
    """Return 12 hex digits of what the engine's files do: comments and docstrings do not count."""
    digest = hashlib.sha256()
    folder = Path(str(calibration.__file__)).parent
    for name in SOURCES:
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
        digest.update(ast.unparse(tree).encode())
    return digest.hexdigest()[:12]


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def engine_name() -> str:
    """Return the engine's version."""
    return ENGINE.decode()


def read(path: Path = JUDGED) -> dict[str, Any]:
    """Return the committed result."""
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return body


def staleness(body: dict[str, Any]) -> str | None:
    """Say why a result is not this engine's, or ``None`` if it is."""
    if body["engine"] != engine_name():
        return f"stale: judged was {body['engine']}, the engine is {engine_name()}"
    if body["sources"] != fingerprint():
        return f"stale: the engine's sources have changed since {body['sources']}, they are {fingerprint()}"
    return None
