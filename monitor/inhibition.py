"""Which alerts a fault of the data explains: whoever is told of the fault need not be told of what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from monitor.diagnosis import DATA_FAULT

Alert: TypeAlias = Mapping[str, Any]
_SOURCES, _EXPLAINED = frozenset({"quality", "drift"}), frozenset({"drift", "performance"})
_GRAVITY = ("info", "warning", "critical")


def explains(fault: Alert, alert: Alert) -> bool:
    """Say whether a firing alert tells of a fault of the data that explains another alert.

    It does if it is of the same model and version, and of the whole or of the same segment. A loss of performance is
    explained by any such fault. Drift is explained if its own diagnosis says that the data are at fault and they have
    a column in common, or if every column that drifts is named by the fault.
    """
    if fault["id"] == alert["id"] or alert["name"] not in _EXPLAINED or not _tells_of_a_fault(fault):
        return False
    near = fault["model"] == alert["model"] and fault["version"] == alert["version"]
    if not near or fault["segment"] not in (None, alert["segment"]):
        return False
    if alert["name"] == "performance":
        return True
    if fault["name"] == "drift" and fault["segment"] == alert["segment"]:
        return False
    return _shares_columns(fault, alert)


def _tells_of_a_fault(alert: Alert) -> bool:
    return alert["name"] in _SOURCES and alert["state"] == "firing" and _class(alert) == DATA_FAULT


def _class(alert: Alert) -> str | None:
    return (alert.get("diagnosis") or {}).get("class")


def _shares_columns(fault: Alert, alert: Alert) -> bool:
    broken, drifting = {*fault["columns"]}, {*alert["columns"]}
    if _class(alert) == DATA_FAULT:
        return not broken or bool(broken & drifting)
    return bool(drifting) and drifting <= broken


def is_graver(alert: Alert, than: Alert) -> bool:
    """Say whether an alert is graver than another: a page is not withheld for the sake of a hint in a chat."""
    return _GRAVITY.index(alert["severity"]) > _GRAVITY.index(than["severity"])
