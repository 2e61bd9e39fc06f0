from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import schemas, schemas_daemon

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))
SCHEMAS = {
    "webhook": schemas_daemon.WEBHOOK,
    "column": schemas.COLUMN,
    "violation": schemas.VIOLATION,
    "performance": schemas.PERFORMANCE,
    "window": schemas.WINDOW,
    "performance_line": schemas.PERFORMANCE_LINE,
    "alert_line": schemas.ALERT_LINE,
    "summary": schemas.SUMMARY,
    "comparison": schemas.COMPARISON,
    "demo": schemas_daemon.DEMO,
    "status": schemas_daemon.STATUS_REPORT,
    "check": schemas_daemon.CHECK,
}
BY_REASON = {"records_rejected", "rejected"}
"""Objects whose keys are data; so are ``alerts`` and ``actions`` of a summary."""


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key that must be there."""
    if isinstance(body, list):
        for index, each in enumerate(body):
            yield from places(each, (*path, index))
    elif isinstance(body, dict) and path[-1:] not in {(name,) for name in BY_REASON}:
        for key, each in body.items():
            is_count = path[-1:] in {("alerts",), ("actions",)}
            if not is_count:
                yield (*path, key)
            yield from places(each, (*path, key))


KEYS = [(name, path) for name, body in EXAMPLES.items() for path in places(body)]


def changed(name: str, path: tuple[Any, ...], value: Any = None, *, removed: bool = False) -> Any:
    """Return an example with one key removed, or with another value."""
    body = copy.deepcopy(EXAMPLES[name])
    holder = body
    for part in path[:-1]:
        holder = holder[part]
    if removed:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body


def test_every_schema_has_its_example() -> None:
    """An object that no example shows is not part of the contract."""
    assert EXAMPLES.keys() == SCHEMAS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_contract_s_own_example_keeps_it(name: str) -> None:
    """Every example of the contract validates."""
    assert schemas.faults(SCHEMAS[name], EXAMPLES[name]) == []


@pytest.mark.parametrize(("name", "path"), KEYS, ids=lambda part: part if isinstance(part, str) else None)
def test_every_key_shown_is_required(name: str, path: tuple[Any, ...]) -> None:
    """An object without any one of its keys breaks the contract."""
    assert schemas.faults(SCHEMAS[name], changed(name, path, removed=True))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_key_is_not_added_unseen(name: str) -> None:
    """A key that the contract does not show is refused in our own tests."""
    assert schemas.faults(SCHEMAS[name], {**EXAMPLES[name], "extra": 1})


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("window", "rows", 1180.0),
        ("window", "rows", True),
        ("window", "evidence", float("nan")),
        ("window", "evidence", float("inf")),
        ("window", "start", "2013-07-01T09:00:00+00:00"),
        ("window", "start", "2013-07-01T09:00:00.000000Z"),
        ("window", "start", "2013-07-01T09:00:00.5Z"),
        ("window", "id", "flight-delay~a b~20130701T090000Z~20130701T100000Z"),
        ("window", "verdict", "unknown"),
        ("window", "targets_coverage_ratio", 1.01),
        ("window", "why", "Evidence over threshold"),
        ("alert_line", "id", "al_4k2d7x3mzq6ph5tnwy2rvb6cj"),
        ("alert_line", "id", "al_0k2d7x3mzq6ph5tnwy2rvb6cja"),
        ("alert_line", "reason", "repeat_due"),
        ("summary", "answer", "stable"),
        ("summary", "config_hash", "sha256:51be07c2d9a"),
        ("column", "kind", "number"),
    ],
)
def test_a_wrong_value_is_refused(name: str, key: str, value: object) -> None:
    """Counts are integers, numbers finite, instants and ids written in one way, and words from their list."""
    assert schemas.faults(SCHEMAS[name], changed(name, (key,), value))


@pytest.mark.parametrize("start", ["2013-07-01T09:00:00Z", "2013-07-01T09:00:00.000001Z"])
def test_an_instant_has_microseconds_only_when_not_zero(start: str) -> None:
    """Both ways of writing an instant are taken, each where it belongs."""
    assert schemas.faults(schemas.WINDOW, changed("window", ("start",), start)) == []


def test_a_column_is_drifted_exactly_over_its_threshold() -> None:
    """A window whose column says drifted under its threshold is refused, although its form is right."""
    column = {**EXAMPLES["column"], "distance": 0.01}
    body = {**EXAMPLES["window"], "columns": [column], "columns_drifted": 1}
    assert schemas.faults(schemas.WINDOW, body) == ["column temp: drifted is not exactly distance >= threshold"]


def test_a_window_is_drifted_exactly_over_its_threshold() -> None:
    """A drifted window with evidence under the threshold needs a firing alert for its reason."""
    body = {**EXAMPLES["window"], "evidence": 1.0}
    assert schemas.faults(schemas.WINDOW, body)
    assert schemas.faults(schemas.WINDOW, body | {"why": "alert_firing"}) == []


def test_an_empty_window_is_never_fine() -> None:
    """A window of no records that is called stable is refused."""
    body = {**EXAMPLES["window"], "rows": 0, "verdict": "stable", "evidence": 1.0}
    assert "a window of no records is insufficient_data" in schemas.faults(schemas.WINDOW, body)


def test_columns_are_counted_and_ordered() -> None:
    """The count of drifted columns and the order of columns are held to what the columns say."""
    minor = {**EXAMPLES["column"], "name": "a", "share_of_drift": 0.1}
    body = {**EXAMPLES["window"], "columns": [minor, EXAMPLES["column"]], "columns_drifted": 1}
    assert schemas.faults(schemas.WINDOW, body) == [
        "columns are not ordered by share_of_drift falling, then name",
        "columns_drifted is 1, and 2 columns are",
    ]


def test_text_is_read_as_a_program_would() -> None:
    """A line of text is checked as the object that it is."""
    assert schemas.faults(schemas.SUMMARY, json.dumps(EXAMPLES["summary"])) == []
