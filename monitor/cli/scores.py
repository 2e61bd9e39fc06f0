"""How well a model did in a backtest, as people read it: realised beside estimated, over the whole and over time.

Of a stretch of several windows a value is the mean of theirs, each weighing as much as it has rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monitor.instant import Instant, from_text, to_text

Json = Mapping[str, Any]
Key = tuple[str, str]
"""A model and a version."""
STRETCHES = 12
"""So many stretches of a replay are told apart."""


class Score(NamedTuple):
    """One metric in one window; ``None`` where it has no value."""

    realised: tuple[float, float | None, float | None, int] | None
    estimated: tuple[float, float, float, int] | None
    """Value, lower and upper bound, rows; of what was realised the bounds may be unknown."""


class Row(NamedTuple):
    """One metric over some windows; ``missed`` of ``both`` windows were realised outside of the estimate's band."""

    model: str
    version: str
    metric: str
    since: str
    windows: int
    reference: float | None
    realised: float | None
    estimated: float | None
    lower: float | None
    upper: float | None
    missed: int
    both: int
    interval: tuple[float, float] | None = None
    """Of what was realised; ``None`` where that of a window is not known."""


@dataclass(slots=True)
class Scores:
    """What is known in the end of the performance of every window."""

    _keys: dict[str, tuple[Key, Instant]] = field(default_factory=dict)
    _known: dict[Key, dict[Instant, dict[str, Score]]] = field(default_factory=dict)
    _references: dict[tuple[str, str, str], float | None] = field(default_factory=dict)

    def take(self, line: Json) -> None:
        """Remember a line of a window, or of what became known of it later."""
        if line["kind"] == "window":
            self._keys[line["id"]] = (line["model"], line["version"]), from_text(line["end"])
        found, told = line["id"] if line["kind"] == "window" else line["window"], line["performance"]
        if found not in self._keys or not told:
            return
        key, end = self._keys[found]
        before = self._known.setdefault(key, {}).get(end, {})
        self._known[key][end] = {name: _as_given(each, before.get(name)) for name, each in map(_score, told)}
        self._references |= {(*key, each["metric"]): each["reference"] for each in told}

    def whole(self) -> list[Row]:
        """Return each metric of each version over all its windows; those without any value are left out."""
        found = (self._row(key, metric, sorted(ends)) for key, ends in self._known.items() for metric in _metrics(ends))
        return [row for row in found if row.realised is not None or row.estimated is not None]

    def over_time(self, stretches: int = STRETCHES) -> Iterator[list[Row]]:
        """Yield for each version the first metric that has a value, in so many stretches of windows at most."""
        told = {(row.model, row.version): row.metric for row in reversed(self.whole())}
        for key, metric in reversed(told.items()):
            ends = sorted(self._known[key])
            size = -(-len(ends) // stretches)
            yield [self._row(key, metric, ends[at : at + size]) for at in range(0, len(ends), size)]

    def _row(self, key: Key, metric: str, ends: Sequence[Instant]) -> Row:
        scores = [self._known[key][end].get(metric, Score(None, None)) for end in ends]
        true = [each.realised for each in scores if each.realised is not None]
        guessed = [each.estimated for each in scores if each.estimated is not None]
        rows = [each[3] for each in guessed]
        value, lower, upper = (_mean([each[place] for each in guessed], rows) for place in range(3))
        pairs = [(each.realised[0], each.estimated) for each in scores if each.realised and each.estimated]
        missed = sum(not low <= real <= high for real, (_, low, high, _) in pairs)
        realised, interval = _mean([each[0] for each in true], [each[3] for each in true]), _interval(true)
        about = (*key, metric)
        told = (self._references.get(about), realised, value, lower, upper)
        return Row(*about, to_text(ends[0]), len(ends), *told, missed, len(pairs), interval)


def _metrics(ends: Mapping[Instant, Mapping[str, Score]]) -> list[str]:
    return list(dict.fromkeys(metric for scores in ends.values() for metric in scores))


def _as_given(now: Score, before: Score | None) -> Score:
    """Return a score with the estimate as it was given first: misses that were known later made no band wider then."""
    return now if before is None or before.estimated is None else now._replace(estimated=before.estimated)


def _score(entry: Json) -> tuple[str, Score]:
    true, guess = entry["realised"], entry["estimated"]
    bare = guess is None or guess["lower"] is None
    return entry["metric"], Score(
        None if true is None else (true["value"], true["lower"], true["upper"], true["rows"]),
        None if bare else (guess["value"], guess["lower"], guess["upper"], guess["rows"]),
    )


def _interval(found: Sequence[tuple[float, float | None, float | None, int]]) -> tuple[float, float] | None:
    known = [(low, high, rows) for _, low, high, rows in found if low is not None and high is not None]
    rows = [each[2] for each in known]
    lower, upper = (_mean([each[place] for each in known], rows) for place in range(2))
    return None if lower is None or upper is None or len(known) < len(found) else (lower, upper)


def _mean(values: Sequence[float], rows: Sequence[int]) -> float | None:
    total = sum(rows)
    return sum(value * n for value, n in zip(values, rows, strict=True)) / total if total else None
