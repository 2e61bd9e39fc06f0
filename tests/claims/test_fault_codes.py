"""The table of codes in the docs, and the codes that the program gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TABLE = (PROJECT / "docs" / "reference" / "faults.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([EW]\d{3}) \| (.+) \| (.+) \|$", TABLE, flags=re.MULTILINE)
CODE = re.compile(r"[EW]\d{3}")


def given() -> dict[str, str]:
    """Return every code that stands as a text in the package, with a file that gives it."""
    found: dict[str, str] = {}
    for path in sorted((PROJECT / "monitor").rglob("*.py")):
        texts = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
        codes = [text for text in texts if isinstance(text, str) and CODE.fullmatch(text)]
        found |= dict.fromkeys(codes, str(path.relative_to(PROJECT)))
    return found


GIVEN = given()


@pytest.mark.parametrize(("code", "file"), GIVEN.items())
def test_every_code_is_explained(code: str, file: str) -> None:
    """A code that the program gives stands in the table."""
    assert code in {row[0] for row in ROWS}, file


@pytest.mark.parametrize("code", [row[0] for row in ROWS])
def test_every_row_is_of_a_code(code: str) -> None:
    """A code in the table is one that the program gives."""
    assert code in GIVEN


def test_every_code_is_explained_once_and_in_order() -> None:
    """No code has two rows, and within their kind they rise."""
    for letter in "EW":
        codes = [row[0] for row in ROWS if row[0].startswith(letter)]
        assert codes == sorted(set(codes))
