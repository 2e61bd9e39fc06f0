"""Scores of several columns at once (``monitor/joint``), as columns of the whole record named ``joint.…``."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.comparison import DriftSettings
from monitor.derived import Derivation, Fitted, Ground, record_column
from monitor.joint.transform import compile_joint
from monitor.record import Kind

GROUP = "joint"


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the joint scores of a reference, if any of its columns can have some."""
    joint = compile_joint(ground.table, ground.columns, drift.joint)
    if joint is None:
        return
    columns = tuple(record_column(GROUP, name, Kind.NUMERIC) for name in joint.names)
    derivation = Derivation(columns, lambda rows: list(joint.columns(rows)), repr(joint.spec))
    yield Fitted(derivation, joint.reference_columns(ground.table))
