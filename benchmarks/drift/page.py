"""Writes the tables of the committed result into the docs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.drift.judged import PEERS, read
from benchmarks.drift.tables import bars, delays, rates
from benchmarks.harness import Row

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "bench.md"
_MARKED = re.compile(r"(?<=<!-- generated -->\n).*?(?=<!-- end of generated -->)", re.DOTALL)


def rendered(body: dict[str, Any], text: str) -> str:
    """Return the page with the tables of a result between its marks."""
    head = f"Engine `{body['engine']}`, sources `{body['sources']}`."
    parts = [
        head,
        "### The bars",
        markdown(bars(body)),
        "### Pages without drift",
        markdown(rates(body)),
        "### Steps until found: median, and share found",
        markdown(delays(body)),
        "### Beside the peers",
        markdown(read(PEERS)["rows"]),
    ]
    return _MARKED.sub(lambda _: "\n" + "\n\n".join(parts) + "\n\n", text)


def write(body: dict[str, Any], path: Path = PAGE) -> None:
    """Write the tables of a result into the page."""
    path.write_text(rendered(body, path.read_text("utf-8")), "utf-8")


def markdown(rows: Sequence[Row]) -> str:
    """Lay rows out as a table.

    >>> print(markdown([{"a": 1, "b": None}]))
    | a | b |
    |---|---|
    | 1 |  |
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [["" if row.get(key) is None else str(row[key]) for key in keys] for row in rows]
    lines = [keys, ["---"] * len(keys), *cells]
    texts = [" | ".join(line) for line in lines]
    return "\n".join(
        f"|{'|'.join(line)}|" if line[0] == "---" else f"| {text} |" for line, text in zip(lines, texts, strict=True)
    )
