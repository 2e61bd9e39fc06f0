"""A daemon that is killed -9 again and again makes of a log what an undisturbed one makes: the same, bit for bit.

``python -m benchmarks.kills [--kills 20] [--seed 1] [--every 6h]``. The log is the flights of April to December 2013,
or a made-up one where the demo's extra is not installed. Compared are windows, alerts, actions, messages, counts,
targets, the engine's evidence, open panes and kept rows; and the windows with those of a replay without any store.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import daemon, flights
from benchmarks.daemon import Json, as_closed, final_performance
from benchmarks.harness import Row, report
from monitor.config import load_config
from monitor.errors import ConfigError
from monitor.plans import model_plans
from monitor.replay import Replay
from tests.stories.world import World

_SPREAD = 4.0
"""How much longer the moments of the kills reach together than the work takes: what a kill undoes is done again."""
_MOST = 0.9
"""Of the work, that a daemon may do before it is killed."""
_AMID = 0.4
"""The least share of the kills that must strike with some of the records read, and not all."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: so many seconds after the process was started, with so much done, and so many records left, by then."""

    moment_seconds: float
    started: bool
    records: int
    left: int
    window: str

    @property
    def is_amid(self) -> bool:
        """Say whether it struck with some of the records read, and not all."""
        return self.records > 0 and self.left > 0


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a run that was left alone made of the log, and how long its start and its work took."""

    made: Json
    start_seconds: float
    work_seconds: float


def undisturbed(config: Path, records: int) -> Undisturbed:
    """Let a daemon drain a log in peace."""
    log, loaded = config.with_suffix(".log"), load_config(config, os.environ)
    process = daemon.start(config, log)
    try:
        start_seconds = daemon.wait_for_start(process, log)
        work_seconds = daemon.wait_until_drained(process, loaded, records)
        daemon.stop(process)
    finally:
        _kill(process)
    return Undisturbed(daemon.snapshot(config), start_seconds, work_seconds)


def killed(config: Path, records: int, kills: int, seed: int, calm: Undisturbed) -> tuple[Json, list[Kill]]:
    """Kill a daemon at random moments while it drains the same log into another state; return what it made of it."""
    log, rng = config.with_suffix(".log"), random.Random(seed)  # noqa: S311 - any moment will do
    span = calm.start_seconds + min(_SPREAD / kills, _MOST) * calm.work_seconds
    struck = [_strike(config, log, rng.uniform(0.7 * calm.start_seconds, span), records) for _ in range(kills)]
    begun = log.stat().st_size
    process = daemon.start(config, log)
    try:
        daemon.wait_for_start(process, log, begun)  # all may be drained by then, and it is to hear SIGTERM
        daemon.wait_until_drained(process, load_config(config, os.environ), records)
        daemon.stop(process)
    finally:
        _kill(process)
    return daemon.snapshot(config), struck


def _strike(config: Path, log: Path, seconds: float, records: int) -> Kill:
    begun = log.stat().st_size if log.exists() else 0
    process = daemon.start(config, log)
    time.sleep(seconds)
    if process.poll() is not None:
        raise RuntimeError(f"the daemon ended by itself; see {log}")
    _kill(process)
    done = daemon.progress(load_config(config, os.environ))
    started = b'"event": "started"' in log.read_bytes()[begun:]
    return Kill(round(seconds, 3), started, done.records, records - done.records, done.window)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(60)


def replayed(config: Path) -> list[Json]:
    """Return the windows of a replay without a store, and what became known of their performance."""
    loaded = load_config(config, os.environ)
    (plan,) = model_plans(loaded.config, loaded.root)
    return [line for line in Replay(plan).lines() if line["kind"] in ("window", "performance")]


def compared(calm: Json, disturbed: Json, replay: list[Json]) -> Iterator[Row]:
    """Yield for each part of what was made whether it is the same."""
    for part, made in calm.items():
        size = len(made) if isinstance(made, list | dict) else 1
        yield _row(f"{part}: killed and undisturbed", size, same=made == disturbed[part])
    stored = {body["id"]: body for body in calm["windows"]}
    known = [body for body in replay if body["kind"] == "window" and body["id"] in stored]
    same = len(known) == len(stored) and all(as_closed(body) == as_closed(stored[body["id"]]) for body in known)
    yield _row("windows: replay and run", len(stored), same=same)
    told = final_performance(replay)
    final = {key: body for key, body in stored.items() if key in told and _is_final(body)}
    same = all(body["performance"] == told[key] for key, body in final.items())
    yield _row("performance: replay and run", len(final), same=same)


def _is_final(window: Json) -> bool:
    return bool(window["performance"]) and all(entry["final"] for entry in window["performance"])


def _row(name: str, size: int, *, same: bool) -> Row:
    return {"compared": name, "entries": size, "bar": "identical", "result": "pass" if same else "FAIL"}


def measure(calm_config: Path, killed_config: Path, kills: int, seed: int) -> tuple[list[Kill], list[Row]]:
    """Run a log of one folder with and without kills; return the kills, and what was compared.

    Parameters
    ----------
    calm_config, killed_config: alike but for their states' directories, in the folder of the log.
    """
    records = daemon.records_of(calm_config.parent)
    calm = undisturbed(calm_config, records)
    disturbed, struck = killed(killed_config, records, kills, seed, calm)
    return struck, list(compared(calm.made, disturbed, replayed(calm_config)))


def _spread_row(struck: list[Kill]) -> Row:
    """Return whether enough kills struck where there was something to lose."""
    amid = sum(kill.is_amid for kill in struck)
    enough = "pass" if amid >= _AMID * len(struck) else "FAIL"
    return {"compared": "kills amid the records", "entries": amid, "bar": f">= {_AMID:.0%}", "result": enough}


def _configs(folder: Path, every: str) -> tuple[Path, Path]:
    """Prepare a log, and two configs of it with a state each."""
    try:
        flights.prepare(folder)
    except ConfigError:  # without the demo's extra
        return made_up(folder / "made-up", hours=2_000)
    return flights.write_config(folder, every, 20, ".calm"), flights.write_config(folder, every, 20, ".killed")


def made_up(folder: Path, hours: int) -> tuple[Path, Path]:
    """Prepare a made-up log, half of it drifted, in files of a day, and two configs of it with a state each."""
    world = World(folder)
    world.reference()
    for day in range(hours // 24):
        world.log(24, shift=2.0 if day >= hours // 48 else 0.0, file=f"{day:04}")
    retrain = {"retrain": {"receiver": "job", "mode": "auto", "min_targets": 100}, "rows_per_window": 20}
    receivers = [{"name": "job", "type": "log"}, {"name": "team", "type": "log"}]
    server = {"external_url": "http://driftline.example"}
    found = []
    for state in (".calm", ".killed"):
        path = world.config(retrain, server=server, state={"directory": state}, receivers=receivers)
        found.append(path.rename(folder / f"config{state}.yaml"))
    return found[0], found[1]


def main() -> int:
    """Measure, print and write; 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Kill a daemon again and again, and compare what it makes of a log.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", default="6h", help="length of a window")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="driftline-kills-") as folder:
        configs = _configs(Path(folder), given.every)
        struck, rows = measure(*configs, given.kills, given.seed)
    report("kills_moments", [{"kill": n, **_as_row(kill)} for n, kill in enumerate(struck, 1)])
    rows = [_spread_row(struck), *rows]
    report("kills", rows)
    return 1 if any(row["result"] == "FAIL" for row in rows) else 0


def _as_row(kill: Kill) -> Row:
    return {
        "moment_seconds": kill.moment_seconds,
        "started": kill.started,
        "records": kill.records,
        "window": kill.window,
    }


if __name__ == "__main__":
    sys.exit(main())
