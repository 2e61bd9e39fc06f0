"""``driftline compare``: two files, once; a gate for pipelines."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.common import plain, read_config, show, table, write, write_json

if TYPE_CHECKING:
    from monitor.frame import Taken

_CODES = {"stable": 0, "drifted": 1, "insufficient_data": 4, "failed": 4}
_LIMIT_BYTES = 4 * 2**30
_ID_DIGITS = 12
EXCHANGEABLE = (
    "rows are taken as exchangeable: where rows of one hour or one customer resemble each other, drift is found "
    "too easily"
)


class CompareFormat(StrEnum):
    """How a comparison is written to stdout."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


Reference = Annotated[Path, typer.Argument(help="Records of a time that was good: Parquet, CSV or JSONL.")]
Current = Annotated[Path, typer.Argument(help="The records to judge.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Whose columns, task and tolerances to take; none: defaults."),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model, if the config has several.")]
Alpha = Annotated[float, typer.Option(help="Chance, at most, that any column is called drifted although none drifts.")]
Classifier = Annotated[
    bool, typer.Option("--classifier", help="Have a classifier try to tell the files apart, by all columns together.")
]
FormatOption = Annotated[CompareFormat, typer.Option("--format", help="For people or for programs.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    reference: Reference,
    current: Current,
    config: Config = None,
    model: Model = None,
    alpha: Alpha = 0.01,
    classifier: Classifier = False,  # noqa: FBT002 - a flag of the command line
    format: FormatOption = CompareFormat.TABLE,
) -> None:
    """Compare two files, column by column. Ends with 0 if stable, 1 if drifted, 4 if no column could be judged."""
    begun = perf_counter()
    body = _compared(reference, current, replace(_how(config, model, alpha), classifier=classifier))
    body["elapsed_seconds"] = perf_counter() - begun
    notes = notes_on(body)
    if format is CompareFormat.JSON:
        write_json(body)
        print("\n".join(notes), file=sys.stderr)
    elif format is CompareFormat.HTML:
        from monitor.cli.pages import comparison_page

        write(comparison_page(body, notes, violated(body)))
    else:
        show(*tables(body), *notes)
    raise typer.Exit(_CODES[body["verdict"]])


def _how(config: Path | None, model: str | None, alpha: float) -> Taken:
    from monitor.frame import Taken

    if not 0 < alpha < 1:
        raise _fault("E103", "--alpha", "out of range; expected a chance between 0 and 1")
    if config is None:
        if model is not None:
            raise _fault("E115", "--model", "no config is given", "name one with -c")
        return Taken(alpha)
    models = {each.name: each for each in read_config(config, windowed=False).config.models}
    if model is None and len(models) > 1:
        raise _fault("E115", "--config", f"has {len(models)} models", f"name one: --model {next(iter(models))}")
    if model is not None and model not in models:
        raise _fault("E114", "--model", f"no model has this name; expected one of {', '.join(models)}")
    chosen = models[model] if model is not None else next(iter(models.values()))
    return Taken(alpha, chosen.columns, chosen.drift, chosen.task, quality=chosen.quality)


def _compared(reference: Path, current: Path, how: Taken) -> dict[str, Any]:
    from monitor.errors import PermanentError, ReferenceUnusable
    from monitor.frame import compare_tables
    from monitor.record_layout import ColumnUnknown
    from monitor.sources.tables import read_table
    from monitor.workers import WorkerFailed

    tables = {}
    for role, path in (("REFERENCE", reference), ("CURRENT", current)):
        try:
            tables[role] = read_table(path, limit_bytes=_LIMIT_BYTES)
        except ReferenceUnusable as error:
            raise _fault(error.code, role, error.message, error.hint or None) from None
    try:
        body = compare_tables(tables["REFERENCE"], tables["CURRENT"], how)
    except ReferenceUnusable as error:
        raise _fault(error.code, "REFERENCE", error.message, error.hint or None) from None
    except WorkerFailed as error:
        raise _fault("E192", "--config", error.message, error.hint or None) from None
    except PermanentError as error:
        code = "E166" if isinstance(error, ColumnUnknown) else "E167"
        raise _fault(code, "columns", error.message, error.hint or None) from None
    for key, path in (("reference", reference), ("current", current)):
        body[key] |= {"path": str(path), "id": _id(path)}
    return body


def _id(path: Path) -> str:
    """Return ``sha256:`` and the first digits of a file's hash, as ``sha256sum`` gives it."""
    from hashlib import file_digest

    with path.open("rb") as file:
        return f"sha256:{file_digest(file, 'sha256').hexdigest()[:_ID_DIGITS]}"


def _fault(code: str, path: str, message: str, hint: str | None = None) -> Exception:
    from monitor.errors import ConfigError, Fault

    return ConfigError([Fault(code, None, None, None, path, message, hint)])


def notes_on(body: dict[str, Any]) -> list[str]:
    """Return what a reader of a comparison must know."""
    from monitor.drift.by_evidently import is_evidentlys
    from monitor.quality.words import percent

    notes = [EXCHANGEABLE]
    if theirs := [each["name"] for each in body["columns"] if is_evidentlys(each["method"])]:
        notes.append(f"by a rule on a test of Evidently's, outside alpha: {plain(', '.join(theirs))}")
    notes += _carried(body)
    if not body["columns"]:
        notes.append("the two files have no column in common")
    elif not body["columns_judged"]:
        notes.append("no column could be judged: too few rows, no values, or kinds that are not compared")
    for key, where in (("columns_missing", "reference"), ("columns_extra", "current file")):
        if body[key]:
            notes.append(f"in the {where} only: {plain(', '.join(body[key]))}")
    notes += [
        f"{plain(each['from'])} is probably {plain(each['to'])} now: their values differ in {percent(each['distance'])}"
        for each in body["columns_renamed"]
    ]
    return notes


def _carried(body: dict[str, Any]) -> list[str]:
    """Return what the classifier's skill rests on, if it tells the files apart."""
    from monitor.frame.by_classifier import NAME

    if not any(each["name"] == NAME and each["verdict"] == "drifted" for each in body["columns"]):
        return []
    listed = ", ".join(f"{plain(each['column'])} {each['skill_lost']:.2g}" for each in body["classifier"]["carried_by"])
    return [f"the classifier would lose most of its skill without: {listed}"]


def violated(body: dict[str, Any]) -> list[str]:
    """Return what each violation of the data's quality says, with its column."""
    from monitor.quality.words import named

    return [plain(named(each)) for each in body["quality_violations"]]


def tables(body: dict[str, Any]) -> list[Any]:
    """Return a comparison as a table and lines."""
    from monitor.drift.by_evidently import is_evidentlys
    from monitor.web.shown import number, percent, span, words

    names = ("column", "kind", "verdict", "method", "distance", "threshold", "p", "effect", "missing", "mean", "why")
    columns = table("", *names)
    for each in body["columns"]:
        old, new = each["reference"], each["current"]
        effect = each["effect"]
        columns.add_row(
            plain(each["name"]),
            each["kind"],
            words(each["verdict"]),
            each["method"] if is_evidentlys(each["method"]) else words(each["method"]),
            number(each["distance"]),
            number(each["threshold"]),
            number(each["p_value"]),
            "" if effect is None else f"{number(effect['value'])} {effect['unit']}",
            f"{percent(old['missing_ratio'])} → {percent(new['missing_ratio'])}",
            "" if old["mean"] is None else f"{number(old['mean'])} → {number(new['mean'])}",
            words(each["why"]),
        )
    broken = [f"quality: {each}" for each in violated(body)]
    sides = [f"{key}: {plain(body[key]['path'])} ({body[key]['rows']} rows)" for key in ("reference", "current")]
    answer = f"{words(body['verdict'])}: {body['columns_drifted']} of {body['columns_judged']} judged columns drifted"
    return [*sides, columns, *broken, f"{answer} (alpha {body['alpha']:g}, {span(body['elapsed_seconds'])})"]
