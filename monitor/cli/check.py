"""``driftline check``: validate a config and show the plan; nothing is started or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from monitor.cli.check_quality import quality_parts
from monitor.cli.check_service import service_parts
from monitor.cli.check_sources import source_parts
from monitor.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    FormatOption,
    OutputFormat,
    read_config,
    show,
    show_faults,
    table,
    write_json,
)

if TYPE_CHECKING:
    from monitor.errors import Fault

_FAULTY = 2
_EFFECTS_SHOWN = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = OutputFormat.TABLE) -> None:
    """Validate config, sources, references and receivers, and print the plan. Starts and sends nothing."""
    from monitor.app.check import check as look
    from monitor.app.check import check_of_faults
    from monitor.cli.progress import progress
    from monitor.errors import ConfigError

    try:
        with progress():
            body = look(read_config(config, quiet=True))
    except ConfigError as error:
        body = check_of_faults(error)
    if format is OutputFormat.JSON:
        write_json(body)
    else:
        show_faults([*_faults(body["faults"]), *_faults(body["warnings"])])
        show(*tables(body))
    if not body["valid"]:
        raise typer.Exit(_FAULTY)


def tables(body: dict[str, Any]) -> list[Any]:
    """Return the plan as tables and lines."""
    parts: list[Any] = [part for model in body["models"] for part in _model(model)]
    if body["receivers"]:
        receivers = table("receivers", "name", "kind", "address", "why")
        for each in body["receivers"]:
            receivers.add_row(each["name"], each["kind"], each["address"] or "", each["why"] or "ready")
        parts.append(receivers)
    if body["models"]:
        parts.append(
            f"memory at rest {_size(body['memory_bytes'])} · state at full retention {_size(body['state_bytes'])}"
            f" · {body['series']} series{_child(body['child_memory_bytes'])}"
        )
    parts.append("the config holds" if body["valid"] else f"{len(body['faults'])} faults")
    return parts


def _child(held: int) -> str:
    """Return what a child process holds beside the daemon."""
    return f" · while a child runs Evidently's tests, {_size(held)} more" if held else ""


def _model(model: dict[str, Any]) -> list[Any]:
    columns = table(
        f"model {model['name']} ({model['task']})",
        "column",
        "role",
        "kind",
        "method",
        "threshold",
        "weight",
        "floor",
        "found after",
        "",
    )
    for each in model["columns"]:
        columns.add_row(
            each["name"],
            each["role"],
            each["kind"],
            each["method"] or "",
            _number(each["threshold"]),
            _number(each["importance"]),
            *_findable(each["findable"]),
            _told(each),
        )
    reference = model["reference"]
    made = [_made_line(each) for each in model["made_references"]]
    lines = [
        *(made if reference is None and made else [_reference_line(reference), *made]),
        *_fitness_lines(reference),
        _window_line(model["window"]),
        _promise_line(model),
        *_outside_lines(model["columns"]),
        *_segment_lines(model["segments"]),
    ]
    earlier = [line for each in model["earlier_references"] for line in _earlier_lines(each)]
    sources = [part for source in model["sources"] for part in source_parts(source)]
    return [columns, *lines, *earlier, *sources, *quality_parts(model), *service_parts(model), ""]


def _earlier_lines(reference: dict[str, Any]) -> list[str]:
    """Return what there is to say of the reference of another version than the last."""
    from monitor.calibration.cures import cure

    why = reference["calibration_why"]
    promise = [] if why is None else [f"not calibrated ({why}), so that nothing is promised; {cure(why)}"]
    lines = [_reference_line(reference), *_fitness_lines(reference), *promise]
    return [f"version {reference['version']}: {line}" for line in lines]


def _told(column: dict[str, Any]) -> str:
    """Return what is odd about a column."""
    if column["why"] is None:
        return ""
    return "fixed rule: outside the promise" if column["watched"] else f"not watched: {column['why']}"


def _reference_line(reference: dict[str, Any] | None) -> str:
    if reference is None:
        return "reference: none that can be used"
    span = f", {reference['from']} to {reference['to']}" if reference["from"] else ", without timestamps"
    return f"reference: {reference['path'] or 'rows of the log'} ({reference['rows']} rows{span})"


def _made_line(made: dict[str, Any]) -> str:
    """Return what will become the reference of a version, or of each."""
    whose = "each version" if made["version"] is None else f"version {made['version']}"
    if made["kind"] != "rows":
        return _followed_line(whose, made)
    return (
        f"reference of {whose}: its first {made['rows']} rows, frozen at the end of the window by which there are as "
        "many; which columns it has is known then, and the windows after it are judged"
    )


def _followed_line(whose: str, made: dict[str, Any]) -> str:
    """Return what becomes, ever anew, of a reference that follows the stream."""
    from datetime import timedelta

    from monitor.settings import duration_text

    length, renew = (duration_text(timedelta(seconds=made[key])) for key in ("length_seconds", "renew_seconds"))
    return (
        f"reference of {whose}: its last {length}, at most {made['rows']} rows, made anew every {renew} while no alert "
        f"speaks against it; a change slower than that is learnt, and not paged"
    )


def _findable(body: dict[str, Any] | None) -> tuple[str, str]:
    """Return the least effect that is ever paged, and about how many steps the first larger ones take."""
    if body is None or body["floor"] is None:
        return "", ""
    unit = "sd" if body["unit"] == "sd" else "of rows"
    known = [each for each in body["steps"] if each["steps"] is not None]
    found = ", ".join(f"{each['effect']:g} in {each['steps']}" for each in known[:_EFFECTS_SHOWN])
    return f"{_number(body['floor'])} {unit}", f"{found} steps" if found else "never"


def _fitness_lines(reference: dict[str, Any] | None) -> list[str]:
    """Return what a reference is worth, and what would make it fitter."""
    fitness = None if reference is None else reference["fitness"]
    if reference is None:
        return []
    lines = [f"advice: {each}" for each in reference["advice"]]
    if fitness is None:
        return lines
    cycles = "" if reference["cycles"] is None else f", {reference['cycles']:g} cycles of its season"
    told = (
        f"fitness: {fitness['steps']} steps of about {fitness['rows_a_step']:.0f} rows{cycles}; worth about "
        f"{fitness['spells']:.0f} independent ones; {fitness['wobbling_ratio']:.0%} of channels wobble, "
        f"with an autocorrelation of {fitness['autocorrelation']:.2f}"
    )
    return [told, *lines]


def _window_line(window: dict[str, Any]) -> str:
    from datetime import timedelta

    from monitor.settings import duration_text

    length, every, late = (
        duration_text(timedelta(seconds=window[key])) for key in ("length_seconds", "every_seconds", "lateness_seconds")
    )
    return f"window: {length} every {every}, closed {late} late, judged from {window['min_rows']} rows"


def _promise_line(model: dict[str, Any]) -> str:
    from monitor.calibration.cures import cure

    figures = model["false_alarms_per_30d"]
    if not model["calibrated"]:
        why = model["calibration_why"]
        return f"false alarms: not calibrated ({why}), so that nothing is promised; {cure(why)}"
    expected = "" if figures["expected"] is None else f", {_number(figures['expected'])} expected"
    return f"false alarms: at most {_number(figures['promised'])} in 30 days promised{expected}"


def _outside_lines(columns: list[dict[str, Any]]) -> list[str]:
    """Return which columns the promise excludes, each with its method, and which are judged by a child process."""
    ruled = [f"{each['name']} ({each['method']})" for each in columns if each["why"] == "fixed_rule"]
    return [f"outside that promise, each under its own rule: {', '.join(ruled)}"] if ruled else []


def _segment_lines(segments: list[dict[str, Any]]) -> list[str]:
    """Return which segments are judged, and which are not and why."""
    if not segments:
        return []
    named = [f"{each['segment']} ({each['rows']} rows)" for each in segments if each["calibrated"]]
    dumb = [f"{each['segment']} ({each['calibration_why']})" for each in segments if not each["calibrated"]]
    lines = [f"segments, which share half of the promise: {', '.join(named)}"] if named else []
    return [*lines, *([f"segments that page nobody: {', '.join(dumb)}"] if dumb else [])]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _size(value: int) -> str:
    return f"{value / 2**20:.0f} MiB"


def _faults(bodies: list[dict[str, Any]]) -> list[Fault]:
    from monitor.errors import Fault

    return [Fault(**body) for body in bodies]
