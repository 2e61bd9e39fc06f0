"""``driftline init``: write a config from what a reference file tells."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.common import write

if TYPE_CHECKING:
    from monitor.app.infer import Inferred

_LOGS, _TARGETS = "logs/*.jsonl", "targets/*.jsonl"


class Task(StrEnum):
    """What a model answers."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    RANKING = "ranking"
    MULTILABEL = "multilabel"
    NONE = "none"


Reference = Annotated[Path, typer.Argument(help="Records of a time that was good: Parquet, CSV or JSONL.")]
Records = Annotated[
    str, typer.Option("--records", metavar="PATTERN", help="Where the model logs its inferences: files, or an address.")
]
Targets = Annotated[str | None, typer.Option("--targets", metavar="PATTERN", help="Where the true outcomes come.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write; stdout if none.")
]
Name = Annotated[str | None, typer.Option("--name", help="The model's name; from the file's name if none.")]
TaskOption = Annotated[Task | None, typer.Option("--task", help="What the model answers; told from the file if none.")]


Constraints = Annotated[
    Path | None,
    typer.Option("--constraints", metavar="FILE", help="SageMaker's constraints.json, to be expected of the data."),
]
_NATIVE = {
    "timestamp": "timestamp",
    "id": "request_id",
    "version": "model_version",
    "prediction": "prediction",
    "score": "score",
    "target": "target",
    "latency": "latency_ms",
}


def _column(role: str) -> Any:
    return typer.Option(f"--{role}", metavar="COL", help=f"The column of the {role}; told by its name if none.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(  # noqa: PLR0913, PLR0917 - one argument an option
    reference: Reference,
    records: Records = _LOGS,
    targets: Targets = None,
    output: Output = None,
    name: Name = None,
    task: TaskOption = None,
    prediction: Annotated[str | None, _column("prediction")] = None,
    target: Annotated[str | None, _column("target")] = None,
    score: Annotated[str | None, _column("score")] = None,
    timestamp: Annotated[str | None, _column("timestamp")] = None,
    id: Annotated[str | None, _column("id")] = None,
    version: Annotated[str | None, _column("version")] = None,
    constraints: Constraints = None,
) -> None:
    """Write a commented config, inferred from a reference file; to stdout, or to a new file."""
    from monitor.app.config_text import config_text
    from monitor.app.infer import features_of, infer
    from monitor.app.recognised import pointed_at, recognised
    from monitor.config import load_text
    from monitor.sources.tables import read_table

    given = {"prediction": prediction, "target": target, "score": score, "timestamp": timestamp}
    rows = read_table(reference)
    found = infer(rows, given | {"id": id, "version": version}, task)
    folder = output.parent if output is not None else Path()
    named, answers = features_of(rows, found.columns), [found.columns[role] for role in ("prediction", "score")]
    logged = recognised(pointed_at(records, "--records"), folder, named, [name for name in answers if name])
    sections = _sections(found, logged) | _expectations(constraints, named)
    model = {
        "name": name or model_name(reference),
        "task": found.task,
        "records": logged,
        "reference": {"path": os.path.relpath(reference, folder)},
    }
    if targets is not None:
        model["targets"] = recognised(pointed_at(targets, "--targets"), folder, (), ())
    text = config_text(f"Driftline's config, told from {reference.name}.", model, sections)
    load_text(text, output or Path("config.yaml"), {})  # a name that was given may be none
    _save(text, output)
    _say(found, output)
    _say_format(found, logged)


def model_name(reference: Path) -> str:
    """Return a model's name from its reference's: lower-case letters, digits and hyphens.

    >>> model_name(Path("data/Flight Delay_2013.reference.parquet"))
    'flight-delay-2013'
    """
    stem = reference.name.split(".")[0].lower().removesuffix("reference") or "model"
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:63].strip("-") or "model"


def _expectations(constraints: Path | None, features: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what another product's constraints expect of the data."""
    from monitor.app.constraints import read_constraints
    from monitor.cli.common import plain

    if constraints is None:
        return {}
    expected = read_constraints(constraints, [name.removeprefix("inputs.") for name in features])
    if expected.unknown:
        print(f"constraints of no column of the reference: {plain(', '.join(expected.unknown))}", file=sys.stderr)
    return {"quality": {"columns": expected.columns}}


def _sections(found: Inferred, logged: dict[str, Any]) -> dict[str, dict[str, Any]]:
    from monitor.record_layout import ColumnsSettings

    default = ColumnsSettings().model_dump()
    columns = {role: name for role, name in found.columns.items() if role in found.found and name != default[role]}
    if "format" in logged:  # the names of the records that are made of such a log are Driftline's own
        outputs = logged.get("events", {}).get("outputs", ())
        columns = {role: name for role, name in columns.items() if name in outputs}
    length = {} if found.length is None else {"length": found.length, "every": found.length}
    return {"columns": columns, "window": length | ({} if found.min_rows is None else {"min_rows": found.min_rows})}


def _save(text: str, output: Path | None) -> None:
    from monitor.errors import ConfigError, Fault

    if output is None:
        write(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fault = Fault("E118", str(output), None, None, "--output", "the file is there already", "name a new file")
        raise ConfigError([fault]) from None
    except OSError as error:
        raise ConfigError([Fault("E118", str(output), None, None, "--output", f"{error.strerror}")]) from None


def _say_format(found: Inferred, logged: dict[str, Any]) -> None:
    """Tell in which format the records are, and which columns of the reference have other names than they."""
    from monitor.cli.common import plain

    if "format" not in logged:
        return
    print(f"records: as {logged['format']} logs them", file=sys.stderr)
    outputs = logged.get("events", {}).get("outputs", ())
    renamed = [
        f"{name} to {_NATIVE[role]}"
        for role, name in found.columns.items()
        if role in found.found and name is not None and name not in {_NATIVE[role], *outputs}
    ]
    if renamed:
        print(f"rename in the reference: {plain(', '.join(renamed))}", file=sys.stderr)


def _say(found: Inferred, output: Path | None) -> None:
    """Tell on stderr what was found, and what comes next."""
    roles = ", ".join(f"{role}: {found.columns[role]}" for role in found.columns if role in found.found)
    print(f"task: {found.task}; {roles or 'no column told its role'}", file=sys.stderr)
    if found.rows_a_window is None:
        print("without event times in the reference nothing can be promised: name them by --timestamp", file=sys.stderr)
    print(f"next: driftline check -c {output or 'config.yaml'}", file=sys.stderr)
