"""Which records an injection strikes, drops or repeats: by each record's own hash, so that every reading agrees."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.pipeline.intake import row_hashes


def chances(table: pa.Table, spec: str) -> Floats:
    """Return a number between 0 and 1 of each record, (n,): the same for one id and one spec, and as good as random."""
    salt = int.from_bytes(blake2b(spec.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    mixed = row_hashes(table) ^ np.uint64(salt)
    # The finisher of SplitMix64 (Steele, Lea, Flood 2014): the hashes of one id under two specs are not alike.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    high = (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(12)
    return high.astype(np.float64) * 2.0**-52 + 2.0**-53


def repeated(table: pa.Table, meant: NDArray[np.bool_], spec: str, share: float) -> pa.Table:
    """Return rows of which a share of the meant ones come twice, the second right after the first."""
    twice = meant & (chances(table, spec) < share)
    return table.take(pa.array(np.repeat(np.arange(len(meant)), 1 + twice)))


def mixed(table: pa.Table, key: str, value: pa.Scalar, choice: tuple[NDArray[np.bool_], str, float, float]) -> pa.Table:
    """Drop rows until one category has another share of the meant ones; those that stay are as they were.

    Parameters
    ----------
    choice: which rows are meant, (n,); the spec; the category's share before; its share afterwards.
    """
    meant, spec, before, after = choice
    ours = np.asarray(pc.fill_null(pc.equal(table[key], value), fill_value=False).to_numpy(), dtype=np.bool_)
    kept_ours, kept_others = kept_ratios(before, after)
    kept = chances(table, spec) < np.where(ours, kept_ours, kept_others)
    return table.filter(pa.array(kept | ~meant))


def kept_ratios(before: float, after: float) -> tuple[float, float]:
    """Return which share of a category's rows, and of all others, are to stay, so that its share becomes another.

    Only one side loses rows: no more are lost than the new mix asks for.

    >>> kept_ratios(0.25, 0.5)
    (1.0, 0.3333333333333333)
    >>> kept_ratios(0.5, 0.2)
    (0.25, 1.0)
    """
    ours, others = before * (1 - after), after * (1 - before)
    return (1.0, ours / others) if after >= before else (others / ours, 1.0)
