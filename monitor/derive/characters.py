"""Texts as arrays of code points: scripts, words and n-grams, counted for many texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Hashes = NDArray[np.uint64]

SCRIPTS = (
    "latin",
    "greek",
    "cyrillic",
    "hebrew",
    "arabic",
    "indic",
    "thai",
    "hangul",
    "kana",
    "han",
    "other",
)
"""Of letters; the script of a text is that of most of them."""
DIGIT, SIGN = len(SCRIPTS), len(SCRIPTS) + 1
CLASSES = SIGN + 1
# Where a class begins, by the blocks of Unicode; signs between letters of one script count as letters of it.
_STARTS = (
    (0x00, SIGN),
    (0x30, DIGIT),
    (0x3A, SIGN),
    (0x41, 0),
    (0x5B, SIGN),
    (0x61, 0),
    (0x7B, SIGN),
    (0xAA, 0),
    (0xAB, SIGN),
    (0xB5, 0),
    (0xB6, SIGN),
    (0xC0, 0),
    (0xD7, SIGN),
    (0xD8, 0),
    (0xF7, SIGN),
    (0xF8, 0),
    (0x0370, 1),
    (0x0400, 2),
    (0x0530, 10),
    (0x0590, 3),
    (0x0600, 4),
    (0x0900, 5),
    (0x0E00, 6),
    (0x0E80, 10),
    (0x1100, 7),
    (0x1200, 10),
    (0x1E00, 0),
    (0x1F00, 1),
    (0x2000, SIGN),
    (0x3040, 8),
    (0x3100, 10),
    (0x3130, 7),
    (0x3190, 9),
    (0xA000, 10),
    (0xAC00, 7),
    (0xD7B0, 10),
    (0xD800, SIGN),
    (0xF900, 9),
    (0xFB00, 10),
    (0xFE00, SIGN),
    (0xFE70, 4),
    (0xFF00, SIGN),
    (0xFF10, DIGIT),
    (0xFF1A, SIGN),
    (0xFF21, 0),
    (0xFF3B, SIGN),
    (0xFF66, 8),
    (0xFFA0, 7),
    (0xFFE0, SIGN),
    (0x10000, 10),
    (0x1F000, SIGN),
    (0x20000, 9),
    (0x40000, SIGN),
)
_POINTS = np.array([point for point, _ in _STARTS])
_CLASS_OF = np.array([class_ for _, class_ in _STARTS], np.int64)
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Characters:
    """The characters of n texts, one text after the other, in lower case.

    Attributes
    ----------
    codes: code points, (characters,).
    row: the text of each, (characters,), rising.
    classes: the class of each, a script, ``DIGIT`` or ``SIGN``, (characters,).
    """

    rows: int
    codes: Codes = field(repr=False)
    row: NDArray[np.intp] = field(repr=False)
    classes: NDArray[np.int64] = field(repr=False)


def characters(texts: Sequence[str], most: int) -> Characters:
    """Return the first so many characters of each text."""
    lowered = [text[:most].lower() for text in texts]
    encoded = "".join(lowered).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(encoded, "<u4").astype(np.uint32)
    row = np.repeat(np.arange(len(lowered)), [len(text) for text in lowered])
    classes = _CLASS_OF[np.searchsorted(_POINTS, codes, side="right") - 1]
    return Characters(len(lowered), codes, row, classes)


def class_counts(found: Characters) -> NDArray[np.int64]:
    """Return how many characters of each class a text has, (n, CLASSES)."""
    flat = np.bincount(found.row * CLASSES + found.classes, minlength=found.rows * CLASSES)
    return flat.reshape(found.rows, CLASSES)


def words(found: Characters) -> tuple[Hashes, NDArray[np.intp]]:
    """Return a hash of each word, a run of letters and digits, and the text that it stands in.

    Of a script without blanks between words each character is a word.
    """
    inside = found.classes != SIGN
    single = (found.classes == SCRIPTS.index("han")) | (found.classes == SCRIPTS.index("kana"))
    after = np.concatenate(([False], inside[:-1] & (found.row[1:] == found.row[:-1]) & ~single[:-1]))[: len(inside)]
    begins = np.flatnonzero(inside & (~after | single))
    if not len(begins):
        return np.zeros(0, np.uint64), np.zeros(0, np.intp)
    marks = np.zeros(len(inside), np.intp)
    marks[begins] = 1
    number = np.cumsum(marks) - 1
    place = np.arange(len(inside)) - begins[np.maximum(number, 0)]
    parts = np.where(inside, mixed(found.codes.astype(np.uint64) + (place.astype(np.uint64) << np.uint64(32))), 0)
    return mixed(np.add.reduceat(parts.astype(np.uint64), begins)), found.row[begins]


def grams(found: Characters, size: int) -> tuple[Hashes, NDArray[np.intp]]:
    """Return a hash of each run of so many characters within a text, and the text that it stands in."""
    number = len(found.codes) - size + 1
    if number < 1:
        return np.zeros(0, np.uint64), np.zeros(0, np.intp)
    total = np.zeros(number, np.uint64)
    for place in range(size):
        total = mixed(total + found.codes[place : place + number])
    whole = found.row[:number] == found.row[size - 1 :]
    return total[whole], found.row[:number][whole]


def mixed(values: Hashes) -> Hashes:
    """Return values with their bits mixed: the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    mixing = values + _ODD
    mixing = (mixing ^ (mixing >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixing = (mixing ^ (mixing >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixing ^ (mixing >> np.uint64(31))
