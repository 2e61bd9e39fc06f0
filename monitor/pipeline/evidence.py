"""The evidence of the engine and that of a classifier, as one: the promise is of both together.

Each of the two grows by at most one a step of its own, in the mean, while nothing drifts. So does their weighted mean,
with the classifier's counted in steps of the engine: it passes N no sooner than after N steps on average.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from monitor.instant import SECOND, Instant, to_text
from monitor.judge import Finding
from monitor.pipeline.model import Version
from monitor.pipeline.telling_apart import Apart
from monitor.record import Kind, Role
from monitor.verdict import Verdict, Why

Json = dict[str, Any]
NAME, METHOD = "joint.classifier", "classifier"
PART = 0.25
"""The classifier's weight in the evidence, where its ranks are some; the engine has the rest."""


def part_of(apart: Apart | None, every: Instant) -> float:
    """Return what a classifier adds to the evidence.

    Parameters
    ----------
    every: length of the engine's step in microseconds.
    """
    if apart is None or apart.ranks is None or apart.why is not None:
        return 0.0
    return PART * (apart.ground.every / every) * apart.ranks.total


def engine_weight(apart: Apart | None) -> float:
    """Return the engine's weight: 1 where no classifier has a part in the evidence."""
    return 1.0 if apart is None or apart.ranks is None or apart.why is not None else 1 - PART


def evidence_of(version: Version, every: Instant) -> float | None:
    """Return a version's whole evidence after its last step; ``None`` without an engine."""
    if version.memory is None or version.judge is None or version.judge.engine is None:
        return None
    return version.memory.evidence * engine_weight(version.apart) + part_of(version.apart, every)


def with_classifier(version: Version, finding: Finding, every: Instant) -> Finding:
    """Return what an engine's step showed with what a classifier showed."""
    apart, evidence = version.apart, evidence_of(version, every)
    if apart is None or evidence is None or version.memory is None or version.judge is None:
        return finding
    own, strong = part_of(apart, every), finding.threshold**0.5
    names = [version.judge.watched[index].column.name for index in version.judge.weighed]
    parts = dict(zip(names, version.memory.parts, strict=True))
    before = [name for name in finding.culprits if parts[name] * engine_weight(apart) >= own]
    after = [name for name in finding.culprits if name not in before and parts[name] >= strong]
    leads = own > 0 and not before
    culprits = (*before, *([NAME] if leads or own >= strong else []), *after)
    began = apart.since // every if leads and apart.since is not None else finding.began
    tolerated = finding.tolerated | {NAME} if apart.calm else finding.tolerated
    return replace(finding, evidence=evidence, culprits=culprits, began=began, tolerated=tolerated)


def with_its_column(version: Version, columns: list[Json], every: Instant) -> list[Json]:
    """Return the columns of a window with that of a classifier, the largest share of the drift first."""
    apart = version.apart
    if apart is None:
        return columns
    logs = 0.0 if version.memory is None else sum(math.log1p(part) for part in version.memory.parts)
    own = math.log1p(part_of(apart, every))
    if own > 0:
        scale = logs / (logs + own)
        for column in columns:
            column["share_of_drift"] = (column["share_of_drift"] or 0.0) * scale
    body = _column(apart) | {"share_of_drift": own / (logs + own) if logs + own > 0 else None}
    return sorted([*columns, body], key=lambda column: (-(column["share_of_drift"] or 0.0), column["name"]))


def _column(apart: Apart) -> Json:
    look = apart.look
    known = apart.ranks is not None and apart.ranks.total > 1 and part_of(apart, apart.ground.every) > 0
    since = apart.since // SECOND * SECOND if known and apart.since is not None else None
    return {
        "name": NAME,
        "role": Role.FEATURE.value,
        "kind": Kind.NUMERIC.value,
        **_verdict(apart),
        "method": METHOD,
        "distance": None if look is None or look.skill is None else max(look.skill, 0.0),
        "p_value": None if look is None else look.p_value,
        "effect": None,
        "share_of_drift": None,
        "began_at": None if since is None else to_text(since),
        "reference": _side(apart.ground.known.num_rows),
        "current": _side(0 if look is None else look.rows),
        "carried_by": [] if look is None else list(look.carried_by),
    }


def _verdict(apart: Apart) -> Json:
    look, why = apart.look, apart.why
    if look is not None and look.why is not None:
        few = look.why == Why.TOO_FEW_ROWS.value
        verdict = Verdict.INSUFFICIENT_DATA if few else Verdict.FAILED
        return {"verdict": verdict.value, "why": look.why, "threshold": None}
    if look is None or look.skill is None or why is not None:
        unknown = Why.STEP_NOT_OVER.value if why is None else why
        return {"verdict": Verdict.INSUFFICIENT_DATA.value, "why": unknown, "threshold": None}
    over = max(look.skill, 0.0) >= apart.threshold
    return {
        "verdict": (Verdict.DRIFTED if over else Verdict.STABLE).value,
        "why": (Why.DISTANCE_OVER_THRESHOLD if over else Why.DISTANCE_UNDER_THRESHOLD).value,
        "threshold": apart.threshold,
    }


def _side(rows: int) -> Json:
    return {"rows": rows, "missing_ratio": None, "unseen_ratio": None, "mean": None, "sd": None}
