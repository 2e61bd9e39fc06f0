"""From rows of a log to groups, and to the worst difference between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.fairness.disparity import Disparity
from monitor.fairness.measure import Groups, Measure, Observed
from monitor.fairness.registry import MEASURES
from monitor.fairness.settings import FairnessSettings
from monitor.fairness.slack import Sudden, slack
from monitor.performance.pairs import UNKNOWN, ClassPairs, Places
from monitor.performance.reading import Answers, class_answers, class_text, pairs_of

MOST_GROUPS = 50
"""A column may have more values: those with most rows of the reference are groups."""
_TARGET, _REFERENCE = "target", "reference"


@dataclass(frozen=True, slots=True)
class Watch:
    """What is measured between the groups of one column.

    Attributes
    ----------
    column: its name; ``key``: in canonical rows. ``names``: the groups, those with most rows first.
    before: the reference's rows with targets, ``None`` if it has none. ``expected``: of each measure on the reference.
    slack: of each measure with a limit, see :func:`monitor.fairness.slack.slack`; of which there is none is not there.
    """

    column: str
    key: str
    names: tuple[str, ...]
    measures: tuple[Measure, ...]
    before: Observed | None = field(default=None, repr=False)
    expected: Mapping[str, float | None] = field(default_factory=dict, repr=False)
    slack: Mapping[str, float] = field(default_factory=dict, repr=False)


def watch_groups(
    answers: Answers,
    column: tuple[str, str],
    rows: pa.Table,
    targets: Sequence[str | None],
    settings: FairnessSettings,
    told: tuple[NDArray[np.int64] | None, Sudden],
) -> Watch:
    """Learn the groups of a column from the reference, and how far apart they are there.

    Parameters
    ----------
    column: its name, and its key in ``rows``.
    targets: of each row as JSON.
    told: the instant of each row, ``None`` without timestamps, and what is sudden.
    """
    name, key = column
    counted = rows[key].combine_chunks().value_counts()
    sizes = {
        class_text(value): int(n)
        for value, n in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    }
    groups = tuple(
        sorted((str(value) for value in sizes if value is not None), key=lambda each: -sizes[each])[:MOST_GROUPS]
    )
    allowed = {each for each, is_there in (("prediction", answers.prediction), ("score", answers.score)) if is_there}
    able = [measure for measure in MEASURES.values() if measure.needs <= {*allowed, "prediction", _TARGET, _REFERENCE}]
    names = settings.measures
    chosen = tuple(measure for measure in able if names is None or measure.name in names)
    watch = Watch(name, key, groups, chosen)
    limited = [measure for measure in chosen if measure.name in settings.at_most]
    seen, places = _observed(answers, watch, rows, targets)
    everyone = unlabelled(answers, watch, rows) if limited else None
    slacks = dict[str, float]()
    if told[0] is not None:
        times: NDArray[np.int64] = told[0]
        for measure in limited:
            mine, at = (seen, times[places]) if _TARGET in measure.needs else (everyone, times)
            found = None if mine is None else slack(measure, mine, at, seen, told[1])
            slacks |= {} if found is None else {measure.name: found}
    known = {} if seen is None else {measure.name: measure.compute(seen, seen).value for measure in chosen}
    return Watch(name, key, groups, chosen, seen, known, slacks)


def observe(answers: Answers, watch: Watch, rows: pa.Table, targets: Sequence[str | None]) -> Observed | None:
    """Return the rows whose target is known, with their groups; ``None`` if there is none."""
    return _observed(answers, watch, rows, targets)[0]


def _observed(
    answers: Answers, watch: Watch, rows: pa.Table, targets: Sequence[str | None]
) -> tuple[Observed | None, Places]:
    pairs, places = pairs_of(answers, rows, targets)
    if not isinstance(pairs, ClassPairs) or not len(places):
        return None, places
    return Observed(pairs, _groups(watch, rows.take(pa.array(places)))), places


def unlabelled(answers: Answers, watch: Watch, rows: pa.Table) -> Observed:
    """Return all rows with their groups, for measures that read no target."""
    predictions, scores = class_answers(answers, rows)
    nobody = np.zeros(rows.num_rows, dtype=np.intp)
    return Observed(ClassPairs(answers.classes, nobody, predictions, scores), _groups(watch, rows))


def disparities(answers: Answers, watch: Watch, rows: pa.Table, targets: Sequence[str | None]) -> dict[str, Disparity]:
    """Return the worst difference between groups by measure; those that need targets only where some are known."""
    known, everyone = observe(answers, watch, rows, targets), unlabelled(answers, watch, rows)
    found = {}
    for measure in watch.measures:
        observed = known if _TARGET in measure.needs else everyone
        if observed is not None:
            found[measure.name] = measure.compute(observed, watch.before)
    return found


def _groups(watch: Watch, rows: pa.Table) -> Groups:
    places = {name: place for place, name in enumerate(watch.names)}
    if watch.key not in rows.column_names:
        return Groups(watch.names, np.full(rows.num_rows, UNKNOWN, dtype=np.intp))
    coded = rows[watch.key].combine_chunks()
    coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
    known = [places.get(class_text(value) or "", UNKNOWN) for value in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False).astype(np.intp)
    return Groups(watch.names, np.asarray([*known, UNKNOWN], dtype=np.intp)[codes])
