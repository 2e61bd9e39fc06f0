"""At a close, the references of which there are enough rows are made: what is frozen, counted again, and to be kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from monitor.instant import Instant
from monitor.judge import first_memory
from monitor.pipeline.closed import Closed
from monitor.pipeline.habits import new_habits
from monitor.pipeline.intake import Intake, Transform, count_again
from monitor.pipeline.model import Model, new_parts
from monitor.pipeline.references import Frozen


@dataclass(slots=True)
class Made:
    """What a close has made of the rows that were held.

    Attributes
    ----------
    frozen: the rows of each version whose reference was made now.
    emptied: under which names rows of these versions were held. ``reduced``: versions of which fewer are held now.
    intake: what the rows after the close were counted into.
    """

    frozen: dict[str, tuple[Frozen, pa.Table]] = field(default_factory=dict)
    emptied: dict[str, list[str]] = field(default_factory=dict)
    reduced: list[str] = field(default_factory=list)
    intake: Intake = field(default_factory=Intake)


def freeze_due(model: Model, closed: Closed) -> Made:
    """Freeze the references of which there are enough rows before a close, and let go of a retired version's rows."""
    made = Made()
    for name, held in sorted(model.gathered.items()):
        if name in closed.retired:
            _let_go(model, name, closed.end, made)
        elif held.is_full(closed.end):
            rows = held.chosen(closed.end)
            frozen = Frozen(held.most, closed.end)
            model.references.freeze(name, frozen, rows)
            made.frozen[name] = (frozen, rows)
            made.emptied[name] = held.pieces
    return made


def _let_go(model: Model, name: str, end: Instant, made: Made) -> None:
    """Hold no more of a retired version than what was read of its return already."""
    held = model.gathered[name]
    held.rows = held.after(end)
    if held.rows.num_rows:
        made.reduced.append(name)
    else:
        made.emptied[name] = held.pieces
        del model.gathered[name]


def judge_from_now(model: Model, made: Made, transform: Transform | None) -> None:
    """Judge the versions whose reference was made by it from the close on, with their rows that were read already."""
    layouts = model.references.layouts()
    for name, (frozen, _) in made.frozen.items():
        held = model.gathered.pop(name)
        version, judge = model.versions[name], model.references.judge(name)
        if judge is None or layouts is None:
            continue  # it cannot be used
        version.judge, version.memory, version.judged_from = judge, first_memory(judge), frozen.at
        version.habits, version.parts = new_habits(judge.usual), new_parts(judge, frozen.at)
        for habit in version.habits.values():
            habit.changed = True  # so that the store forgets what was learnt before
        _forget_bare(model, name, frozen.at)
        rows = held.after(frozen.at)
        if rows.num_rows:
            count_again(model, made.intake, rows, layouts[0], transform)


def _forget_bare(model: Model, name: str, since: Instant) -> None:
    for key in [(version, at) for version, at in model.bare if version == name and at >= since]:
        del model.bare[key]
