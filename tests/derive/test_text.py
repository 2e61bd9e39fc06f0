"""Texts: script, words, trigrams, and words unknown before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.derive.characters import DIGIT, SCRIPTS, characters, class_counts, grams, words
from monitor.derive.vocabulary import STRETCHES, learn
from monitor.judge import Judge
from tests.judging import Draw, cut_alike, judge_of, listen, stamped

WORDS = ["".join(chr(97 + c) for c in np.random.default_rng(i).integers(0, 26, 3 + i % 7)) for i in range(5000)]
_COMMON = np.cumsum(1 / np.arange(1, 5001))
COMMON = _COMMON / _COMMON[-1]
"""How common words are: by Zipf's law, so that every day brings some that were never seen."""


def texts(change: str = "", share: float = 0.0) -> Draw:
    """Return a way to draw texts, with a share of them changed."""

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        lengths = rng.poisson(8, len(times)) + 2
        drawn = np.split(np.searchsorted(COMMON, rng.random(lengths.sum())), np.cumsum(lengths)[:-1])
        changed = rng.random(len(times)) < share
        absent = rng.random(len(times)) < 0.02
        rows = [" ".join(WORDS[i] for i in row) for row in drawn]
        rows = [_changed(text, change) if yes else text for text, yes in zip(rows, changed, strict=True)]
        return stamped(times, comment=[None if no else text for text, no in zip(rows, absent, strict=True)])

    return draw


def _changed(text: str, change: str) -> str:
    match change:
        case "cyrillic":
            return "".join(chr(0x430 + ord(c) - 97) if c != " " else c for c in text)
        case "backwards":
            return " ".join(word[::-1] for word in text.split())
        case "one word":
            return " ".join([WORDS[40]] * len(text.split()))
        case _:
            return text


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a reference of texts."""
    return judge_of(texts())


def test_facets_of_a_text(judge: Judge) -> None:
    """The text itself is watched by its length; the rest by its facets."""
    facets = ["script", "words1", "words2", "words3", "grams1", "grams2", "grams3", "unknown"]
    assert judge.reference.names == ("comment", *(f"comment.{name}" for name in facets))


def test_a_calm_stream_of_texts_pages_nobody(judge: Judge) -> None:
    """Not for the unknown words of every new day either."""
    heard = listen(judge, texts(), range(200))
    assert heard.pages == {}
    assert heard.highest < 100


@pytest.mark.parametrize(
    ("change", "share", "culprit"),
    [
        ("cyrillic", 0.1, "comment.script"),
        ("backwards", 0.2, "comment.unknown"),
        ("one word", 0.5, "comment.words1"),
    ],
)
def test_other_texts_are_found(judge: Judge, change: str, share: float, culprit: str) -> None:
    """Another script, words of another language, and a mix of known words that changed."""
    heard = listen(judge, texts(change, share), range(12))
    assert heard.first <= 6
    assert any(culprit in culprits for culprits in heard.pages.values())


def test_texts_do_not_depend_on_their_neighbours(judge: Judge) -> None:
    """However rows are cut, facets are the same bit for bit."""
    assert cut_alike(judge, texts("cyrillic", 0.3)(np.random.default_rng(5), np.arange(150)))


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Grüße, Ægir", "latin"),
        ("Ωμέγα", "greek"),
        ("Привет", "cyrillic"),
        ("שלום", "hebrew"),
        ("سلام", "arabic"),
        ("नमस्ते", "indic"),
        ("สวัสดี", "thai"),
        ("안녕", "hangul"),
        ("カタカナ", "kana"),
        ("漢字", "han"),
        ("ქართული", "other"),
    ],
)
def test_scripts(text: str, script: str) -> None:
    """A letter is of its script; signs, digits and blanks are of none."""
    assert SCRIPTS[class_counts(characters([text], 100))[0, :DIGIT].argmax()] == script


@pytest.mark.parametrize("text", ["", "2026-01-05 10:00", "?!", "👍🎉"])
def test_a_text_without_letters_has_no_script(judge: Judge, text: str) -> None:
    """It is told apart, not taken for the first script."""
    wide = judge.reference.widened(stamped(np.arange(1), comment=[text]))
    assert wide["comment.script"].to_pylist() == ["no_letters"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("Two words", 2), ("state-of-the-art, 2nd ed.", 6), ("漢字 and", 3), ("", 0), ("...", 0), ("a", 1)],
)
def test_words_are_runs_of_letters_and_digits(text: str, number: int) -> None:
    """A character of Han is a word by itself."""
    assert len(words(characters([text], 100))[0]) == number


def test_the_same_word_has_one_hash_wherever_it_stands() -> None:
    """Case and place do not matter; the order of letters does."""
    first, second, third, fourth = words(characters(["Listen", "x listen", "silent"], 100))[0]
    assert first == third
    assert len({first, second, fourth}) == 3


def test_trigrams_stay_within_a_text() -> None:
    """No run of characters reaches from one text into the next."""
    hashes, row = grams(characters(["abcd", "ab", "bcd"], 100), 3)
    assert row.tolist() == [0, 0, 2]
    assert hashes[1] == hashes[2]


def test_the_words_of_a_row_do_not_vouch_for_themselves() -> None:
    """A word is known by two stretches; to the rows of one of them, by two others."""
    hashes, stretch = np.array([1, 1, 2, 2, 2, 3], np.uint64), np.array([0, 1, 0, 1, 2, STRETCHES - 1])
    vocabulary, unknown = learn(hashes, stretch)
    assert vocabulary.known.tolist() == [1, 2]
    assert unknown.tolist() == [True, True, False, False, False, True]


def test_the_reference_shows_as_many_unknown_words_as_the_stream(judge: Judge) -> None:
    """What is learnt from the reference's rows is held out where they are judged."""
    sides = dict(zip(judge.reference.names, (entry.side for entry in judge.watched), strict=True))
    rng = np.random.default_rng(7)
    fresh = judge.reference.widened(texts()(rng, np.arange(20_000)))["comment.unknown"].to_numpy()
    reference = sides["comment.unknown"]
    assert reference.mean == pytest.approx(np.nanmean(fresh), abs=0.05 * (reference.sd or 0))
