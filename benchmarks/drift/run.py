"""Runs streams one after the other; what is done is kept, so that a run that was stopped goes on where it ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift.faults import inject
from benchmarks.drift.real import Shuffled
from benchmarks.drift.referee import Referee, referee_of, reference_of
from benchmarks.drift.streams import Null, Search, history
from benchmarks.drift.worlds import Simulation

Json = dict[str, Any]
_VALUES_AT_ONCE = 4_000_000
_FIRST_LOOK = 16  # steps of a fault that are judged at once


def periods_of(source: Simulation | Shuffled) -> tuple[int, ...]:
    """Return the seasons that a config would tell the engine of: a day and a week, in steps."""
    if isinstance(source, Simulation):
        return source.world.periods
    parts = source.source.parts
    day = parts // 7 if parts % 7 == 0 and parts > 1 else parts
    return tuple(sorted({period for period in (day, day * 7) if period > 1}))


def run_null(stream: Null) -> Json:
    """Judge a stream without drift."""
    source = history(stream.source, stream.seed, again=stream.again)
    referee = referee_of(reference_of(source), stream.budget, periods_of(source))
    begun = referee.now
    steps = stream.steps or (source.left if isinstance(source, Shuffled) else 0)
    while referee.now < begun + steps:
        referee.watch(source.steps(min(begun + steps - referee.now, _at_once(source))))
    return {
        "name": stream.name,
        "source": stream.source,
        "real": stream.real,
        "steps": referee.now - begun,
        "budget": stream.budget,
        "pages": [page - begun for page in referee.pages],
        "peak": round(referee.peak, 3),
        **_about(referee),
    }


def _at_once(source: Simulation | Shuffled) -> int:
    if isinstance(source, Shuffled):
        return 64 * source.source.parts
    return max(1, min(64, _VALUES_AT_ONCE // (source.world.rows * source.world.columns)))


def _about(referee: Referee) -> Json:
    why = referee.engine.uncalibrated
    return {
        "blocks": referee.engine.null.blocks,
        "channels": len(referee.engine.null.channels),
        "kappa": referee.engine.replay.kappa,
        "uncalibrated": None if why is None else str(why),
    }


def run_searches(streams: Sequence[Search]) -> Iterator[Json]:
    """Put one fault after the other into the same history: the streams have source and seed in common."""
    one = streams[0]
    source = history(one.source, one.seed)
    reference = reference_of(source)
    calm = source.steps(one.calm)
    referee = referee_of(reference, 8640.0, periods_of(source))
    referee.watch(calm)
    false, evidence, begun = len(referee.pages), referee.evidence, referee.now
    after = [source.steps(_FIRST_LOOK) for _ in range(-(-one.watched // _FIRST_LOOK))]
    for stream in streams:
        referee.evidence, referee.now, referee.pages = evidence, begun, []
        rng = np.random.default_rng([stream.seed, 7])
        for sheet in after:
            referee.watch(inject(sheet, reference, stream.fault, rng))
            if referee.pages:
                break
        delay = referee.pages[0] - begun + 1 if referee.pages else None
        fault = {"kind": stream.fault.kind, "size": stream.fault.size, "column": stream.fault.column}
        yield {"name": stream.name, "source": stream.source, **fault, "delay": delay, "false": false}


def resumed(path: Path, nulls: Sequence[Null], searches: Sequence[Search]) -> tuple[list[Json], list[Json]]:
    """Return the results of all streams; those in ``path``, a line each, are not run again."""
    done = (
        {line["name"]: line for line in map(json.loads, path.read_text("utf-8").splitlines())} if path.exists() else {}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    for stream in nulls:
        if stream.name not in done:
            _keep(path, done, run_null_timed(stream))
    for _, group in groupby(searches, key=lambda one: (one.source, one.seed)):
        asked = [stream for stream in group if stream.name not in done]
        for line in run_searches(asked) if asked else ():
            _keep(path, done, line)
    return [done[stream.name] for stream in nulls], [done[stream.name] for stream in searches]


def run_null_timed(stream: Null) -> Json:
    """Judge a stream without drift, and say on standard error that it was."""
    began = time.monotonic()
    line = run_null(stream)
    told = f"{line['name']}: {len(line['pages'])} pages in {line['steps']} steps, {time.monotonic() - began:.0f} s"
    print(told, file=sys.stderr, flush=True)
    return line


def _keep(path: Path, done: dict[str, Json], line: Json) -> None:
    done[line["name"]] = line
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
