"""How alike the features rank by what they decide: the NDCG of a window's attributions, against the reference's steps.

A step of the reference is compared with all others, so that its figures are as far apart as a window's are. 1 - NDCG is
held to a t interval for one more step; a window may also lack twice what the worst step does, as rankings are skewed:
most steps lack nothing, and some have two columns exchanged. Amazon SageMaker Clarify takes a fixed 0.90 instead: see
:mod:`monitor.performance.attribution`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from monitor.performance.attribution import ndcg_of_ranking
from monitor.profile import Profile
from monitor.quality.check import NO_TIMESTAMPS, TOO_SHORT, Bounds, Expectation, Seen, Unchecked
from monitor.quality.sizes import Sizes, sizes_of
from monitor.quality.usual import LEAST_STEPS, Floats
from monitor.quality.words import RANKING
from monitor.reference import Reference

_PARTS = 10**9
"""What is lacking of an NDCG of 1 is counted in such parts."""
_ALIKE = 0.01
"""An NDCG of 0.99 never matters: columns of like weight have changed places."""
_SKEWED = 2.0
_LEAST_LEVEL = 1e-12


@dataclass(frozen=True, slots=True)
class AsRanked:
    """What the steps of a reference lack of an NDCG of 1: mean, deviation, number of steps, and the most."""

    mean: float
    deviation: float
    steps: int
    worst: float = field(repr=False)

    def value(self, seen: Seen) -> float:
        """Return the NDCG."""
        return 1 - seen.ratio

    def bounds(self, of: int, level: float) -> Bounds:  # noqa: ARG002 - steps of the reference are as large as windows
        """Return the least NDCG that is luck or does not matter."""
        far = -float(stdtrit(self.steps - 1, max(level, _LEAST_LEVEL)))
        luck = self.mean + far * self.deviation * float(np.sqrt(1 + 1 / self.steps))
        return Bounds(max(1 - max(luck, _SKEWED * self.worst, _ALIKE), 0.0), 1.0)

    def is_broken(self, seen: Seen, level: float) -> bool:
        """Say whether the columns rank less alike than is usual."""
        return self.value(seen) < self.bounds(seen.of, level).lower


def expect_ranking(reference: Reference) -> Iterator[tuple[str, Expectation | Unchecked]]:
    """Yield what is expected of the ranking; nothing where no attributions are logged."""
    sizes = sizes_of(reference)
    if sizes is None:
        return
    whole = sizes.of_cells([reference.profile.counts[span] for span in sizes.spans])
    if reference.steps is None or np.isnan(whole).any() or not whole.any():
        yield RANKING, NO_TIMESTAMPS if reference.steps is None else Unchecked("no_attributions")
        return
    lacking = _lacking(reference, sizes)
    if len(lacking) < LEAST_STEPS:
        yield RANKING, TOO_SHORT
        return
    allowed = AsRanked(float(lacking.mean()), float(lacking.std(ddof=1)), len(lacking), float(lacking.max()))
    yield RANKING, Expectation(None, RANKING, lambda profile: _count(sizes, whole, profile), allowed)


def _lacking(reference: Reference, sizes: Sizes) -> Floats:
    """Return what each step's ranking lacks of an NDCG of 1 against the others, (B,)."""
    names = [reference.names[place] for place in sizes.places]
    sums, rows = np.stack([sizes.summed(at, reference.fine[name]) for at, name in enumerate(names)], axis=-1)
    others = (sums.sum(axis=0) - sums) / np.maximum(rows.sum(axis=0) - rows, 1)
    own = sums / np.maximum(rows, 1)
    known = (rows > 0).all(axis=1) & others.any(axis=1)
    return np.array([1 - ndcg_of_ranking(*pair) for pair in zip(others[known], own[known], strict=True)])


def _count(sizes: Sizes, whole: Floats, profile: Profile) -> Seen:
    now = sizes.of_cells([profile.counts[span] for span in sizes.spans])
    if np.isnan(now).any():
        return Seen(0, 0)
    return Seen(round((1 - ndcg_of_ranking(whole, now)) * _PARTS), _PARTS)
