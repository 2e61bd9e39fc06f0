"""What commands share: their common options, how they read the config, and how they print."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.errors import Fault

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from monitor.config import Loaded

BROKEN_PIPE = 141
"""128 + SIGPIPE: as other programs end when nobody reads on; never 1, which means drift."""
_WIDE = 200


class LogFormat(StrEnum):
    """How logs, and faults, are written to stderr."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class OutputFormat(StrEnum):
    """How an answer is written to stdout."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of every command; a command finds them in ``context.obj``."""

    log_format: LogFormat = LogFormat.AUTO
    debug: bool = False


ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The config file.")]
DEFAULT_CONFIG = Path("config.yaml")
FormatOption = Annotated[OutputFormat, typer.Option("--format", help="For people or for programs.")]


def options(context: typer.Context) -> Options:
    """Return the options of every command, as they were given."""
    return context.obj if isinstance(context.obj, Options) else Options()


def read_config(path: Path, *, quiet: bool = False, windowed: bool = True) -> Loaded:
    """Read the config; its warnings go to stderr unless ``quiet``; ``windowed`` unless it is for two files alone.

    Raises
    ------
    ConfigError: with every fault of the file.
    """
    from monitor.config import load_config

    loaded = load_config(path, os.environ, windowed=windowed)
    if not quiet:
        show_faults(loaded.warnings)
    return loaded


def show_faults(faults: tuple[Fault, ...] | list[Fault], *, as_json: bool = False) -> None:
    """Write faults and warnings to stderr, one after the other."""
    for fault in faults:
        print(json.dumps(asdict(fault), ensure_ascii=False) if as_json else str(fault), file=sys.stderr)


def write(text: str) -> None:
    """Write an answer, or a part of it, to stdout; what is written is out."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "stdout")
    sys.stdout.write(text)
    sys.stdout.flush()


def write_json(body: Mapping[str, Any]) -> None:
    """Write one JSON object and a line end; a number that is no number is a fault of ours."""
    write(json.dumps(body, ensure_ascii=False, allow_nan=False) + "\n")


def console() -> Console:
    """Return where tables are printed; into a file or a pipe they are wide and plain."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, markup=False, emoji=False)


def table(title: str, *columns: str) -> Table:
    """Return an empty table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def show(*parts: Any) -> None:
    """Print tables and lines to stdout."""
    out = console()
    with out.capture() as capture:
        for part in parts:
            out.print(part)
    write(capture.get())


def plain(text: str) -> str:
    r"""Write what stands in the user's data so that a terminal shows it and obeys none of it.

    >>> plain("temp\x1b[2J")
    'temp\\x1b[2J'
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
