"""How alike the groups of records are treated in each window, and the ``fairness`` alert.

It fires once the lower end of a difference's interval is over ``fairness.at_most`` in ``alerts.for`` windows in a row:
what chance does to so many rows is no alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from monitor.fairness.disparity import Disparity
from monitor.fairness.groups import Watch, disparities
from monitor.pipeline.model import Model
from monitor.pipeline.ruling import Finding
from monitor.scorer import Scorer

Json = dict[str, Any]
NAME = "fairness"


def fairness_bodies(scorer: Scorer, rows: pa.Table, targets: Sequence[str | None]) -> list[Json]:
    """Return what is measured between groups of a window's answers, by column and measure."""
    return [
        _body(watch, name, found)
        for watch in scorer.watches
        for name, found in disparities(scorer.answers, watch, rows, targets).items()
    ]


def _body(watch: Watch, name: str, found: Disparity) -> Json:
    return {
        "metric": name,
        "column": watch.column,
        "value": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "highest": found.highest,
        "lowest": found.lowest,
        "reference": watch.expected.get(name),
        "rows": found.rows,
        "left_out": len(found.left_out),
        "why": None if found.why is None else found.why.value,
    }


def fairness_finding(model: Model, bodies: Sequence[Json], window: Json | None) -> Finding:
    """Hold the differences of a window against what is allowed; unknown where none of them has a value.

    Parameters
    ----------
    window: what is told of, if it is not the one that closes now.
    """
    limits = model.plan.fairness.at_most
    held = [body for body in bodies if body["metric"] in limits and body["lower"] is not None]
    broken = [body for body in held if body["lower"] > limits[body["metric"]]]
    causes = [
        {"kind": "group_difference", "column": body["column"], "detail": _detail(body, limits), "factor": None}
        for body in broken
    ]
    columns = tuple(dict.fromkeys(body["column"] for body in broken))
    diagnosis = {"class": "unclear", "causes": causes}
    return Finding(NAME, bool(broken) if held else None, columns, diagnosis, window=window)


def _detail(body: Json, limits: Any) -> str:
    apart = f"{body['value']:.3g} ({body['lower']:.3g} to {body['upper']:.3g})"
    return f"{body['metric']}: two groups are {apart} apart; {limits[body['metric']]:g} is allowed"
