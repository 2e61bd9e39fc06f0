"""Streams whose drift is known: what estimates of performance can and cannot see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.assumption import Assumption


@dataclass(frozen=True, slots=True)
class World:
    """How drawn rows differ from the reference's.

    Attributes
    ----------
    shift: of the features, in standard deviations; ``base``: added to the log odds of the target for every row alike,
        which the model does not know; ``share``: of positives, to which rows are drawn anew, nothing else moving;
        ``turned``: the share of the features' effect that is lost (concept change).
    assume: what the estimator takes to move.
    """

    name: str
    shift: float = 0.0
    base: float = 0.0
    share: float | None = None
    turned: float = 0.0
    assume: Assumption = Assumption.COVARIATE_SHIFT


WORLDS = (
    World("nothing drifts"),
    World("covariate shift, 1 sd", shift=1.0),
    World("covariate shift, 2 sd", shift=-2.0),
    World("every row likelier, +0.7 log odds", base=0.7),
    World("label shift, 31 % to 50 %", share=0.5),
    World("the same, label shift assumed", share=0.5, assume=Assumption.LABEL_SHIFT),
    World("nothing drifts, label shift assumed", assume=Assumption.LABEL_SHIFT),
    World("covariate shift, 1 sd, label shift assumed", shift=1.0, assume=Assumption.LABEL_SHIFT),
    World("concept change, effect down 40 %", turned=0.4),
)


def drawn(world: World, rows: int, seed: int) -> pa.Table:
    """Return answers of a model that is too sure of itself and does not see all of the features."""
    generator = np.random.default_rng(seed)
    many = rows if world.share is None else 4 * rows
    seen, hidden = generator.normal(world.shift, 1, many), generator.normal(0, 1, many)
    odds = (1 - world.turned) * (seen + 0.5 * hidden) - 1 + world.base
    target = (generator.random(many) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    if world.share is not None:
        wanted = generator.random(rows) < world.share
        places = np.where(wanted, _anew(generator, target == 1, rows), _anew(generator, target == 0, rows))
        seen, target = seen[places], target[places]
    score = np.round(1 / (1 + np.exp(-1.6 * (seen - 1))), 4)
    predicted = (score >= 0.5).astype(np.int64)  # noqa: PLR2004 - the model's own cut
    return pa.table({"seen": seen, "target": target, "predicted": predicted, "score": score})


def _anew(generator: np.random.Generator, of: NDArray[np.bool_], rows: int) -> NDArray[np.intp]:
    return generator.choice(np.flatnonzero(of), rows)
