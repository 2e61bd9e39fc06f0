"""The figures behind the demo's story: how the first model ages, when its drift is paged, and what a retraining gains.

``python -m benchmarks.demo_spans [ages|windows|gains]…`` prints the tables of docs/decisions/0001-demo-story.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.harness import Row, Scalar, report
from monitor.config import load_config
from monitor.demo.cast import TRAINED_UNTIL
from monitor.demo.data import load_flights
from monitor.demo.model import Model, held_out_scores, known, roc_auc, train, write_reference
from monitor.demo.serve import TARGET_DELAY, Server
from monitor.demo.setup import prepare, write_config
from monitor.instant import from_text, to_text
from monitor.judge import Judge
from monitor.pipeline.plan import ModelPlan
from monitor.plans import model_plans
from monitor.replay import Replay
from monitor.window import WindowSettings

Figures: TypeAlias = dict[str, Scalar]
Table: TypeAlias = Callable[[], Iterator[Row]]
_JOB = "http://127.0.0.1:9000/retrain"
_SPRING_ENDS = from_text("2013-07-01T00:00:00Z")
_MONTHS = ("April", "May", "June", "July", "August", "September", "October", "November", "December")
_WINDOWS = ((24, 300, True), (24, 300, False), (12, 300, True), (6, 50, True), (6, 150, True), (1, 30, True))
_TARGETS = (40_000, 50_000, 60_000, 70_000, 76_000, 78_000, 80_000, 82_000)
_ROWS = (5_000, 10_000, 20_000, 30_000, 50_000)


def ages(past: pa.Table, future: pa.Table, first: Model) -> Iterator[Row]:
    """Yield how good version 1 is by month, and on its own days held out."""
    yield {"flights": "January to March, held out", "roc_auc": _rounded(roc_auc(past, held_out_scores(past)))}
    month = np.asarray(pc.month(pc.cast(future["timestamp"], pa.timestamp("us"))))
    for number, name in enumerate(_MONTHS, start=4):
        rows = future.filter(pa.array(month == number))
        yield {"flights": name, "roc_auc": _rounded(roc_auc(rows, first.score(rows)))}


def windows(past: pa.Table, future: pa.Table, first: Model) -> Iterator[Row]:
    """Yield what the monitor makes of April to June by length of the window, with and without the destination."""
    with TemporaryDirectory() as folder:
        plan = _logged(Path(folder), past, future, first, _SPRING_ENDS)
        for hours, least, without in _WINDOWS:
            every = timedelta(hours=hours)
            window = WindowSettings(length=every, every=every, min_rows=least)
            columns = plan.columns.model_copy(update={"exclude": ["dest"] if without else []})
            replayed = Replay(replace(plan, window=window, columns=columns))
            tried: Figures = {"window": f"{hours}h", "min_rows": least, "dest": "left out" if without else "watched"}
            yield tried | _paged(replayed, first.version)


def gains(future: pa.Table, first: Model) -> Iterator[Row]:
    """Yield what a retraining gains, by how many targets it waited for: version 1 and 2 on the same flights."""
    times = np.asarray(future["timestamp"])
    landed = np.cumsum(np.asarray(future["late"].is_valid()))
    day = TARGET_DELAY
    for targets in _TARGETS:
        place = int(np.searchsorted(landed, targets))
        promoted = ((int(times[place]) + day) // day + 1) * day
        fresh = future.filter(pa.array(times < promoted - day))
        later = future.filter(pa.array(times >= promoted))
        second = train(fresh, "2")
        row: Figures = {"targets": targets, "promoted": to_text(promoted)[:10]}
        for rows in _ROWS:
            taken = known(later).slice(0, rows)
            before, after = roc_auc(taken, first.score(taken)), roc_auc(taken, second.score(taken))
            row[f"{rows:,} flights"] = f"{before:.3f} {after:.3f}"
        with TemporaryDirectory() as folder:
            plan = _logged(Path(folder), fresh, later, second, from_text("2014-01-01T05:00:00Z"))
            paged = _paged(Replay(plan), second.version)
        yield row | {f"v2 {name}": value for name, value in paged.items()}


def _logged(folder: Path, past: pa.Table, future: pa.Table, model: Model, until: int) -> ModelPlan:
    """Write the model's reference and log, and return the demo's plan for them."""
    with prepare(folder / "demo") as made:
        write_reference(
            made.path / "references" / f"{model.version}.parquet", past, model.version, held_out_scores(past)
        )
        server = Server(future, made.path)
        server.deploy(model)
        server.serve(until)
        loaded = load_config(write_config(made.path, 10464, _JOB), {})
    return model_plans(loaded.config, loaded.root)[0]


def _paged(replay: Replay, version: str) -> Figures:
    """Return whether the promise holds, what the replay of the reference cost, and the first page."""
    alerts = [line for line in replay.lines() if line["kind"] == "alert"]
    judge = replay.pipeline.references.judge(version)
    first = alerts[0] if alerts else None
    return {
        **_caution(judge),
        "paged": first["at"][:10] if first else "never",
        "on": " ".join(first["columns"]) if first else "",
    }


def _caution(judge: Judge | None) -> Figures:
    engine = judge.engine if judge is not None else None
    return {
        "calibrated": "yes" if judge is not None and judge.calibrated else str(judge.why if judge else None),
        "kappa": engine.replay.kappa if engine is not None else None,
    }


def _rounded(area: float | None) -> float | None:
    return None if area is None else round(area, 3)


def main(wanted: list[str]) -> None:
    """Print the tables that are asked for, or all."""
    flights = load_flights()
    before = pc.less(flights["timestamp"], TRAINED_UNTIL)
    past, future = flights.filter(before), flights.filter(pc.invert(before))
    first = train(past, "1")
    tables: dict[str, Table] = {
        "ages": lambda: ages(past, future, first),
        "windows": lambda: windows(past, future, first),
        "gains": lambda: gains(future, first),
    }
    for name, rows in tables.items():
        if not wanted or name in wanted:
            report(f"demo_{name}", list(rows()))


if __name__ == "__main__":
    main(sys.argv[1:])
