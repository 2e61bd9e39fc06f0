"""What the gate of actions is told of a closed window: can its data be trusted, and is this the moment.

A change of the population also puts values out of their range or among unseen categories; such violations veto
nothing. What only a fault does, vetoes: values that are missing, not finite, of another type or one and the same, a
column that is gone, records that come twice or with impossible times, a broken rule between columns, and silence. So
does an alert whose diagnosis is sure of a fault: another unit, an exchange or other names, which no population has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.action import Facts
from monitor.alert import AlertState
from monitor.diagnosis import DATA_FAULT, SURE
from monitor.identity import digest_id
from monitor.instant import Instant, from_text, microseconds
from monitor.pipeline.concentrating import KIND as CONCENTRATION
from monitor.pipeline.model import Model, Raised, Version
from monitor.quality.words import RANKING

Json = dict[str, Any]
SWITCH = "actions.off"
"""While a file of this name lies in the directory of the state, no action is started."""
_CHANGES = frozenset({"range", "length", "unseen", "cardinality", "objective", "unusual", RANKING})
"""Causes of a quality alert that a change of the population has, too."""
_SILENCE = {"volume": "no_records", "targets": "no_targets"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A retraining that is asked for.

    Attributes
    ----------
    trigger: what asks: ``drift``, ``performance`` or ``age``.
    alert: the one that asks; ``None`` by age.
    window: of the version, as it closed last.
    persistent: whether what asks has held for long enough.
    """

    id: str
    trigger: str
    version: str
    window: Json
    alert: Json | None = None
    persistent: bool = True


def by_alert(alert: Json, window: Json, *, persistent: bool = True) -> Asked:
    """Return the retraining that an alert asks for; the same for all of its episode."""
    ident = digest_id("ac", alert["id"], "retrain")
    return Asked(ident, alert["name"], alert["version"], window, alert, persistent)


def facts_of(model: Model, asked: Asked, event: Instant) -> Facts:
    """Return what the gate is to know."""
    version, end = model.versions[asked.version], from_text(asked.window["end"])
    return Facts(
        targets=model.targets_between(version.since, event),
        suspended=is_suspended(model.plan.switch),
        settling=is_settling(model, version, end),
        data_fault=has_data_fault(model, version, asked.window) or is_sure_fault(asked.alert),
        persistent=asked.persistent,
        concentrated=asked.alert is not None and CONCENTRATION in _kinds(asked.alert),
    )


def is_suspended(switch: Path | None) -> bool:
    """Say whether an operator has stopped all actions; unsure is yes."""
    if switch is None:
        return False
    try:
        os.lstat(switch)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def is_settling(model: Model, version: Version, end: Instant) -> bool:
    """Say whether the window that ends then is the first of its version, or after what unsettled the model."""
    first = max(version.since, version.judged_from)
    return end - microseconds(model.plan.window.every) <= first or end <= model.settles_until


def has_data_fault(model: Model, version: Version, window: Json) -> bool:
    """Say whether a window shows a fault of its data, or an alert on one is firing."""
    if not window["rows"] or any(each["check"] not in _CHANGES for each in window["quality_violations"]):
        return True
    if any(name == "quality" and _kinds(body) - _CHANGES for name, body in _firing(version.raised)):
        return True
    own = {name for name, body in _firing(version.raised) if _SILENCE.get(name) in _kinds(body)}
    untold = (body for each in model.versions.values() for name, body in _firing(each.raised) if name == "targets")
    return bool(own) or any(_SILENCE["targets"] in _kinds(body) for body in untold)


def is_sure_fault(alert: Json | None) -> bool:
    """Say whether the diagnosis of an alert is sure of a fault of the data.

    One that was seen in the figures of a column alone, such as missing values, is not: the checks watch for those.
    """
    diagnosis: Json = (alert or {}).get("diagnosis") or {"class": None, "causes": []}
    is_sure = any(cause.get("confidence", 0.0) >= SURE for cause in diagnosis["causes"])
    return is_sure and bool(diagnosis["class"] == DATA_FAULT)


def _firing(raised: Mapping[tuple[str, str], Raised]) -> Sequence[tuple[str, Json]]:
    return [
        (name, each.body)
        for (name, _), each in raised.items()
        if each.alert.state is AlertState.FIRING and each.body is not None
    ]


def firing_ids(model: Model) -> set[str]:
    """Return the ids of the alerts that may ask for something."""
    found = set()
    for version in model.versions.values():
        found |= {version.alert.id} if version.alert.state is AlertState.FIRING else set()
        found |= {each.alert.id for each in version.raised.values() if each.alert.state is AlertState.FIRING}
    return {ident for ident in found if ident is not None}


def _kinds(alert: Json) -> set[str]:
    """Return the kinds of what an alert says it was caused by."""
    diagnosis = alert["diagnosis"]
    return set() if diagnosis is None else {cause["kind"] for cause in diagnosis["causes"]}
