"""Vectors of numbers, such as embeddings: projections, length, and direction.

A change of many numbers at once shows in few projections: in the leading principal directions of the reference, where
what varies there is, and in directions drawn blindly, where anything may be (Johnson & Lindenstrauss 1984). ``norm`` is
the Euclidean length, ``cosine`` the cosine to the mean of the reference.

All is computed in whole numbers: entries are cut to so many bits that no sum can reach 2**53, so that a projection is
exact in whatever order a processor adds it up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.comparison import DriftSettings
from monitor.derive.directions import leading, signs
from monitor.derived import Derivation, Fitted, Ground, Values, facet, read_as, sample
from monitor.record import Column, Kind

PROJECTIONS = 4
"""Principal directions, and as many blind ones."""
MOST_ROWS = 4096
"""Rows that are learnt from."""
_ENTRIES_AT_ONCE = 2**21
_ALIKE = 0.99
"""A column of vectors is watched if so many of them have one length."""
_SCALE_SHARE = 0.999
_HEADROOM = 16.0
"""Entries are cut off so many times beyond all but 0.1 % of the reference's."""
_EXACT_BITS = 52


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was learnt of a column of vectors of length D.

    Attributes
    ----------
    unit: entries are counted in it; a power of two.
    bits: entries and weights stay within 2**bits.
    weights: whole numbers (D, K): the mean, the principal directions, the blind ones.
    scales: what one of each projection is worth, (K,); powers of two.
    mean_norm: the length of the mean, in whole units.
    """

    key: str
    length: int
    unit: float
    bits: int
    weights: Floats = field(repr=False)
    scales: Floats = field(repr=False)
    mean_norm: float

    def __call__(self, table: pa.Table) -> Values:
        """Return the facets of rows; null where a vector is missing, of another length, or not all finite."""
        array = read_as(table, self.key, is_numbers, pa.list_(pa.float64()))
        found, good = np.zeros((len(array), self.weights.shape[1] + 1)), np.zeros(len(array), np.bool_)
        at_once = max(_ENTRIES_AT_ONCE // self.length, 1)
        for start in range(0, len(array), at_once):
            part = slice(start, start + at_once)
            matrix, good[part] = matrix_of(array.slice(start, at_once), self.length)
            whole = quantised(matrix, self.unit, self.bits)
            found[part][good[part]] = np.column_stack((whole @ self.weights, (whole * whole).sum(axis=1)))
        return self._facets(found, good)

    def _facets(self, found: Floats, good: NDArray[np.bool_]) -> Values:
        norm = np.sqrt(found[:, -1])
        directed = good & (norm > 0) & (self.mean_norm > 0)
        cosine = found[:, 0] / np.where(directed, norm * (self.mean_norm or 1.0), 1.0)
        projections = found[:, 1:-1] * self.scales[1:]
        facets = [pa.array(norm * self.unit, mask=~good), pa.array(cosine, mask=~directed)]
        return [*facets, *(pa.array(np.ascontiguousarray(column), mask=~good) for column in projections.T)]


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the derivation of every column of vectors of one length."""
    for watched in ground.columns:
        column = watched.column
        if column.kind is not Kind.VECTOR or not drift.with_facets(column):
            continue
        array = ground.table.column(column.key).combine_chunks()
        length = common_length(array)
        if length is not None:
            yield _fit(ground, column, array, length)


def common_length(array: pa.Array) -> int | None:
    """Return the length that nearly all lists of numbers have; ``None`` if there is none, or they are no numbers."""
    if not is_numbers(array.type):
        return None
    lengths = pc.list_value_length(array.drop_null()).to_numpy(zero_copy_only=False)
    found, rows = np.unique(lengths, return_counts=True)
    if not len(found) or rows.max() < _ALIKE * len(lengths) or found[rows.argmax()] < 1:
        return None
    return int(found[rows.argmax()])


def is_numbers(type_: pa.DataType) -> bool:
    """Say whether an Arrow type is of lists of numbers."""
    listed = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    return bool(listed and (pa.types.is_floating(type_.value_type) or pa.types.is_integer(type_.value_type)))


def matrix_of(array: pa.Array, length: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the vectors of this length with finite entries, (good rows, length), and which rows those are."""
    of_length = pc.fill_null(pc.equal(pc.list_value_length(array), length), fill_value=False)
    good = of_length.to_numpy(zero_copy_only=False).astype(np.bool_)
    flat = array.filter(of_length).flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    matrix = flat.reshape(-1, length)
    finite = np.isfinite(matrix).all(axis=1)
    good[np.flatnonzero(good)[~finite]] = False
    return matrix[finite], good


def quantised(matrix: Floats, unit: float, bits: int) -> Floats:
    """Return entries as whole numbers of units, cut off at 2**bits."""
    limit = 2.0**bits
    whole: Floats = np.rint(np.clip(matrix, -limit * unit, limit * unit) / unit)
    return whole


def _fit(ground: Ground, column: Column, array: pa.Array, length: int) -> Fitted:
    learnt = sample(len(array), min(MOST_ROWS, len(array) // 2))
    matrix, _ = matrix_of(array.take(pa.array(learnt)), length)
    bits = (_EXACT_BITS - int(np.ceil(np.log2(length)))) // 2
    unit = _unit(matrix, bits)
    whole = quantised(matrix, unit, bits)
    mean = np.rint(whole.sum(axis=0) / max(len(whole), 1))
    number = min(PROJECTIONS, length)
    blind = signs(length, PROJECTIONS if length > PROJECTIONS else 0)
    principal = leading(whole - mean, number, bits)
    weights = np.column_stack((mean, principal, blind))
    scales = np.concatenate(([1.0], np.full(number, unit * 2.0**-bits), np.full(blind.shape[1], unit)))
    frozen = Frozen(column.key, length, unit, bits, weights, scales, float(np.sqrt((mean * mean).sum())))
    names = ["norm", "cosine", *(f"principal{i + 1}" for i in range(number))]
    names += [f"random{i + 1}" for i in range(blind.shape[1])]
    columns = tuple(facet(column, name, Kind.NUMERIC) for name in names)
    derivation = Derivation(columns, frozen, repr(("vector", frozen.length, unit, weights.astype(np.int64).tolist())))
    values = frozen(ground.table)
    return Fitted(
        derivation, [values[0], *(_unlearnt(each, learnt) for each in values[1 : 2 + number]), *values[2 + number :]]
    )


def _unlearnt(values: pa.Array, learnt: NDArray[np.intp]) -> pa.Array:
    """Return values with NaN, which stands in no cell, for the rows that were learnt from: they fit too well."""
    found = values.to_numpy(zero_copy_only=False).copy()
    found[learnt] = np.nan
    return pa.array(found, mask=values.is_null().to_numpy(zero_copy_only=False))


def _unit(matrix: Floats, bits: int) -> float:
    """Return the power of two in which entries are counted."""
    sizes = np.abs(matrix).ravel()
    scale = float(np.quantile(sizes, _SCALE_SHARE, method="closest_observation")) if len(sizes) else 0.0
    scale = scale or float(sizes.max(initial=0.0)) or 1.0
    exponent = np.ceil(np.log2(scale)) + np.log2(_HEADROOM) - bits
    return float(2.0 ** np.clip(exponent, -1000, 1000 - bits))
