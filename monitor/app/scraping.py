"""A model whose server is scraped: what it told is asked for when a window closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from monitor.instant import Instant
from monitor.pipeline.plan import ModelPlan
from monitor.sources.prometheus.kept import Kept
from monitor.sources.prometheus.scraper import Scraper

_FOLDER = "resources"


def with_scraper(plan: ModelPlan, directory: Path, clock: Callable[[], Instant]) -> tuple[ModelPlan, Scraper | None]:
    """Return a plan that asks a scraper, and the scraper, which is yet to be started; the plan alone without one.

    Parameters
    ----------
    directory: of the state.
    """
    if plan.resources is None:
        return plan, None
    kept = Kept(directory / _FOLDER / f"{plan.name}.jsonl", list(plan.resources.metrics))
    return replace(plan, used=kept.between), Scraper(plan.resources, kept, clock)
