"""Texts: beside their length the script, the mix of words and of character trigrams, and words unknown before.

``script`` is that of most letters. ``words1`` … and ``grams1`` … give every word, or run of three characters, a hashed
sign of plus or minus one, and take the mean over the text: where the mix changes so does some of these means (feature
hashing, Weinberger et al. 2009, arXiv:0902.2206). ``unknown`` is the share of words that the reference does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.comparison import DriftSettings
from monitor.derive.characters import DIGIT, SCRIPTS, Characters, Hashes, characters, class_counts, grams, mixed, words
from monitor.derive.vocabulary import STRETCHES, Vocabulary, learn
from monitor.derived import Derivation, Fitted, Ground, Values, facet, read_as
from monitor.record import Column, Kind

SIGNS = 3
"""Means of hashed signs, of words and of trigrams."""
GRAM = 3
MOST_CHARACTERS = 2000
"""The rest of a longer text is not looked at."""
_ROWS_AT_ONCE = 4096
_NO_LETTERS = "no_letters"


@dataclass(frozen=True, slots=True)
class Frozen:
    """Where the texts stand, and the words that were known."""

    key: str
    vocabulary: Vocabulary

    def __call__(self, table: pa.Table) -> Values:
        """Return the facets of rows; null where there is no text, or no word or trigram to tell of."""
        array = read_as(table, self.key, pa.types.is_string, pa.string())
        parts = [self._part(found) for found in _bites(array)]
        return _facets(array, parts)

    def _part(self, found: Characters) -> list[NDArray[np.generic]]:
        hashes, row = words(found)
        return [*plain(found, hashes, row), mean(self.vocabulary.unknown(hashes) * 1, row, found.rows)]


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the derivation of every column of texts."""
    for watched in ground.columns:
        if watched.column.kind is Kind.TEXT and drift.with_facets(watched.column):
            yield _fit(ground, watched.column)


def _fit(ground: Ground, column: Column) -> Fitted:
    array = ground.table.column(column.key).combine_chunks()
    found, hashes, rows, before = [], [], [], 0
    for bite in _bites(array):
        of_words, row = words(bite)
        found.append(plain(bite, of_words, row))
        hashes.append(of_words)
        rows.append(row + before)
        before += bite.rows
    row = np.concatenate(rows)
    vocabulary, unknown = learn(np.concatenate(hashes), row * STRETCHES // max(len(array), 1))
    share = mean(unknown * 1, row, len(array))
    cuts = np.cumsum([len(part[0]) for part in found])[:-1]
    parts = [[*part, share_part] for part, share_part in zip(found, np.split(share, cuts), strict=True)]
    names = [("script", Kind.CATEGORICAL)]
    names += [(f"{what}{i + 1}", Kind.NUMERIC) for what in ("words", "grams") for i in range(SIGNS)]
    columns = tuple(facet(column, name, kind) for name, kind in (*names, ("unknown", Kind.NUMERIC)))
    spec = repr(("text", vocabulary.known.tolist()))
    return Fitted(Derivation(columns, Frozen(column.key, vocabulary), spec), _facets(array, parts))


def _bites(array: pa.Array) -> Iterator[Characters]:
    """Yield the characters of texts, a bounded number of texts at once; of a missing one there is none."""
    for start in range(0, max(len(array), 1), _ROWS_AT_ONCE):
        yield characters([text or "" for text in array.slice(start, _ROWS_AT_ONCE).to_pylist()], MOST_CHARACTERS)


def plain(found: Characters, hashes: Hashes, row: NDArray[np.intp]) -> list[NDArray[np.generic]]:
    """Return what depends on each text alone: the place of its script, and the means of its signs."""
    counts = class_counts(found)[:, :DIGIT]
    script = np.where(counts.any(axis=1), counts.argmax(axis=1), DIGIT)
    of_grams, gram_row = grams(found, GRAM)
    return [script, *signed(hashes, row, found.rows), *signed(of_grams, gram_row, found.rows)]


def signed(hashes: Hashes, row: NDArray[np.intp], rows: int) -> list[Floats]:
    """Return means of hashed signs in each text, each (rows,); NaN where there is nothing to hash."""
    bits = mixed(hashes)
    return [mean(((bits >> np.uint64(i)) & np.uint64(1)).astype(np.int64) * 2 - 1, row, rows) for i in range(SIGNS)]


def mean(whole: NDArray[np.int64], row: NDArray[np.intp], rows: int) -> Floats:
    """Return the mean of whole numbers in each text, (rows,); NaN without any.

    >>> mean(np.array([1, 0, 1]), np.array([0, 0, 2]), 3).tolist()
    [0.5, nan, 1.0]
    """
    number = np.bincount(row, minlength=rows)
    total = np.bincount(row, weights=whole, minlength=rows)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / number, dtype=np.float64)


def _facets(array: pa.Array, parts: list[list[NDArray[np.generic]]]) -> Values:
    missing = array.is_null().to_numpy(zero_copy_only=False)
    script, *means = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    names = pa.array([*SCRIPTS, _NO_LETTERS])
    of_script = names.take(pa.array(script[: len(array)], mask=missing))
    return [of_script, *(pa.array(each[: len(array)], mask=missing | np.isnan(each[: len(array)])) for each in means)]
