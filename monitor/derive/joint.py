"""Scores of several columns at once (``monitor/joint``), as columns of the whole record named ``joint.…``."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.comparison import DriftSettings
from monitor.derived import Fitted, Ground, fitted, record_column
from monitor.joint.transform import compile_joint
from monitor.record import Kind

GROUP = "joint"


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the joint scores of a reference, if any of its columns can have some."""
    joint = compile_joint(ground.table, ground.columns, drift.joint)
    if joint is None:
        return
    columns = [record_column(GROUP, name, Kind.NUMERIC) for name in joint.names]
    yield fitted(columns, joint.transform, joint.spec, ground.table)
