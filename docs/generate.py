# ruff: noqa: INP001 - a script, not a package
"""Writes the parts of the docs that the code knows better: commands, config, methods and metrics, and what is missing.

``python docs/generate.py`` writes them between the marks of docs/reference/ and the README; ``--check`` says which is
not as it would be written, and ends with code 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
MARKED = re.compile(r"(?<=<!-- generated -->\n).*?(?=<!-- end of generated -->)", re.DOTALL)
WIDTH = 100


def commands() -> str:
    """Return the help of every command, as it is printed."""
    return "\n".join(_shown(" ".join(["driftline", *command]), _help(*command)) for command in _below())


def _below(*command: str) -> Iterator[tuple[str, ...]]:
    """Yield a command, then those below it, in the order in which its help lists them."""
    yield command
    for name in re.findall(r"^  ([a-z]+)  ", _help(*command).partition("Commands:")[2], re.MULTILINE):
        yield from _below(*command, name)


def _help(*command: str) -> str:
    from typer.testing import CliRunner

    from monitor.cli import build

    runner, call = CliRunner(), [*command, "--help"]
    done = runner.invoke(build(), call, prog_name="driftline", terminal_width=WIDTH, max_content_width=WIDTH)
    return done.stdout


def _shown(title: str, text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return f"## {title}\n\n```text\n" + "\n".join(lines) + "\n```\n"


def metrics() -> str:
    """Return the table of the metrics that are declared."""
    from monitor.telemetry.declared import METRICS

    rows = [f"| `{metric.name}` | {metric.type} | {', '.join(_labels(metric))} | {metric.help} |" for metric in METRICS]
    return "\n".join(["", "| metric | type | labels | meaning |", "|---|---|---|---|", *rows, "", ""])


def _labels(metric: Any) -> list[str]:
    """Return the labels of a metric; that of a segment in brackets, as most series lack it."""
    return [*(f"`{label}`" for label in metric.labels), *(["(`segment`)"] if metric.by_segment else [])]


def config() -> str:
    """Return a section for each settings class, in the order in which a config is written."""
    from monitor.config.schema import config_schema

    schema = config_schema()
    return "\n".join(_section(path, definition) for path, definition in _sections("", schema, schema["$defs"]))


def _sections(path: str, schema: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a config with its path, an object before what is in it."""
    yield path, schema
    for key, declared in schema["properties"].items():
        if key.endswith("_file") and key.removesuffix("_file") in schema["properties"]:
            continue
        inside, name = _join(path, key), None
        for name in dict.fromkeys(re.findall(r"'#/\$defs/(\w+)'", str(declared))):
            below = known[name]
            many = "array" in str(declared.get("type")) or "additionalProperties" in declared
            kind = below["properties"].get("type", {})
            tag = kind.get("const") or ("a known service" if len(kind.get("enum", ())) > 1 else None)
            shown = f"{inside}[]" if many else inside
            yield from _sections(f"{shown} (type: {tag})" if tag else shown, below, known)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _section(path: str, definition: dict[str, Any]) -> str:
    about = re.sub(r"``([^`]+)``", r"`\1`", definition.get("description", ""))
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    required = set(definition.get("required", ()))
    either = {key for rule in definition.get("allOf", ()) for one in rule["anyOf"] for key in one["required"]}
    for key, declared in definition["properties"].items():
        default = "required" if key in required else "one of the two" if key in either else _default(declared)
        rows.append(f"| `{key}` | {_type(declared)} | {default} | {_cell(declared.get('description', ''))} |")
    title = f"## {path}" if path else "## The file"
    return f"{title}\n\n{about}\n\n" + "\n".join(rows) + "\n"


def _default(declared: dict[str, Any]) -> str:
    if "default" not in declared:
        return "none" if "additionalProperties" not in declared else "`{}`"
    value = declared["default"]
    if isinstance(value, dict):
        return "see below"
    return f"`{str(value).lower() if isinstance(value, bool) else 'null' if value is None else value}`"


def _type(declared: dict[str, Any]) -> str:
    text = _cell(" or ".join(dict.fromkeys(_types(declared))))
    low, high = declared.get("minimum"), declared.get("maximum")
    bounds = [f"from {low:,}" if low is not None else "", f"to {high:,}" if high is not None else ""]
    return " ".join([text, *filter(None, bounds)])


def _types(declared: dict[str, Any]) -> Iterator[str]:
    if "$ref" in declared:
        yield "a mapping"
    elif "oneOf" in declared or "anyOf" in declared:
        for one in declared.get("anyOf") or declared["oneOf"]:
            yield from _types({**one, "description": declared.get("description", "")})
    elif "enum" in declared:
        yield " · ".join(f"`{value}`" for value in declared["enum"])
    elif "const" in declared:
        yield f"`{declared['const']}`"
    elif "prefixItems" in declared:
        yield f"[{', '.join(' or '.join(_types(one)) for one in declared['prefixItems'])}]"
    elif declared.get("type") == "array":
        yield "list of " + " or ".join(dict.fromkeys(_types(declared["items"])))
    else:
        names = {"string": "text", "integer": "whole number", "object": "mapping", "boolean": "true or false"}
        yield names.get(declared.get("type", ""), declared.get("type", "anything"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def methods() -> str:
    """Return the table of the drift methods, each with the first sentence of its file."""
    from monitor.drift import METHODS
    from monitor.record import Kind

    rows = []
    for name, method in sorted(METHODS.items()):
        about = (sys.modules[method.distance.__module__].__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        columns = [
            *(["numbers"] if Kind.NUMERIC in method.kinds else []),
            *(["categories"] if Kind.CATEGORICAL in method.kinds else []),
        ]
        marks = ["yes" if mark else "no" for mark in (method.p_value is not None, method.missing)]
        rows.append(f"| `{name}` | {', '.join(columns)} | {' | '.join(marks)} | {about} |")
    head = ["", "| method | for | p-value | sees missing values | what it is |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", _by_evidently()])


def _by_evidently() -> str:
    """Return the table of Evidently's tests, which need the values themselves."""
    from monitor.drift.by_evidently import TESTS
    from monitor.record import Kind

    names = {Kind.NUMERIC: "numbers", Kind.CATEGORICAL: "categories", Kind.TEXT: "texts"}
    rows = [
        f"| `{name}` | {', '.join(word for kind, word in names.items() if kind in test.kinds)} | `{test.rule}` | "
        f"{'none' if test.native is None else f'`{test.native}`'} | {test.about} |"
        for name, test in TESTS.items()
    ]
    head = ["| Evidently's test | for | rule | the native like of it | what it is |", "|---|---|---|---|---|"]
    about = (
        "A fixed rule may be on one of these, which Evidently's own code computes in a child process: of "
        "[windows](../how-to/fixed-rules.md#by-one-of-evidentlys-tests), on the rows that are kept, and of "
        "[files](../how-to/compare-files.md#by-rules)."
    )
    return "\n".join(["", about, "", *head, *rows, "", ""])


def performance_metrics() -> str:
    """Return a table of the performance metrics for each task."""
    from monitor.performance.registry import DEFAULTS, METRICS

    parts = []
    for task, defaults in DEFAULTS.items():
        rows = [
            f"| `{metric.name}`{' *' if metric.name in defaults else ''} | {metric.about} | "
            f"{' and '.join(sorted(metric.needs))} | {metric.direction} | {metric.interval or 'none'} | "
            f"{_reasons(metric.undefined)} | {metric.source} |"
            for metric in METRICS.values()
            if task in metric.tasks
        ]
        head = "| metric | what it is | needs | better | interval | undefined | source |\n|---|---|---|---|---|---|---|"
        parts.append(f"## {task.capitalize()}\n\n" + "\n".join([head, *rows]))
    return "\n\n".join([*parts, "\\* what is computed where nobody names any."])


def fairness_measures() -> str:
    """Return the table of the fairness measures."""
    from monitor.fairness.registry import MEASURES

    rows = [
        f"| `{measure.name}` | {measure.about} | {' and '.join(sorted(measure.needs))} | {measure.direction} | "
        f"{measure.interval} | {_reasons(measure.undefined)} | {measure.source} |"
        for measure in MEASURES.values()
    ]
    head = "| measure | what it is | needs | better | interval | undefined | source |\n|---|---|---|---|---|---|---|"
    return "\n".join([head, *rows])


def missing() -> str:
    """Return the list of the settings that are spoken of and refused, since nothing does them yet."""
    from monitor.config.not_yet import KEYS

    return "\n".join(f"- `{key}`" for key in sorted(KEYS))


def _reasons(undefined: Iterable[str]) -> str:
    return " · ".join(f"`{why}`" for why in sorted(undefined)) or "none"


PAGES: dict[str, Callable[[], str]] = {
    "commands": commands,
    "config": config,
    "fairness-measures": fairness_measures,
    "methods": methods,
    "metrics": metrics,
    "performance-metrics": performance_metrics,
    "../../README": missing,
}


def written(page: str, generated: str) -> str:
    """Return a page with its generated part as it should be.

    Raises
    ------
    ValueError: the page has no marks.
    """
    text = (DOCS / "reference" / f"{page}.md").read_text("utf-8")
    if len(MARKED.findall(text)) != 1:
        raise ValueError(f"{page}.md needs the marks <!-- generated --> and <!-- end of generated --> once")
    return MARKED.sub(lambda _: f"\n{generated.strip()}\n\n", text)


def main(*, check: bool) -> int:
    """Write the pages, or only compare them; return the exit code."""
    stale = []
    for page, generate in PAGES.items():
        path = DOCS / "reference" / f"{page}.md"
        text = written(page, generate())
        if text != path.read_text("utf-8"):
            stale.append(page)
            if not check:
                path.write_text(text, "utf-8")
    if check and stale:
        sys.stderr.write(f"run python docs/generate.py: {', '.join(stale)} would be written anew\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))
    sys.exit(main(check="--check" in sys.argv[1:]))
