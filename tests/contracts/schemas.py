"""JSON Schemas of everything that other programs read: built here once, for every test that meets such an object.

Every key is required, unknown is null, and no key may be added unseen: what stands here is a promise. ``faults`` says
what is wrong with an object, in words; what a schema cannot say of its numbers is checked there too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, validators

Schema: TypeAlias = dict[str, Any]
Json: TypeAlias = Mapping[str, Any]


def record(**properties: Schema) -> Schema:
    """Return an object with exactly these keys. A key that is a word of Python is written with ``_`` behind it."""
    named = {name.removesuffix("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": sorted(named), "additionalProperties": False}


def beside(schema: Schema, **properties: Schema) -> Schema:
    """Return an object that may have these keys too: beside what the contract shows."""
    return schema | {"properties": schema["properties"] | properties}


def counts(*names: str) -> Schema:
    """Return an object of counts by name: by these names, or by any."""
    return {"type": "object", "additionalProperties": COUNT, "propertyNames": {"enum": [*names]} if names else WORD}


def listed(schema: Schema, most: int | None = None) -> Schema:
    """Return a list of such things."""
    return {"type": "array", "items": schema} | ({} if most is None else {"maxItems": most})


def maybe(schema: Schema) -> Schema:
    """Return what may be unknown."""
    return {"anyOf": [schema, {"type": "null"}]}


def one(*words: str) -> Schema:
    """Return a choice of words."""
    return {"enum": [*words]}


def text(pattern: str) -> Schema:
    """Return a text of a pattern."""
    return {"type": "string", "pattern": pattern}


STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
RATIO: Schema = {"type": "number", "minimum": 0, "maximum": 1}
SECONDS: Schema = {"type": "number", "minimum": 0}
WORD = text(r"^[a-z][a-z0-9_]*$")
METHOD = text(r"^([a-z][a-z0-9_]*|evidently:[A-Za-z][A-Za-z0-9_]*)$")
NAME = text(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
INSTANT = text(r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.(?!000000)\d{6})?Z$")
SHA = text(r"^sha256:[0-9a-f]{12}$")
VERSION = text(r"^\d+\.\d+\.\d+\S*$")
ALERT_ID, ACTION_ID, MESSAGE_ID = (text(rf"^{prefix}_[a-z2-7]{{26}}$") for prefix in ("al", "ac", "evt"))
WINDOW_ID = text(r"^[a-z0-9-]{1,63}~([A-Za-z0-9_.-]|%[0-9A-F]{2})*~\d{8}T\d{6}Z~\d{8}T\d{6}Z$")
FORMAT: Schema = {"const": 1}

VERDICTS = ("stable", "drifted", "insufficient_data", "failed")
VERDICT = one(*VERDICTS)
TASK = one("binary", "multiclass", "regression", "ranking", "none")
ROLE = one("feature", "prediction", "score", "target", "attribution")
KIND = one("numeric", "categorical", "boolean", "datetime", "text", "identifier", "constant", "vector")
SEVERITY = one("info", "warning", "critical")
ALERTS = ("drift", "performance", "quality", "volume", "latency", "fairness", "targets", "monitor")
ALERT = one(*ALERTS)
ACTION = one("retrain", "rollback", "promote", "refresh_reference", "run", "none")
STATUSES = ("requested", "withheld", "awaiting_approval", "started", "succeeded", "failed")
STATUS = one(*STATUSES)
CLASS = one("population_change", "data_fault", "concept_change", "unclear")

SIDE = record(rows=COUNT, missing_ratio=maybe(RATIO), unseen_ratio=maybe(RATIO), mean=maybe(NUMBER), sd=maybe(NUMBER))
COLUMN = record(
    name=STRING,
    role=ROLE,
    kind=KIND,
    verdict=VERDICT,
    why=WORD,
    method=maybe(METHOD),
    distance=maybe(NUMBER),
    p_value=maybe(RATIO),
    threshold=maybe(NUMBER),
    effect=maybe(record(value=NUMBER, lower=maybe(NUMBER), upper=maybe(NUMBER), unit=one("sd", "ratio"))),
    share_of_drift=maybe(RATIO),
    began_at=maybe(INSTANT),
    reference=SIDE,
    current=SIDE,
)
CARRIED = listed(record(column=STRING, skill_lost=NUMBER))
"""The columns that carry a classifier's skill, beside its own column."""
TESTED = record(reference=COUNT, current=COUNT)
"""On how many values of each side a test of Evidently's is based."""
VIOLATION = record(column=maybe(STRING), check=WORD, value=maybe(NUMBER), lower=maybe(NUMBER), upper=maybe(NUMBER))
_ESTIMATE = record(value=NUMBER, lower=maybe(NUMBER), upper=maybe(NUMBER), rows=COUNT)
PERFORMANCE = beside(
    record(metric=WORD, reference=maybe(NUMBER), realised=maybe(_ESTIMATE), estimated=maybe(_ESTIMATE), final=BOOLEAN),
    why=maybe(WORD),
    estimate_why=maybe(WORD),
    past_error=maybe(record(mean=NUMBER, rms=NUMBER, windows=COUNT)),
)
DIFFERENCE = record(
    metric=WORD,
    column=STRING,
    value=maybe(NUMBER),
    lower=maybe(NUMBER),
    upper=maybe(NUMBER),
    highest=maybe(STRING),
    lowest=maybe(STRING),
    reference=maybe(NUMBER),
    rows=COUNT,
    left_out=COUNT,
    why=maybe(WORD),
)
_CAUSE = beside(
    record(kind=WORD, column=maybe(STRING), detail=STRING, factor=maybe(NUMBER)),
    confidence=maybe(RATIO),
)
DIAGNOSIS = beside(record(class_=CLASS, causes=listed(_CAUSE)), text=maybe(STRING))
REFERENCE = record(id=SHA, rows=COUNT)
FALSE_ALARMS = record(promised=NUMBER, expected=maybe(NUMBER), lower=maybe(NUMBER), upper=maybe(NUMBER))
_SEEN = maybe(SECONDS)

_AMOUNT = maybe(NUMBER)
_AMOUNTS = record(rows=COUNT, sum=_AMOUNT, mean=_AMOUNT, p50=_AMOUNT, p95=_AMOUNT, p99=_AMOUNT)
USUAL = record(
    source=maybe(one("reference", "stream")),
    calibrated=BOOLEAN,
    why=maybe(WORD),
    evidence=maybe(NUMBER),
    threshold=maybe(NUMBER),
    learnt_steps=COUNT,
    expected=maybe(NUMBER),
)
OBJECTIVE = record(
    objective=STRING,
    metric=STRING,
    value=maybe(NUMBER),
    lower=maybe(NUMBER),
    upper=maybe(NUMBER),
    broken=maybe(BOOLEAN),
    burn_rates=listed(record(over_seconds=SECONDS, rate=maybe(NUMBER))),
    budget_left_ratio=maybe(NUMBER),
)

_FIGURE = record(
    figure=one("loss", "estimate", "latency", "predictions"),
    of=maybe(STRING),
    verdict=one("better", "worse", "different", "no_difference_yet"),
    why=WORD,
    value=maybe(NUMBER),
    lower=maybe(NUMBER),
    upper=maybe(NUMBER),
    rows=COUNT,
    baseline_rows=COUNT,
    paired_rows=COUNT,
    blocks=COUNT,
    rows_needed=maybe(COUNT),
    smallest=maybe(NUMBER),
    rows_needed_for_smallest=maybe(COUNT),
)
COMPARED = record(
    baseline=STRING,
    verdict=one("better", "worse", "different", "no_difference_yet"),
    by=one("loss", "estimate", "predictions"),
    why=WORD,
    alpha=RATIO,
    figures=listed(_FIGURE),
)
ATTRIBUTIONS = record(
    ndcg=maybe(NUMBER),
    moved=listed(record(column=STRING, before=RATIO, now=RATIO, rank_before=COUNT, rank_now=COUNT)),
)

WINDOW = record(
    kind={"const": "window"},
    schema=FORMAT,
    id=WINDOW_ID,
    model=NAME,
    version=STRING,
    start=INSTANT,
    end=INSTANT,
    closed_at=INSTANT,
    rows=COUNT,
    verdict=VERDICT,
    why=WORD,
    calibrated=BOOLEAN,
    calibration_why=maybe(WORD),
    evidence=maybe(NUMBER),
    evidence_threshold=maybe(NUMBER),
    columns_judged=COUNT,
    columns_drifted=COUNT,
    columns=listed(beside(COLUMN, carried_by=CARRIED, tested_rows=TESTED)),
    quality_violations=listed(VIOLATION),
    performance=listed(PERFORMANCE),
    targets_coverage_ratio=maybe(RATIO),
    latency_seconds=maybe(record(p50=_SEEN, p95=_SEEN, p99=_SEEN)),
    segments=listed(
        beside(
            record(segment=STRING, rows=COUNT, verdict=VERDICT, columns_drifted=COUNT),
            why=WORD,
            calibrated=BOOLEAN,
            calibration_why=maybe(WORD),
            evidence=maybe(NUMBER),
            evidence_threshold=maybe(NUMBER),
            columns_judged=COUNT,
            drifted=listed(STRING),
            quality_violations=listed(VIOLATION),
            latency_seconds=record(p50=_SEEN, p95=_SEEN, p99=_SEEN),
        )
    ),
    reference=maybe(REFERENCE),
)
WINDOW = beside(
    WINDOW,
    errors_ratio=maybe(RATIO),
    resources={"type": "object", "additionalProperties": _AMOUNTS},
    freshness_seconds=_SEEN,
    objectives=listed(OBJECTIVE),
    fairness=listed(DIFFERENCE),
    usual={"type": "object", "additionalProperties": USUAL},
    unsegmented_rows=counts(),
    compared=maybe(COMPARED),
    attributions=maybe(ATTRIBUTIONS),
)
PERFORMANCE_LINE = beside(
    record(
        kind={"const": "performance"},
        schema=FORMAT,
        at=INSTANT,
        window=WINDOW_ID,
        targets_coverage_ratio=maybe(RATIO),
        performance=listed(PERFORMANCE),
    ),
    targets_unreadable_ratio=maybe(RATIO),
    targets_before_record_ratio=maybe(RATIO),
    scores_improper_ratio=maybe(RATIO),
    target_lag_seconds=record(p50=maybe(SECONDS), p95=maybe(SECONDS)),
    fairness=listed(DIFFERENCE),
    segments=listed(
        record(segment=STRING, rows=COUNT, targets_coverage_ratio=maybe(RATIO), performance=listed(PERFORMANCE))
    ),
)
ALERT_LINE = record(
    kind={"const": "alert"},
    schema=FORMAT,
    at=INSTANT,
    id=ALERT_ID,
    model=NAME,
    version=STRING,
    segment=maybe(STRING),
    name=ALERT,
    severity=SEVERITY,
    state=one("firing", "resolved"),
    reason=one("first_time", "changed", "resolved", "version_retired"),
    started_at=INSTANT,
    began_at=maybe(INSTANT),
    window=maybe(WINDOW_ID),
    columns=listed(STRING),
    diagnosis=maybe(DIAGNOSIS),
    action=maybe(record(id=ACTION_ID, kind=ACTION, status=STATUS, why=WORD)),
)
_REPLAYED = record(
    model=NAME,
    versions=listed(STRING),
    from_=maybe(INSTANT),
    to=maybe(INSTANT),
    records=COUNT,
    records_rejected=counts(),
    records_late=COUNT,
    windows=record(**dict.fromkeys(VERDICTS, COUNT)),
    alerts=counts(*ALERTS),
    actions=counts(*STATUSES),
    first_alert_at=maybe(INSTANT),
    calibrated=BOOLEAN,
    calibration_why=maybe(WORD),
    false_alarms_per_30d=FALSE_ALARMS,
)
_REALISED = record(
    drift_alerts=COUNT,
    seconds=SECONDS,
    before_injection=BOOLEAN,
    per_30d=maybe(NUMBER),
    lower=maybe(NUMBER),
    upper=maybe(NUMBER),
)
SUMMARY = record(
    kind={"const": "summary"},
    schema=FORMAT,
    answer=one("drift", "no_drift"),
    models=listed(beside(_REPLAYED, realised=_REALISED, comparisons=listed(beside(COMPARED, version=STRING)))),
    config_hash=SHA,
    driftline_version=VERSION,
    elapsed_seconds=SECONDS,
)
BACKTEST: dict[str, Schema] = {
    "window": WINDOW,
    "performance": PERFORMANCE_LINE,
    "alert": ALERT_LINE,
    "summary": SUMMARY,
}
"""The lines of ``backtest --format jsonl``, by their ``kind``."""

_FILE = record(path=STRING, rows=COUNT, id=SHA)
COMPARISON = beside(
    record(
        kind={"const": "comparison"},
        schema=FORMAT,
        verdict=VERDICT,
        alpha=RATIO,
        reference=_FILE,
        current=_FILE,
        columns_judged=COUNT,
        columns_drifted=COUNT,
        columns=listed(COLUMN),
        columns_missing=listed(STRING),
        columns_extra=listed(STRING),
        quality_violations=listed(VIOLATION),
        performance=listed(PERFORMANCE),
        elapsed_seconds=SECONDS,
    ),
    columns_renamed=listed(record(from_=STRING, to=STRING, distance=RATIO)),
)


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


_STRICT = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
)
"""A count is written as an integer, and no number is NaN or infinite."""


def faults(schema: Schema, body: Json | str | bytes) -> list[str]:
    """Return what is wrong with an object, given itself or as text; nothing, if it keeps the contract."""
    read: Json = json.loads(body) if isinstance(body, str | bytes) else body
    found = [f"{error.json_path}: {error.message}" for error in _STRICT(schema).iter_errors(read)]
    return found or _untrue(read)


def _untrue(body: Json) -> list[str]:
    """Return the sentences of the contract that an object's numbers do not bear out."""
    columns = body.get("columns", []) if body.get("kind") in {"window", "comparison"} else []
    found = [f"column {column['name']}: {fault}" for column in columns for fault in _untrue_of_column(column)]
    if columns != sorted(columns, key=lambda column: (-(column["share_of_drift"] or 0), column["name"])):
        found.append("columns are not ordered by share_of_drift falling, then name")
    drifted = sum(column["verdict"] == "drifted" for column in columns)
    if columns and body["columns_drifted"] != drifted:
        found.append(f"columns_drifted is {body['columns_drifted']}, and {drifted} columns are")
    if body.get("kind") == "window":
        found += _untrue_of_window(body)
    return found


def _untrue_of_column(column: Json) -> list[str]:
    judged = column["verdict"] in {"stable", "drifted"}
    if judged and (column["distance"] is None or column["threshold"] is None):
        return ["judged without a distance and a threshold"]
    if judged and (column["verdict"] == "drifted") != (column["distance"] >= column["threshold"]):
        return ["drifted is not exactly distance >= threshold"]
    return []


def _untrue_of_window(body: Json) -> list[str]:
    found = []
    over = body["evidence"] is not None and body["evidence"] >= body["evidence_threshold"]
    if body["verdict"] in {"stable", "drifted"} and (body["verdict"] == "drifted") != (
        over or body["why"] == "alert_firing"
    ):
        found.append("drifted is not exactly evidence >= evidence_threshold or a firing alert")
    if body["rows"] == 0 and body["verdict"] != "insufficient_data":
        found.append("a window of no records is insufficient_data")
    if body["calibrated"] != (body["calibration_why"] is None):
        found.append("calibration_why says why the promise does not hold, and nothing else")
    return found
