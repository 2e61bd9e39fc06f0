"""What ``backtest`` runs: the replays of one config, with progress, and what is remembered of them for people."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor.cli.common import show_faults
from monitor.cli.compiling import compiled
from monitor.cli.heat import Heat
from monitor.cli.progress import Report, progress
from monitor.cli.scores import Scores
from monitor.errors import ConfigError, Fault
from monitor.injection import OPTION, Injection
from monitor.instant import Instant, from_text
from monitor.replay import Json, Replayed, Told, merged, summary

if TYPE_CHECKING:
    from monitor.config import Loaded

Look = Callable[[Sequence[Replayed], Json], None]
_LINES_A_LOOK = 50
_NO_FILE, _NO_MODEL, _SEVERAL = "W130", "E114", "E115"


class Point(NamedTuple):
    """One window, as little as is needed to draw it."""

    end: Instant
    rows: int
    verdict: str
    evidence: float | None
    threshold: float | None


@dataclass(slots=True)
class History:
    """What people are told of a replay.

    Attributes
    ----------
    episodes: the alert of each episode by id, as it fired; with ``resolved_at``.
    points, heats: the windows of each model and version, and how far their columns lay from the reference.
    scores: how well the model did in them.
    """

    episodes: dict[str, Json] = field(default_factory=dict)
    points: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    heats: dict[tuple[str, str], Heat] = field(default_factory=dict)
    scores: Scores = field(default_factory=Scores)

    def take(self, line: Json) -> None:
        """Remember a line."""
        if line["kind"] in {"window", "performance"}:
            self.scores.take(line)
        if line["kind"] == "window":
            end, key = from_text(line["end"]), (line["model"], line["version"])
            point = Point(end, line["rows"], line["verdict"], line["evidence"], line["evidence_threshold"])
            self.points.setdefault(key, []).append(point)
            start = from_text(line["start"])
            self.heats.setdefault(key, Heat(start, end - start, end)).take(end, line["columns"])
        elif line["kind"] == "alert" and line["state"] == "resolved":
            episode = self.episodes.setdefault(line["id"], line)
            self.episodes[line["id"]] = episode | {"resolved_at": line["at"]}
        elif line["kind"] == "alert":
            self.episodes[line["id"]] = line | {"resolved_at": None}


@dataclass(frozen=True, slots=True)
class Answer:
    """One config's answer: its name, the ``summary`` object, and the history."""

    name: str
    summary: Json
    history: History


@contextmanager
def replaying(
    loaded: Loaded, told: Told, injections: Sequence[Injection]
) -> Iterator[tuple[Sequence[Replayed], Iterator[Json]]]:
    """Compile every model's references; give the replays, and their lines in order.

    Several models on several processors are replayed in child processes; the lines are the same.

    Raises
    ------
    ConfigError: with the faults of all models: references that cannot be used, injections that fit none.
    FatalError: a child process failed.
    """
    models = len(loaded.config.models)
    _check_models([model.name for model in loaded.config.models], injections)
    now = time.time_ns() // 1000
    workers = min(models, len(os.sched_getaffinity(0)))
    if workers > 1:
        from monitor.cli.side_by_side import Job, side_by_side

        job = Job(loaded.path, loaded.hash, told, tuple(injections), now)
        with side_by_side(job, models, workers) as (remotes, lines):
            _warn_of_none(loaded, remotes)
            yield remotes, lines
        return
    replays, faults = compiled(loaded, told, injections, now, range(models))
    if faults:
        raise ConfigError([fault for found in faults.values() for fault in found])
    _warn_of_none(loaded, list(replays.values()))
    yield list(replays.values()), merged(list(replays.values()))


def _is_of_files(loaded: Loaded, model: int) -> bool:
    return all(each.type == "files" for each in loaded.config.models[model].records)


def _warn_of_none(loaded: Loaded, replays: Sequence[Replayed]) -> None:
    empty = [place for place, replay in enumerate(replays) if not replay.matches and _is_of_files(loaded, place)]
    places = [loaded.place("models", place, "records") for place in empty]
    show_faults([place.fault(_NO_FILE, "matches no file", "nothing is replayed") for place in places])


def _check_models(names: Sequence[str], injections: Iterable[Injection]) -> None:
    for injection in injections:
        named = f'"{injection.spec}"'
        if injection.model is None and len(names) > 1:
            message, code = f"{named}: the config has {len(names)} models", _SEVERAL
            raise ConfigError([Fault(code, None, None, None, OPTION, message, f"add model={names[0]}")])
        if injection.model not in (None, *names):
            message = f"{named}: no model has this name; expected one of {', '.join(names)}"
            raise ConfigError([Fault(_NO_MODEL, None, None, None, OPTION, message)])


def answer_of(loaded: Loaded, told: Told, injections: Sequence[Injection], begun: float) -> Answer:
    """Replay to the end, and return what came of it; ``begun`` is when, by ``perf_counter``."""
    history = History()
    with looking(shown=True) as look, replaying(loaded, told, injections) as (replays, lines):
        for line in lines:
            history.take(line)
            look(replays, line)
    return Answer(str(loaded.path), summary(replays, loaded.hash, perf_counter() - begun), history)


@contextmanager
def looking(*, shown: bool) -> Iterator[Look]:
    """Give a function that is told every line, and draws how far the replays have come where a person looks on."""
    with progress(shown=shown) as report:
        yield _look_away if report is None else _looker(report)


def _looker(report: Report) -> Look:
    lines = windows = 0

    def look(replays: Sequence[Replayed], line: Json) -> None:
        nonlocal lines, windows
        windows += line["kind"] == "window"
        if lines % _LINES_A_LOOK == 0:
            done = sum(replay.done_ratio() for replay in replays) / len(replays)
            at: Any = line.get("closed_at") or line["at"]
            report(done, f"{at[:10]} · {windows} {'window' if windows == 1 else 'windows'}")
        lines += 1

    return look


def _look_away(_replays: Sequence[Replayed], _line: Json) -> None:
    return
