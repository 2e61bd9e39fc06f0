"""What the engine costs: a step at 100 columns, compiling 100,000 rows of them with the replay, and its state."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.drift.count import compiled, engine_of
from benchmarks.drift.worlds import Simulation, World
from monitor.calibration.engine import start, step, to_bytes

_WORLD = World("cost", columns=100, rows=500, reference=200, wobble=0.1, phi=0.7)
_STEPS = 40


def costs() -> dict[str, Any]:
    """Measure on this machine; of the steps the median is told, of the compile the time of this process."""
    simulation = Simulation(_WORLD, 1)
    counter = compiled(simulation.steps(_WORLD.reference))
    began = time.process_time()
    engine = engine_of(counter, 8640.0, _WORLD.periods)
    compile_seconds = time.process_time() - began
    counts, missing = counter.count(simulation.steps(_STEPS))
    state, took = start(engine), []
    for at in range(_STEPS):
        began = time.process_time()
        state, _ = step(engine, state, _WORLD.reference + at, [count[at] for count in counts], missing[at])
        took.append(time.process_time() - began)
    return {
        "channels": len(engine.null.channels),
        "step_ms": round(statistics.median(took) * 1000, 2),
        "compile_seconds": round(compile_seconds, 2),
        "state_kb": round(len(to_bytes(engine, state)) / 1000, 1),
    }
