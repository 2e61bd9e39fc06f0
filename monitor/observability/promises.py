"""The objectives of a config, as rules for Prometheus need them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from monitor.instant import microseconds
from monitor.observability.rules import Promise
from monitor.performance.burning import pairs
from monitor.performance.objective import allowed_ratio
from monitor.performance.settings import ObjectiveSettings
from monitor.settings import duration_text
from monitor.window import WindowSettings


def promises_of(
    model: str, objectives: Iterable[ObjectiveSettings], window: WindowSettings, held: int
) -> Iterator[Promise]:
    """Yield each objective of a model.

    Parameters
    ----------
    held: windows in a row before an objective without a budget is told of.
    """
    for objective in objectives:
        due = pairs(microseconds(objective.over), microseconds(window.every))
        found = [(_text(pair.long), _text(pair.short), pair.rate, pair.severity) for pair in due]
        budget = tuple(found) if allowed_ratio(objective) is not None else ()
        yield Promise(model, objective.name, budget, duration_text((held - 1) * window.every))


def _text(length: int) -> str:
    return duration_text(timedelta(microseconds=length))
