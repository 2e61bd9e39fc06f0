"""An alarm on performance by betting beside a threshold on a window's accuracy, and beside river's error detectors.

``python -m benchmarks.loss_alarms [--streams 6] [--river PYTHON]``: right and wrong answers as they become known, in
quarter days, of which a fifth of the targets comes too late for the first look at its window. Everybody has the same
losses: 120 days to learn from, then a stream in which nothing happens, or from whose first day on so many more answers
are wrong. Three worlds: real flights with their days shuffled, draws one by one, and draws whose share of wrong answers
wobbles from window to window. ``PYTHON`` is that of an environment with river (``benchmarks/drift/environments.sh``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.harness import Row, report
from benchmarks.performance_alarms import streams as flights
from monitor.calibration.betting import LEAST_TARGETS, Capital, bet, bound, has_collapsed
from monitor.calibration.blocks import block_losses
from monitor.calibration.collapse import has_run_over, longest, run_lengths

_TRAINED, _REFERENCE, _STREAM = 90, 120, 155
_A_DAY = 4
_EVERY = 24 * 3600 * 1_000_000 // _A_DAY
_N = 480.0
"""A quarter of one false alarm in thirty days, in quarter days."""
_LATE = 0.2
_MORE = (0.03, 0.10)
_ERROR, _ROWS, _WOBBLE, _AGAIN = 0.15, 300, 0.35, 0.7
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What became known in time: whether each answer was wrong, in order, and of which window."""

    wrong: Bools
    window: Ints

    def between(self, first: int, last: int) -> Answers:
        """Return the answers of windows [first, last)."""
        a, b = np.searchsorted(self.window, (first, last)).tolist()
        return Answers(self.wrong[a:b], self.window[a:b])


@dataclass(frozen=True, slots=True)
class World:
    """A stream of one world: all answers in time, of which those of the first windows are the reference."""

    name: str
    answers: Answers

    @property
    def reference(self) -> Answers:
        """Return what is learnt from."""
        return self.answers.between(0, _REFERENCE * _A_DAY)

    def stream(self, more: float, seed: int) -> Answers:
        """Return the answers after it, with so many points more of them wrong."""
        told = self.answers.between(_REFERENCE * _A_DAY, (_REFERENCE + _STREAM) * _A_DAY)
        error = float(told.wrong.mean())
        turned = np.random.default_rng((seed, round(more * 1000))).random(len(told.wrong)) < more / (1 - error)
        return Answers(told.wrong | turned, told.window)


def worlds(number: int) -> Iterator[World]:
    """Yield the streams of each world."""
    for seed, stream in enumerate(flights(number)):
        order = np.lexsort((stream.hour, stream.day))
        window = (stream.day[order] - _TRAINED) * _A_DAY + stream.hour[order] * _A_DAY // 24
        yield World("flights, days shuffled", _in_time(Answers(stream.wrong[order], window), seed))
    for name, wobble in (("drawn one by one", 0.0), ("drawn, wobbling", _WOBBLE)):
        for seed in range(number):
            yield World(name, _in_time(_drawn(wobble, seed), seed))


def _in_time(answers: Answers, seed: int) -> Answers:
    """Leave out what comes too late for the first look."""
    known = (np.random.default_rng(seed).random(len(answers.wrong)) >= _LATE) & (answers.window >= 0)
    return Answers(answers.wrong[known], answers.window[known])


def _drawn(wobble: float, seed: int) -> Answers:
    rng = np.random.default_rng((seed, round(wobble * 100)))
    windows = (_REFERENCE + _STREAM) * _A_DAY
    state, logits = 0.0, np.zeros(windows)
    for place, shock in enumerate(rng.standard_normal(windows).tolist()):
        state = _AGAIN * state + (1 - _AGAIN**2) ** 0.5 * wobble * shock
        logits[place] = state
    share = 1 / (1 + np.exp(-(np.log(_ERROR / (1 - _ERROR)) + logits)))
    window = np.repeat(np.arange(windows), _ROWS)
    return Answers(rng.random(len(window)) < share[window], window)


Alarm = Callable[[Answers, Answers], list[int]]
"""From the reference and a stream to the blocks after which it fires, each time from new."""


def by_betting(reference: Answers, stream: Answers) -> list[int]:
    """Bet as the daemon does, with its level rules."""
    allowed = bound(_losses(reference), np.random.default_rng(0), lengths=run_lengths(_EVERY))
    capital, recent, fired = Capital(), list[float](), []
    for number, (loss, targets) in enumerate(_blocks(stream), start=1):
        capital = bet(capital, allowed, loss)
        recent = [*recent, loss][-max(longest(allowed.runs), 1) :]
        collapsed = has_collapsed(allowed, loss, targets) or has_run_over(allowed.runs, recent)
        if collapsed or capital.evidence >= _N:
            fired.append(number)
            capital, recent = Capital(), []
    return fired


def under(points: float | None, errors: float = 3.0, in_a_row: int = 1) -> Alarm:
    """Return an alarm once a window's loss is over the reference's by so many points, or by its standard deviations."""

    def alarm(reference: Answers, stream: Answers) -> list[int]:
        known = _losses(reference)
        most = float(known.mean()) + (errors * float(known.std()) if points is None else points)
        over = [loss > most for loss, _ in _blocks(stream)]
        ends = range(1, len(over) + 1)
        held = [end >= in_a_row and all(over[end - in_a_row : end]) for end in ends]
        return [end for end in ends if held[end - 1] and not (end > 1 and held[end - 2])]

    return alarm


def _losses(answers: Answers) -> Floats:
    return block_losses(answers.wrong.astype(np.float64), answers.window)


def _blocks(answers: Answers) -> Iterator[tuple[float, int]]:
    """Yield the mean loss and the targets of each block of the stream."""
    lost = held = 0
    edges = np.flatnonzero(np.diff(answers.window)) + 1
    for part in np.split(answers.wrong, edges):
        lost, held = lost + int(part.sum()), held + len(part)
        if held >= LEAST_TARGETS:
            yield lost / held, held
            lost = held = 0


OURS: dict[str, Alarm] = {
    "Driftline: bets, 2 points tolerated": by_betting,
    "threshold: 1.5 points under the reference": under(0.015),
    "threshold: 1.5 points, 2 windows in a row": under(0.015, in_a_row=2),
    "threshold: 3 standard deviations of windows": under(None),
}


def ours(found: list[World]) -> dict[tuple[str, str, float], list[list[int]]]:
    """Return the alarms of each method by world and change, a list a stream."""
    told: dict[tuple[str, str, float], list[list[int]]] = {}
    for seed, world in enumerate(found):
        for more in (0.0, *_MORE):
            stream = world.stream(more, seed)
            for name, alarm in OURS.items():
                told.setdefault((world.name, name, more), []).append(alarm(world.reference, stream))
    return told


def rivers(python: str, found: list[World]) -> dict[tuple[str, str, float], list[list[int]]]:
    """Ask river's detectors of the same, in its own environment."""
    told: dict[tuple[str, str, float], list[list[int]]] = {}
    with TemporaryDirectory(prefix="driftline-river-") as name:
        for seed, world in enumerate(found):
            for more in (0.0, *_MORE):
                stream, learnt = world.stream(more, seed), world.reference
                path = Path(name) / "stream.npz"
                np.savez(path, reference=learnt.wrong, stream=stream.wrong, window=stream.window)
                command = [python, str(Path(__file__).with_name("loss_alarms_peer.py")), str(path)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                for method, windows in json.loads(done.stdout).items():
                    first = int(stream.window[0])
                    fired = [window - first + 1 for window in windows]
                    told.setdefault((world.name, method, more), []).append(fired)
    return told


def rows(found: list[World], told: dict[tuple[str, str, float], list[list[int]]]) -> Iterator[Row]:
    """Yield a line a world and method."""
    for world, method in dict.fromkeys(key[:2] for key in told):
        calm = told[world, method, 0.0]
        windows = sum(each.name == world for each in found) * _STREAM * _A_DAY
        false = sum(map(len, calm))
        upper = float(chi2.ppf(0.975, 2 * (false + 1))) / 2
        line: dict[str, str | int | float] = {
            "world": world,
            "alarm": method,
            "windows": windows,
            "false": false,
            "false per N": f"{false * _N / windows:.2f} (to {upper * _N / windows:.2f})",
        }
        for more in _MORE:
            first = [fired[0] if fired else np.inf for fired in told[world, method, more]]
            median, many = float(np.median(first)), int(np.isfinite(first).sum())
            line[f"+{more:.0%}: windows"] = f"{'--' if np.isinf(median) else f'{median:g}'} ({many}/{len(first)})"
        yield line


def main() -> int:
    """Measure, print and write; 1 if betting is false more often than it promises."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=6)
    parser.add_argument("--river", help="the Python of an environment with river")
    given = parser.parse_args()
    found = list(worlds(given.streams))
    told = ours(found) | (rivers(given.river, found) if given.river else {})
    lines = sorted(rows(found, told), key=lambda line: str(line["world"]))
    report("loss_alarms", lines)
    kept = [line for line in lines if str(line["alarm"]).startswith("Driftline")]
    return int(any(int(str(line["false"])) * _N > int(str(line["windows"])) for line in kept))


if __name__ == "__main__":
    sys.exit(main())
