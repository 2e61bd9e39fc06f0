"""Estimators as JSON, number for number, so that a fitted one is kept beside its reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.calibrator import Calibrator
from monitor.performance.estimate.codes import Coder
from monitor.performance.estimate.isotonic import Curve
from monitor.performance.estimate.support import Support
from monitor.performance.estimate.taught import Taught
from monitor.performance.estimate.trees import Trees

Json = dict[str, Any]


def curve_to_json(curve: Curve) -> Json:
    """Return a curve as lists."""
    return {"at": curve.at.tolist(), "values": curve.values.tolist()}


def curve_from_json(kept: Json) -> Curve:
    """Return the curve that :func:`curve_to_json` wrote."""
    return Curve(np.array(kept["at"], np.float64), np.array(kept["values"], np.float64))


def calibrator_to_json(calibrator: Calibrator) -> Json | None:
    """Return a calibrator's curve, or ``None`` if it has none."""
    return None if calibrator.curve is None else curve_to_json(calibrator.curve)


def calibrator_from_json(kept: Json | None) -> Calibrator:
    """Return the calibrator that :func:`calibrator_to_json` wrote."""
    return Calibrator(None if kept is None else curve_from_json(kept))


def support_to_json(support: Support) -> Json:
    """Return a support as lists."""
    return {
        "ranges": {name: list(span) for name, span in support.ranges.items()},
        "levels": {name: list(levels) for name, levels in support.levels.items()},
        "scores": None if support.scores is None else list(support.scores),
    }


def support_from_json(kept: Json) -> Support:
    """Return the support that :func:`support_to_json` wrote."""
    return Support(
        {name: (low, high) for name, (low, high) in kept["ranges"].items()},
        {name: tuple(levels) for name, levels in kept["levels"].items()},
        None if kept["scores"] is None else (kept["scores"][0], kept["scores"][1]),
    )


def matrix_from_json(kept: list[list[float]] | None) -> tuple[tuple[float, ...], ...] | None:
    """Return what answers are worth as it was, if it was given."""
    return None if kept is None else tuple(tuple(row) for row in kept)


def taught_to_json(taught: Taught) -> Json:
    """Return what the reference knows as lists."""
    return {"edges": taught.edges.tolist(), "variances": taught.variances.tolist()}


def taught_from_json(kept: Json) -> Taught:
    """Return what :func:`taught_to_json` wrote."""
    return Taught(np.array(kept["edges"], np.float64), np.array(kept["variances"], np.float64))


def coder_to_json(coder: Coder) -> Json:
    """Return a coder as lists."""
    return {
        "names": list(coder.names),
        "cuts": {name: cuts.tolist() for name, cuts in coder.cuts.items()},
        "levels": {name: dict(levels) for name, levels in coder.levels.items()},
    }


def coder_from_json(kept: Json) -> Coder:
    """Return the coder that :func:`coder_to_json` wrote."""
    cuts = {name: np.array(each, np.float64) for name, each in kept["cuts"].items()}
    return Coder(tuple(kept["names"]), cuts, kept["levels"])


def trees_to_json(trees: Trees) -> Json:
    """Return trees as lists."""
    return {
        "bases": trees.bases.tolist(),
        "columns": trees.columns.tolist(),
        "cuts": trees.cuts.tolist(),
        "leaves": trees.leaves.tolist(),
    }


def trees_from_json(kept: Json) -> Trees:
    """Return the trees that :func:`trees_to_json` wrote."""
    columns, cuts = np.array(kept["columns"], np.intp), np.array(kept["cuts"], np.intp)
    return Trees(np.array(kept["bases"], np.float64), columns, cuts, np.array(kept["leaves"], np.float64))


def misses_to_json(misses: Mapping[str, Misses]) -> Json:
    """Return the misses of each metric as lists."""
    return {
        name: {"errors": each.errors.tolist(), "variances": each.variances.tolist()} for name, each in misses.items()
    }


def misses_from_json(kept: Json) -> dict[str, Misses]:
    """Return the misses that :func:`misses_to_json` wrote."""
    return {
        name: Misses(np.array(each["errors"], np.float64), np.array(each["variances"], np.float64))
        for name, each in kept.items()
    }
