"""What a model's pipeline is built from: the settings of its stages, already resolved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from monitor.action import RetrainSettings
from monitor.alert import AlertSettings
from monitor.budget import fairness_steps
from monitor.comparison import DriftSettings
from monitor.fairness.settings import FairnessSettings
from monitor.fairness.slack import Sudden
from monitor.instant import Instant, microseconds
from monitor.judge import FINE_METHODS
from monitor.performance.estimate.assumption import Assumption
from monitor.performance.settings import PerformanceSettings
from monitor.quality.settings import QualitySettings
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, ReferenceSettings
from monitor.routing import Policy
from monitor.sampling import SamplingSettings
from monitor.scorer import ScoringPlan
from monitor.settings import Settings
from monitor.sources.opening import SourceSettings
from monitor.sources.prometheus.settings import PrometheusSettings
from monitor.usage import Integers
from monitor.versions import VersionsSettings
from monitor.window import WindowSettings

_SURROUNDINGS = frozenset({"root", "external_url", "spool", "switch", "policy", "keeps_rows"})


def _told(value: object) -> object:
    """Return a setting as JSON can tell it; a secret stays one."""
    if isinstance(value, Settings):
        return {name: _told(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): _told(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _nothing(_start: Instant, _end: Instant) -> dict[str, Integers]:
    return {}


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The settings of one model.

    Attributes
    ----------
    root: what relative paths are relative to. spool: where what comes by HTTP waits; ``None`` where nothing does.
    reference: one, or one a version by its name.
    delay, horizon: a target is usually known so long after its record, and waited for no longer.
    external_url: what links in messages start with, without a slash at the end.
    policy: who is told of an alert, when and how.
    resources: where the model server tells what it uses; ``used`` returns what it told in a stretch of time, by name.
    token: the token with which a job reports back on an action, given the action's id.
    keeps_rows: whether rows are kept to retrain with, ``rows_per_window`` of each step.
    switch: while this file lies there, no action is started; ``None`` where nobody could put it there.
    """

    name: str
    task: str
    root: Path
    records: tuple[SourceSettings, ...]
    reference: ReferenceSettings | Mapping[str, ReferenceSettings]
    targets: SourceSettings | None = None
    delay: timedelta = timedelta()
    horizon: timedelta = timedelta(days=30)
    columns: ColumnsSettings = field(default_factory=ColumnsSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    performance: PerformanceSettings = field(default_factory=PerformanceSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    fairness: FairnessSettings = field(default_factory=FairnessSettings)
    versions: VersionsSettings = field(default_factory=VersionsSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    retrain: RetrainSettings | None = None
    rows_per_window: int = 5000
    keeps_rows: bool = True
    external_url: str = ""
    policy: Policy = field(default_factory=Policy)
    token: Callable[[str], str] | None = None
    spool: Path | None = None
    resources: PrometheusSettings | None = None
    used: Callable[[Instant, Instant], Mapping[str, Integers]] = _nothing
    switch: Path | None = None

    @property
    def digest(self) -> str:
        """Return what changes as soon as a setting of the model does, and is the same in every process."""
        known = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _SURROUNDINGS}
        told = {name: _told(value) for name, value in known.items() if not callable(value)}
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def reference_plan(self) -> ReferencePlan:
        """Return what shapes the model's references."""
        asked = (objective.figure.resource for objective in self.performance.objectives)
        scraped = {} if self.resources is None else self.resources.metrics
        resources = tuple(dict.fromkeys(name for name in asked if name is not None and name not in scraped))
        tallies = self.quality.tallies
        return ReferencePlan(self.task, self.columns, self.window, self.drift, FINE_METHODS, resources, tallies)

    @property
    def scoring_plan(self) -> ScoringPlan:
        """Return what is asked of the model's performance."""
        asked = self.performance
        every = microseconds(self.window.every)
        assume = Assumption(asked.assume)
        return ScoringPlan(
            self.task,
            self.columns,
            asked.metrics,
            asked.estimate,
            every,
            assume,
            asked.scores,
            self.fairness,
            asked.business_value,
            Sudden(microseconds(self.window.length), self.alerts.for_, fairness_steps(self.alerts, self.window)),
        )
