"""The vocabulary of a reference: which words were known before, without counting those a row brought itself.

A word is known if it stands in at least two of the 32 stretches that the reference is cut into, in order of time. The
words of the reference's own rows are looked up as if their stretch were not there: how many words of a new day are
unknown must show in the reference as it will in the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.derive.characters import Hashes

STRETCHES = 32
_KNOWN = 2
"""Stretches that a word stands in."""
MOST_WORDS = 200_000
"""Kept, of the most widespread, by hash among equals: 1.6 MB."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Known words.

    Attributes
    ----------
    known: hashes of known words, rising.
    """

    known: Hashes = field(repr=False)

    def unknown(self, words: Hashes) -> NDArray[np.bool_]:
        """Say of each word whether it is unknown."""
        return ~member(self.known, words)


def learn(words: Hashes, stretch: NDArray[np.intp]) -> tuple[Vocabulary, NDArray[np.bool_]]:
    """Return the vocabulary of a reference, and of each of its words whether it is unknown without its own stretch.

    Parameters
    ----------
    words: hashes, (w,).
    stretch: in which each stands, (w,).
    """
    distinct, inverse = np.unique(words, return_inverse=True)
    pairs = np.unique(inverse * STRETCHES + stretch)
    spread = np.bincount(pairs // STRETCHES, minlength=len(distinct))
    widest = np.lexsort((distinct, -spread))[:MOST_WORDS]
    kept = np.zeros(len(distinct), np.bool_)
    kept[widest] = True
    known = kept & (spread >= _KNOWN)
    unknown = ~(kept & (spread - 1 >= _KNOWN))[inverse]
    return Vocabulary(distinct[known]), unknown


def member(known: Hashes, words: Hashes) -> NDArray[np.bool_]:
    """Say of each word whether it is among the known ones, which rise.

    >>> member(np.array([3, 7], np.uint64), np.array([7, 8], np.uint64)).tolist()
    [True, False]
    """
    if not len(known):
        return np.zeros(len(words), np.bool_)
    place = np.minimum(np.searchsorted(known, words), len(known) - 1)
    found: NDArray[np.bool_] = known[place] == words
    return found
