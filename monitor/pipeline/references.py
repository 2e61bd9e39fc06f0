"""The references of a model: one for all versions, or one a version.

Each version has its own where the path names ``{version}``, where the config has a map by version, and where it is made
of the version's own rows: the first (:mod:`monitor.pipeline.gathering`), or the last (:mod:`monitor.pipeline.trail`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from glob import escape, glob
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

import pyarrow as pa

from monitor.calibration.cures import GATHERING_REFERENCE, NO_REFERENCE
from monitor.calibration.gates import Uncalibrated
from monitor.errors import MonitorError
from monitor.instant import Instant
from monitor.judge import Judge
from monitor.performance.estimate.regression_estimator import FitRegression, fit_regression
from monitor.pipeline.compiling import frozen_reference, load_reference
from monitor.pipeline.plan import ModelPlan
from monitor.record import Kind, Layout
from monitor.record_layout import bare_layouts
from monitor.reference import ReferenceSettings
from monitor.scorer import Scorer
from monitor.trailing import SEASON, Trailing, trailing_of
from monitor.workers import WorkerFailed

_SLOT = "{version}"
Stamp: TypeAlias = tuple[int, ...] | None
"""What changes with a file: inode, size and times; ``None`` where it cannot be looked at."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """That a reference was made of rows of the stream.

    Attributes
    ----------
    wanted: of how many first rows it was to be made, or how it follows the stream.
    at: the end of the window by which it was made.
    first: the start of the first step that it was made of, and ``steps`` how many; of one that follows the stream.
    before: the id of the one whose place it took.
    """

    wanted: int | str
    at: Instant
    first: Instant | None = None
    steps: int = 0
    before: str | None = None


class References:
    """Compiles each reference once, when :meth:`refresh` first finds its file; ``fit`` fits a regression's losses."""

    def __init__(self, plan: ModelPlan, fit: FitRegression = fit_regression) -> None:
        self._plan, self._fit = plan, fit
        self._judges: dict[str, Judge] = {}
        self._scorers: dict[str, Scorer | None] = {}
        self.faults: dict[str, MonitorError] = {}
        """Why the reference of a version cannot be used, by version."""
        self._tried: dict[str, Stamp] = {}
        self._frozen: dict[str, Frozen] = {}

    @property
    def per_version(self) -> bool:
        """Say whether each version has a reference of its own."""
        settings = self._plan.reference
        return isinstance(settings, Mapping) or settings.path is None or _SLOT in settings.path

    def _path(self, version: str) -> Path | None:
        path = reference_path(self._plan, version)
        return None if path is None else self._plan.root / path

    def known(self) -> list[str]:
        """Return the versions whose reference lies there or is made, in order; "" where one serves all."""
        return sorted({*self._lying(), *self._frozen})

    def _lying(self) -> list[str]:
        """Return the versions whose reference is a file that lies there."""
        settings = self._plan.reference
        if isinstance(settings, Mapping):
            return [version for version in settings if (path := self._path(version)) is not None and path.exists()]
        if settings.path is None:
            return []
        if not self.per_version:
            return [""]
        head, _, tail = str(self._plan.root / settings.path).partition(_SLOT)
        found = glob(f"{escape(head)}*{escape(tail)}")  # noqa: PTH207 - Path.glob cannot escape what stands before
        return sorted(unquote(name[len(head) : len(name) - len(tail)]) for name in found)

    def refresh(self, *, strict: bool = False) -> bool:
        """Compile the references that are new, and say whether there were any; one that is gone has no fault left.

        Raises
        ------
        MonitorError: with ``strict``, the first that cannot be used; else it is kept in ``faults``.
        """
        lying = sorted(self._lying())
        there = {*lying, *self._frozen}
        self.faults = {version: error for version, error in self.faults.items() if version in there}
        paths = {version: path for version in lying if (path := self._path(version)) is not None}
        new = [each for each, path in paths.items() if each not in self._judges and self._changed(each, path)]
        for version in new:
            try:
                self._judges[version], self._scorers[version] = load_reference(self._plan, paths[version], self._fit)
                self.faults.pop(version, None)
            except MonitorError as error:
                if strict:
                    raise
                self.faults[version] = error
        return any(version in self._judges for version in new)

    def wanted_rows(self, version: str) -> int | None:
        """Return of how many first rows the reference of a version is yet to be made; ``None`` where of none."""
        own = self._settings(version)
        return None if own is None or version in self._frozen else own.rows

    def trailing(self, version: str) -> Trailing | None:
        """Return how the reference of a version follows the stream; ``None`` where it does not."""
        own = self._settings(version)
        return None if own is None else trailing_of(own.rolling, own.season, self._plan.window)

    def gathers(self, version: str) -> bool:
        """Say whether the first reference of a version is yet to be made of its rows."""
        waits = version not in self._frozen and self.trailing(version) is not None
        return waits or self.wanted_rows(version) is not None

    def holds(self, version: str) -> bool:
        """Say whether rows of a version are held, for a reference that is to be made of them."""
        return self.wanted_rows(version) is not None or self.trailing(version) is not None

    def frozen(self, version: str) -> Frozen | None:
        """Return how the reference of a version was made; ``None`` where it was not made of rows."""
        return self._frozen.get(version)

    def _settings(self, version: str) -> ReferenceSettings | None:
        settings = self._plan.reference
        return settings.get(version) if isinstance(settings, Mapping) else settings

    def _wanted(self, version: str) -> int | str | None:
        """Return of what rows the config has the reference of a version made."""
        own, trailing = self._settings(version), self.trailing(version)
        return trailing.key if trailing is not None else None if own is None else own.rows

    def why_unjudged(self, versions: Iterable[str]) -> str:
        """Return why versions without a judge have none: the reference of one is being made, or they have none."""
        gathers = any(self.gathers(version) for version in versions)
        return GATHERING_REFERENCE if gathers else NO_REFERENCE

    @property
    def may_be_made(self) -> bool:
        """Say whether the reference of some version is made of its rows."""
        settings = self._plan.reference
        return any(each.path is None for each in (settings.values() if isinstance(settings, Mapping) else [settings]))

    def freeze(self, version: str, frozen: Frozen, rows: pa.Table) -> None:
        """Compile a version's reference from the rows that it is made of; why it cannot be is kept in ``faults``."""
        self._frozen[version] = frozen
        try:
            self._judges[version], self._scorers[version] = self._compiled(version, frozen, rows)
        except WorkerFailed:  # this process is stopping: what is being closed is closed by the next
            raise
        except MonitorError as error:
            self.faults[version] = error

    def renew(self, version: str, frozen: Frozen, rows: pa.Table) -> bool:
        """Make a version's reference anew, and say whether that could be done; else the one before stays."""
        try:
            self._judges[version], self._scorers[version] = self._compiled(version, frozen, rows)
        except WorkerFailed:  # this process is stopping: what is being closed is closed by the next
            raise
        except MonitorError as error:
            self.faults[version] = error
            return False
        self._frozen[version] = frozen
        self.faults.pop(version, None)
        return True

    def _compiled(self, version: str, frozen: Frozen, rows: pa.Table) -> tuple[Judge, Scorer | None]:
        trailing = self.trailing(version)
        period = None if trailing is None or trailing.kind != SEASON else trailing.renew
        judge, scorer = frozen_reference(self._plan, rows, period, self._fit)
        short = trailing is not None and frozen.first is not None and trailing.is_short(frozen.first, frozen.at)
        return replace(judge, why=judge.why or Uncalibrated.TOO_FEW_CYCLES.value) if short else judge, scorer

    def restore(self, kept: Mapping[str, tuple[Frozen, pa.Table]]) -> None:
        """Take the references that the store holds; what was frozen since, and not kept, is none.

        One of other rows than the config asks for now was to be made anew: it is left out.
        """
        fitting = {version: each for version, each in kept.items() if each[0].wanted == self._wanted(version)}
        still = {version: frozen for version, (frozen, _) in fitting.items()}
        for version in [version for version, each in self._frozen.items() if still.get(version) != each]:
            self._judges.pop(version, None)
            self._scorers.pop(version, None)
            self.faults.pop(version, None)
            del self._frozen[version]
        for version, (frozen, rows) in fitting.items():
            if version not in self._frozen:
                self.freeze(version, frozen, rows)

    def _changed(self, version: str, path: Path) -> bool:
        """Say whether a file that could not be used is another since: a large one is not read every second."""
        stamp = _stamp(path)
        tried, self._tried[version] = self._tried.get(version) if version in self.faults else None, stamp
        return stamp is None or stamp != tried

    def judge(self, version: str) -> Judge | None:
        """Return the judge of a version; ``None`` while it has no reference that can be used."""
        return self._judges.get(version if self.per_version else "")

    def scorer(self, version: str) -> Scorer | None:
        """Return what scores a version; ``None`` where its performance cannot be told, or there is no reference."""
        return self._scorers.get(version if self.per_version else "")

    def layouts(self) -> tuple[Layout, Layout] | None:
        """Return the layouts of records and targets that the compiled references imply together.

        Before the first is made of rows they name no column.
        """
        judges = [self._judges[version] for version in sorted(self._judges)]
        if not judges:
            return bare_layouts(self._plan.task, self._plan.columns) if self.may_be_made else None
        columns = [column for judge in reversed(judges) for column in judge.reference.layout.columns]
        columns.sort(key=lambda column: column.kind is not Kind.CONSTANT)  # one value, or none, tells no type
        merged = {column.name: column for column in columns}
        first = judges[0].reference
        resources = {name: path for judge in reversed(judges) for name, path in judge.reference.layout.resources}
        layout = replace(first.layout, columns=tuple(merged.values()), resources=tuple(resources.items()))
        return layout, first.targets


def reference_path(plan: ModelPlan, version: str) -> str | None:
    """Return the path of a version's reference as the config has it; ``None`` where it is made of rows.

    Raises
    ------
    KeyError: the map by version has no such version.
    """
    settings = plan.reference
    one = settings[version] if isinstance(settings, Mapping) else settings
    return None if one.path is None else one.path.replace(_SLOT, quote(version, safe=""))


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
