"""Several models replayed in child processes: the same lines as in one process, in the same order.

A child is told the config's path and replays its share of the models, since what judges a model holds closures and
cannot be sent. It stops whenever the pipe is full, so that no line is held but those of one message a child.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from traceback import print_exception
from typing import Any, NamedTuple

from monitor.errors import ConfigError, FatalError, Fault
from monitor.injection import Injection
from monitor.instant import Instant
from monitor.replay import Json, Line, Told

_LINES_A_MESSAGE = 32
_PATIENCE_SECONDS = 5.0
_UNEXPECTED = "E300"

Placed = tuple[Instant, int, int, Json]
"""A line with its instant, its rank, and its model's place in the config: so are the lines of all models ordered."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is told; ``places`` are those of its models in the config, whose hash must still be ``hash``."""

    config: Path
    hash: str
    told: Told
    injections: tuple[Injection, ...]
    now: Instant
    places: tuple[int, ...] = ()


class Ready(NamedTuple):
    """The references are compiled: how many files each model has, and what is at fault in the config."""

    matches: dict[int, int]
    faults: dict[int, list[Fault]]


class Some(NamedTuple):
    """Lines, and which share of each model's records is read."""

    lines: list[Placed]
    done_ratios: dict[int, float]


class Done(NamedTuple):
    """What came of each model: its part of the summary, its injections, and whether an alert fired."""

    outcomes: dict[int, tuple[Json, list[Json], bool]]


class Failed(NamedTuple):
    """What ended a child."""

    code: str
    message: str
    hint: str


@dataclass(slots=True)
class Remote:
    """A model that a child replays, as far as it has told."""

    matches: int = 0
    ratio: float = 0.0
    outcome: tuple[Json, list[Json], bool] | None = None

    def done_ratio(self) -> float:
        """Return the share of the history that is replayed."""
        return self.ratio

    def summary(self) -> Json:
        """Return the model's part of the ``summary`` object, once all lines are taken."""
        return self._ended[0]

    def injected(self) -> list[Json]:
        """Return what came of each injection, once all lines are taken."""
        return self._ended[1]

    @property
    def fired(self) -> bool:
        """Say whether any alert fired, once all lines are taken."""
        return self._ended[2]

    @property
    def _ended(self) -> tuple[Json, list[Json], bool]:
        if self.outcome is None:
            raise RuntimeError("asked before the end of the replay")
        return self.outcome


class Worker:
    """A child and what comes from it."""

    def __init__(self, job: Job, remotes: Sequence[Remote]) -> None:
        context = get_context("spawn")
        self._models = {place: remotes[place] for place in job.places}
        self._pipe, far = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(target=replay_share, args=(far, job), daemon=True)
        self._process.start()
        far.close()  # so that the end of the child is the end of the pipe

    def ready(self) -> dict[int, list[Fault]]:
        """Wait until the references are compiled; return what is at fault in the config, by the model's place."""
        told = self._receive()
        for place, matches in told.matches.items():
            self._models[place].matches = matches
        return dict(told.faults)

    def lines(self) -> Iterator[Placed]:
        """Yield the lines of this child's models."""
        while isinstance(told := self._receive(), Some):
            for place, ratio in told.done_ratios.items():
                self._models[place].ratio = ratio
            yield from told.lines
        for place, outcome in told.outcomes.items():
            self._models[place].outcome = outcome

    def _receive(self) -> Any:
        try:
            told = self._pipe.recv()
        except EOFError:
            raise self._died() from None
        if isinstance(told, Failed):
            raise FatalError(*told)
        return told

    def _died(self) -> FatalError:
        self._process.join(_PATIENCE_SECONDS)
        code = self._process.exitcode
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        return FatalError(_UNEXPECTED, f"a process that replays models {how}", "it may have run out of memory")

    def stop(self) -> None:
        """End the child, whatever it does."""
        self._process.terminate()
        self._process.join(_PATIENCE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


@contextmanager
def side_by_side(job: Job, models: int, workers: int) -> Iterator[tuple[list[Remote], Iterator[Json]]]:
    """Replay a config's models in so many child processes; give the models, and all their lines in order.

    Raises
    ------
    ConfigError: with the faults of all models, in the config's order.
    FatalError: a child failed, or died.
    """
    remotes = [Remote() for _ in range(models)]
    running: list[Worker] = []
    try:
        for first in range(workers):
            places = tuple(range(first, models, workers))
            share = Job(job.config, job.hash, job.told, job.injections, job.now, places)
            running.append(Worker(share, remotes))
        faults: dict[int, list[Fault]] = {}
        for each in running:
            faults |= each.ready()
        if faults:
            raise ConfigError([fault for place in sorted(faults) for fault in faults[place]])
        ordered = merge(*(each.lines() for each in running), key=lambda line: line[:3])
        yield remotes, (body for _, _, _, body in ordered)
    finally:
        for each in running:
            each.stop()


def replay_share(pipe: Connection, job: Job) -> None:
    """Replay a share of a config's models, and send what comes of it; what goes wrong is sent too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; who started this one ends it
    try:
        _replay_share(pipe, job)
    except BrokenPipeError:
        return  # nobody listens any more
    except Exception as error:  # noqa: BLE001 - the outermost edge of a process
        from monitor.cli.program import fatal

        if "--debug" in sys.argv:
            print_exception(error)
        found = fatal(error)
        with suppress(BrokenPipeError):
            pipe.send(Failed(found.code, found.message, found.hint))


def _replay_share(pipe: Connection, job: Job) -> None:
    from monitor.cli.common import read_config
    from monitor.cli.compiling import compiled

    loaded = read_config(job.config, quiet=True)
    if loaded.hash != job.hash:
        raise FatalError(_UNEXPECTED, "the config changed while it was read", "run it again")
    replays, faults = compiled(loaded, job.told, job.injections, job.now, job.places)
    pipe.send(Ready({place: replay.matches for place, replay in replays.items()}, faults))
    if faults:
        return
    placed = (_placed(place, replay.ranked_lines()) for place, replay in replays.items())
    lines = merge(*placed, key=lambda line: line[:3])
    while some := list(islice(lines, _LINES_A_MESSAGE)):
        pipe.send(Some(some, {place: replay.done_ratio() for place, replay in replays.items()}))
    ended = {place: (each.summary(), each.injected(), each.fired) for place, each in replays.items()}
    pipe.send(Done(ended))


def _placed(place: int, lines: Iterator[Line]) -> Iterator[Placed]:
    return ((at, rank, place, body) for at, rank, body in lines)
