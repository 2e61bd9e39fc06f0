"""The search for where a drift or a loss is, once an alert of all rows fires: the segment, or the mix of them.

Candidates are the segments of all columns and pairs that the config names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monitor.bins import NumericBins
from monitor.comparison import Side, histogram_of, sides_of
from monitor.concentration import Change, Concentration, Moments, concentrated, share_moments
from monitor.diagnosis.words import SEGMENT_MIX
from monitor.instant import from_text
from monitor.judge import Judge
from monitor.pipeline.model import Model
from monitor.pipeline.profiles import stretch_profile
from monitor.profile import Binning, Profile
from monitor.reference import Reference
from monitor.scorer import Scorer
from monitor.segment_mix import mixed

Json = dict[str, Any]
KIND = "concentration"
_MOST_COLUMNS = 5


def drift_causes(model: Model, name: str, window: Json, culprits: Sequence[str]) -> list[Json]:
    """Return for each of the first culprits in which segment its drift is concentrated, or what mix explains it."""
    judge = model.versions[name].judge
    if judge is None or not judge.parts:
        return []
    span = from_text(window["start"]), from_text(window["end"])
    binning = judge.reference.binning
    whole = stretch_profile(model, name, binning, span)
    places = {watched.column.name: place for place, watched in enumerate(binning.columns)}
    now = {label: stretch_profile(model, name, binning, span, label) for label in judge.segments}
    asked = [column for column in culprits if column in places][:_MOST_COLUMNS]
    causes: list[Json] = []
    for column in asked:
        causes += _of_column(judge, places[column], whole, now, len(asked))
    return causes


def _of_column(judge: Judge, place: int, whole: Profile, now: dict[str, Profile], asked: int) -> list[Json]:
    """Return where the drift of a column is concentrated, or else the mix of segments that explains it."""
    binning = judge.reference.binning
    name, numeric = binning.columns[place].column.name, isinstance(binning.columns[place].bins, NumericBins)
    cell = None if numeric else _most_changed(judge.reference.profile, whole, binning, place)
    both = _change(judge.reference, whole, binning, place, cell)
    parts = {
        part.cut.name: {
            label: change
            for label, own in part.labelled
            if own is not None and (change := _change(own.reference, now[label], binning, place, cell)) is not None
        }
        for part in judge.parts
        if name not in part.cut.columns
    }
    if both is None:
        return []
    found = concentrated(both, {label: each for part in parts.values() for label, each in part.items()}, asked)
    if found is not None:
        return [_cause(name, found)]
    mixes = [mix for cut, part in parts.items() if (mix := mixed(cut, both, part, asked * len(parts))) is not None]
    best = max(mixes, key=lambda each: each.explained if not each.against else 1.0, default=None)
    if best is None:
        return []
    return [{"kind": SEGMENT_MIX, "column": name, "detail": best.words, "factor": best.explained}]


def _change(before: Reference, now: Profile, binning: Binning, place: int, cell: int | None) -> Change | None:
    """Return how a column's mean changed, or the share of one of its cells."""
    return _shift(before, now, binning, place) if cell is None else _share(before.profile, now, binning, place, cell)


def _shift(before: Reference, now: Profile, binning: Binning, place: int) -> Change | None:
    old, new = _numbers(sides_of(before.profile, binning)[place]), _numbers(sides_of(now, binning)[place])
    return None if old is None or new is None else (old, new)


def _numbers(side: Side) -> Moments | None:
    if side.mean is None or side.sd is None:
        return None
    return Moments(side.values, side.mean, side.sd**2)


def _most_changed(before: Profile, now: Profile, binning: Binning, place: int) -> int:
    """Return the category whose share changed most, the missing values among them."""
    old, new = (histogram_of(each, binning, place).with_missing() for each in (before, now))
    return int(np.argmax(np.abs(new / max(int(new.sum()), 1) - old / max(int(old.sum()), 1))))


def _share(before: Profile, now: Profile, binning: Binning, place: int, cell: int) -> Change:
    counts = [histogram_of(each, binning, place).with_missing() for each in (before, now)]
    old, new = (share_moments(float(each[cell]), float(each.sum())) for each in counts)
    return old, new


def loss_causes(scorer: Scorer, lost: tuple[float, int], parts: Mapping[str, tuple[float, int]]) -> list[Json]:
    """Return in which segment the loss of a stretch is concentrated, where it is in one.

    Parameters
    ----------
    lost: the losses of its rows in sum, and of how many; ``parts``: the same of each segment.
    """
    whole = share_moments(*scorer.lost), share_moments(*lost)
    changes = {
        label: (share_moments(*scorer.parts[label].lost), share_moments(*part))
        for label, part in parts.items()
        if label in scorer.parts
    }
    found = concentrated(whole, changes) if changes else None
    return [] if found is None else [_cause(None, found)]


def _cause(column: str | None, found: Concentration) -> Json:
    return {"kind": KIND, "column": column, "detail": found.words, "factor": found.change_ratio}
