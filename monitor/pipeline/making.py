"""At a close, the references of which there are enough rows are made: what is frozen, counted again, and to be kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from monitor.instant import Instant
from monitor.judge import Judge, first_memory
from monitor.pipeline import by_evidently
from monitor.pipeline.by_evidently import new_tested
from monitor.pipeline.closed import Closed
from monitor.pipeline.gathering import Gathered
from monitor.pipeline.habits import new_habits, renewed_habits
from monitor.pipeline.intake import Intake, Transform, count_again
from monitor.pipeline.model import FOREVER, Model, Version, new_parts
from monitor.pipeline.references import Frozen
from monitor.pipeline.renewing import Followed, follow, leave
from monitor.pipeline.telling_apart import follow_on, new_apart
from monitor.pipeline.trail import Trail


@dataclass(slots=True)
class Made:
    """What a close has made of the rows that were held.

    Attributes
    ----------
    frozen: the rows of each version whose reference was made now.
    emptied: under which names rows of these versions were held. ``reduced``: versions of which fewer are held now.
    followed: what became of what is held of versions whose reference follows the stream.
    intake: what the rows after the close were counted into.
    """

    frozen: dict[str, tuple[Frozen, pa.Table]] = field(default_factory=dict)
    emptied: dict[str, list[str]] = field(default_factory=dict)
    reduced: list[str] = field(default_factory=list)
    followed: dict[str, Followed] = field(default_factory=dict)
    intake: Intake = field(default_factory=Intake)


def freeze_due(model: Model, closed: Closed) -> Made:
    """Freeze the references of which there are enough rows before a close, and let go of a retired version's rows."""
    made = Made()
    for name, held in sorted(model.gathered.items()):
        if isinstance(held, Trail):
            _follow(model, name, held, (closed, made))
        elif name in closed.retired:
            held.rows = held.after(closed.end)
            _let_go(model, name, held, made)
        elif held.is_full(closed.end):
            rows = held.chosen(closed.end)
            frozen = Frozen(held.most, closed.end)
            model.references.freeze(name, frozen, rows)
            made.frozen[name] = (frozen, rows)
            made.emptied[name] = held.pieces
    return made


def _follow(model: Model, name: str, held: Trail, news: tuple[Closed, Made]) -> None:
    closed, made = news
    retired = name in closed.retired
    followed = leave(held, closed.end) if retired else follow(model, name, held, closed.end)
    made.followed[name] = followed
    if followed.told is not None:
        closed.references.append(followed.told)
    if followed.made is not None:
        made.frozen[name] = followed.made
    if retired:
        _let_go(model, name, held, made)


def _let_go(model: Model, name: str, held: Gathered | Trail, made: Made) -> None:
    """Hold no more of a retired version than what was read of its return already."""
    if held.rows.num_rows:
        made.reduced.append(name)
    else:
        made.emptied[name] = held.pieces
        del model.gathered[name]


def judge_from_now(model: Model, made: Made, transform: Transform | None) -> None:
    """Judge the versions whose reference was made by it from the close on, with their rows that were read already."""
    layouts = model.references.layouts()
    for name, (frozen, _) in made.frozen.items():
        judge = model.references.judge(name)
        if judge is not None and frozen.before is not None:
            _judge_anew(model.versions[name], judge, frozen.at)
            _forget_panes(model, name)
        elif judge is not None:
            _judge_first(model.versions[name], judge, frozen.at)
    for name, start, until in [*_frozen_spans(made), *_waiting_spans(made)]:
        if model.references.judge(name) is None or layouts is None or name not in model.gathered:
            continue  # it cannot be used
        _forget_bare(model, name, start, until)
        rows = model.gathered[name].between(start, until)
        if rows.num_rows:
            count_again(model, made.intake, rows, layouts[0], transform)
    for name in made.frozen.keys() - made.followed.keys():
        del model.gathered[name]


def _frozen_spans(made: Made) -> list[tuple[str, Instant, Instant]]:
    """Return of which stretch rows are to be counted, for references of first rows that were made."""
    return [(name, frozen.at, FOREVER) for name, (frozen, _) in made.frozen.items() if name not in made.followed]


def _waiting_spans(made: Made) -> list[tuple[str, Instant, Instant]]:
    """Return the stretches whose rows waited for the close."""
    return [(name, *each.counted) for name, each in made.followed.items() if each.counted is not None]


def _judge_first(version: Version, judge: Judge, at: Instant) -> None:
    version.judge, version.memory, version.judged_from = judge, first_memory(judge), at
    version.habits, version.parts = new_habits(judge.usual), new_parts(judge, at)
    version.apart, version.tested = new_apart(judge.ground), new_tested(judge.values)
    for habit in version.habits.values():
        habit.changed = True  # so that the store forgets what was learnt before


def _judge_anew(version: Version, judge: Judge, at: Instant) -> None:
    """Take another reference in the place of the one that judged: what was seen against that one is no evidence."""
    version.judge, version.memory, version.measured_from = judge, first_memory(judge), at
    version.habits, version.parts = renewed_habits(version.habits, judge.usual), new_parts(judge, at)
    version.apart = follow_on(version.apart, judge.ground, at)
    version.tested = by_evidently.follow_on(version.tested, judge.values, at)


def _forget_panes(model: Model, name: str) -> None:
    """Keep of the panes of open windows no more than how many rows they have: the new reference has other bins."""
    for key in [key for key in model.panes if key[0] == name]:
        model.bare[key] = model.bare.get(key, 0) + model.panes.pop(key).rows
        model.part_panes.pop(key, None)


def _forget_bare(model: Model, name: str, since: Instant, until: Instant) -> None:
    for key in [(version, at) for version, at in model.bare if version == name and since <= at < until]:
        del model.bare[key]
