"""The joint scores of records: compiled from reference rows, then a pure function of a record's own columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pyarrow as pa

from monitor.bins import Floats
from monitor.derived import sample
from monitor.joint.blends import products, signed_halves
from monitor.joint.components import errors, residual_directions
from monitor.joint.exact import projected
from monitor.joint.fourier import features, frequencies
from monitor.joint.pairs import chosen_pairs
from monitor.joint.scores import QUANTA, Scorer, score_matrix
from monitor.joint.settings import JointSettings
from monitor.joint.taking_part import correlation_of, most_dependent, scorers_of
from monitor.profile import ColumnBins

SAMPLE_ROWS = 20_000
"""So many rows of the reference, spread evenly over it, tell its correlations to 0.01."""
_ROOTS_A_COLUMN = 2
"""A reference of n rows has at most sqrt(n) / 2 columns that take part: directions fitted to d columns flatter the
reference's own error by d/n of its spread, times about 1.6; the engine's margin is about 4 / sqrt(n)."""
_LEAST_COLUMNS = 2
_BLENDS, _WAVES = 4, 4
_BLENDS_FROM = 4
"""Of fewer columns all pairs are watched anyhow."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A compiled transform.

    Attributes
    ----------
    scorers: the columns that take part, d of them.
    pairs: by place among them.
    directions: all that a record's scores are projected on, whole numbers (d, k): those that reconstruction leaves
        out, ``left_out`` of them; then the halves of blends; then the frequencies of waves.
    phases: of the waves, float64 (waves,).
    """

    scorers: tuple[Scorer, ...]
    pairs: tuple[tuple[int, int], ...]
    directions: Floats = field(repr=False)
    left_out: int
    phases: Floats = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the joint scores, in order."""
        names = [scorer.name for scorer in self.scorers]
        number = (self.directions.shape[1] - self.left_out - len(self.phases)) // 2
        return (
            *(f"{names[a]}~{names[b]}" for a, b in self.pairs),
            "pca_error",
            *(f"blend{blend + 1}" for blend in range(number)),
            *(f"wave{wave + 1}" for wave in range(len(self.phases))),
        )

    @property
    def spec(self) -> tuple[object, ...]:
        """Return what was frozen, the numbers as a digest."""
        arrays = (*(scorer.table for scorer in self.scorers), self.directions, self.phases)
        return self.names, self.left_out, sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()

    def transform(self, rows: pa.Table) -> list[pa.Array]:
        """Return the joint scores of records in order of their names, computed for some records at a time."""
        starts = range(0, max(rows.num_rows, 1), SAMPLE_ROWS)
        parts = [list(self.columns(rows.slice(first, SAMPLE_ROWS))) for first in starts]
        return [pa.concat_arrays(column) for column in zip(*parts, strict=True)]

    def columns(self, rows: pa.Table) -> Iterator[pa.Array]:
        """Yield the joint scores of records in order of their names; float64, null where a pair lacks a value.

        In the rest a missing value counts as the reference's middle. All sums are of whole numbers below 2**53: exact,
        so that neither the order of additions nor other rows change a bit.
        """
        scores, known = score_matrix(self.scorers, rows)
        for a, b in self.pairs:
            yield pa.array(scores[:, a] * scores[:, b] / QUANTA**2, mask=~(known[:, a] & known[:, b]))
        projections = projected(scores, self.directions)
        yield pa.array(errors(projections[:, : self.left_out]))
        waves = self.directions.shape[1] - len(self.phases)
        for blend in products(projections[:, self.left_out : waves]).T:
            yield pa.array(blend / (QUANTA**2 * len(self.scorers)))
        for wave in features(projections[:, waves:] + self.phases).T:
            yield pa.array(wave)


def compile_joint(rows: pa.Table, columns: Sequence[ColumnBins], settings: JointSettings) -> Joint | None:
    """Freeze the joint scores of a reference; ``None`` with under two columns that take part, or too few rows.

    What is frozen is learnt from so many rows a column that what it fits by chance stays under what the engine
    allows for a reference of that size.

    Parameters
    ----------
    rows: the reference's columns by key, in its own order.
    columns: its columns with their bins.
    """
    places = sample(rows.num_rows, SAMPLE_ROWS)
    most = min(settings.columns, int(len(places) ** 0.5 / _ROOTS_A_COLUMN))
    if most < _LEAST_COLUMNS:
        return None
    learnt = rows.take(pa.array(places))
    scorers = scorers_of(learnt, columns)
    if len(scorers) < _LEAST_COLUMNS:
        return None
    scores, _ = score_matrix(scorers, learnt)
    chosen = most_dependent(correlation_of(scores), most)
    scores = np.ascontiguousarray(scores[:, chosen])
    correlation = correlation_of(scores)
    left_out = residual_directions(correlation)
    halves = signed_halves(len(chosen), _BLENDS if len(chosen) >= _BLENDS_FROM else 0)
    waves, phases = frequencies(scores, _WAVES)
    return Joint(
        tuple(scorers[place] for place in chosen),
        chosen_pairs(correlation, settings.pairs),
        np.concatenate((left_out, halves, waves), axis=1),
        left_out.shape[1],
        phases,
    )
