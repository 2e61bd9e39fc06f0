"""Bars for what may take more than two seconds: on stderr, if that is a terminal, and gone when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LEARNING = "learning the reference"
_BAR_WIDTH = 30
Report = Callable[[float, str], None]
"""Is told which share is done, from 0 to 1, and in a few words how far that is."""


@contextmanager
def progress(*, shown: bool = True) -> Iterator[Report | None]:
    """Draw a bar that moves to and fro until it is told of a share; give ``None`` where nobody would see it."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(None, table_column=Column(ratio=1, max_width=_BAR_WIDTH)),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    # Else what is written to stdout meanwhile would be drawn on stderr, and miss the file or pipe it is meant for.
    drawn = Progress(*columns, console=Console(stderr=True), transient=True, expand=True, redirect_stdout=False)
    with drawn as bar:
        task = bar.add_task(LEARNING, total=None)

        def report(share: float, words: str) -> None:
            bar.update(task, total=1.0, completed=share, description=words)

        yield report
