"""What ``driftline check`` says: whether all that the config names is there, and what the daemon would do with it.

Starts nothing and sends nothing; a receiver's name is resolved, as that is where a delivery would fail first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from monitor.app import forecast
from monitor.app.expected import quality_body
from monitor.app.misfits import (
    column_faults,
    reference_fault,
    reference_keys,
    with_idle_classifier,
    with_idle_tests,
    without_joint_scores,
)
from monitor.app.planned import (
    calibration_body,
    columns_body,
    made_references,
    promise_body,
    reference_body,
    segments_body,
    window_body,
)
from monitor.app.promised import objectives_body, usual_body
from monitor.app.samples import sample
from monitor.config import Loaded
from monitor.errors import ConfigError, DeliveryFailed, DeliveryRefused, Fault, MonitorError
from monitor.instant import microseconds
from monitor.judge import Judge
from monitor.pipeline.holding import load_made
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import Frozen, References
from monitor.plans import model_plans
from monitor.receivers import RECEIVERS, Network, ReceiverSettings
from monitor.receivers.network import Deadline, checked_targets
from monitor.record import Layout
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.kafka.source import KafkaSource
from monitor.sources.lake.settings import LakeSettings
from monitor.sources.lake.source import LakeSource
from monitor.sources.objects.listing import Found
from monitor.sources.objects.settings import ObjectsSettings
from monitor.sources.objects.source import ObjectStoreSource
from monitor.sources.opening import SourceSettings
from monitor.sources.sql.settings import SqlSettings
from monitor.sources.sql.source import SqlSource
from monitor.store.database import open_state

Json = dict[str, Any]
_LOOKUP_SECONDS = 5.0
_UNKNOWN = dict.fromkeys(("memory_bytes", "child_memory_bytes", "state_bytes", "series"))


def check(loaded: Loaded, network: Network | None = None) -> Json:
    """Return the ``check`` object of the contract for a config that holds.

    Parameters
    ----------
    network: how receivers are reached; by default as the config says.
    """
    return _Check(loaded, network or Network(egress=loaded.config.server, root=loaded.root)).body()


def check_of_faults(error: ConfigError) -> Json:
    """Return the ``check`` object of a config that does not hold."""
    return _whole(error.faults, (), [], []) | _UNKNOWN


def _whole(faults: Iterable[Fault], warnings: Iterable[Fault], models: list[Json], receivers: list[Json]) -> Json:
    found = [asdict(fault) for fault in faults]
    return {
        "kind": "check",
        "schema": 1,
        "valid": not found,
        "faults": found,
        "warnings": [asdict(fault) for fault in warnings],
        "models": models,
        "receivers": receivers,
    }


@dataclass
class _Check:
    """Collects what is found while the parts of a config are looked at."""

    loaded: Loaded
    network: Network
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    planned: list[forecast.Planned] = field(default_factory=list)

    def body(self) -> Json:
        config = self.loaded.config
        plans = model_plans(config, self.loaded.root)
        models = [self._model(place, plan) for place, plan in enumerate(plans)]
        receivers = [self._receiver(place, settings) for place, settings in enumerate(config.receivers)]
        return _whole(self.faults, (*self.loaded.warnings, *self.warnings), models, receivers) | {
            "memory_bytes": forecast.memory_bytes(self.planned),
            "child_memory_bytes": forecast.child_memory_bytes(self.planned),
            "state_bytes": forecast.state_bytes(self.planned),
            "series": forecast.series(self.planned, len(config.receivers)),
        }

    def _model(self, place: int, plan: ModelPlan) -> Json:
        judges = self._judges(place, plan)
        retention = microseconds(self.loaded.config.state.retention)
        self.planned.append(forecast.Planned(plan, judges, retention))
        version, judge = max(judges.items(), default=(None, None))
        faults = [fault for each in judges.values() for fault in column_faults(self.loaded, place, plan, each)]
        self.faults += dict.fromkeys(faults)
        if judge is not None:
            self.warnings += without_joint_scores(self.loaded, place, plan, judge)
            self.warnings += with_idle_classifier(self.loaded, place, plan, judge)
            self.warnings += with_idle_tests(self.loaded, place, judge)
        return {
            "name": plan.name,
            "task": plan.task,
            "window": window_body(plan),
            "reference": None if judge is None or version is None else reference_body(plan, version, judge),
            "columns": [] if judge is None else columns_body(plan, judge),
            "quality": quality_body(plan, judge),
            "objectives": objectives_body(plan),
            "usual": usual_body(plan, judge),
            "segments": segments_body(judge),
            "made_references": made_references(plan),
            "earlier_references": [
                {"version": name, **reference_body(plan, name, each), **promise_body(each)}
                for name, each in sorted(judges.items())
                if name != version
            ],
            **calibration_body(plan, judge),
            "sources": self._sources(place, plan),
        }

    def _judges(self, place: int, plan: ModelPlan) -> dict[str, Judge]:
        """Compile every reference that lies there; one that cannot be is a fault, none at all a warning."""
        references = References(plan)
        references.refresh()
        if references.may_be_made:
            references.restore(self._made(plan))
        for version, error in references.faults.items():
            self.faults.append(reference_fault(self.loaded, place, error, version))
        known = {version: judge for version in references.known() if (judge := references.judge(version)) is not None}
        self._warn_of_missing(place, plan, references)
        return known

    def _made(self, plan: ModelPlan) -> Mapping[str, tuple[Frozen, Any]]:
        """Return the references that a daemon has made of the log, where it has left a state."""
        try:
            state = open_state(self.loaded.config.state, self.loaded.root, exclusive=False)
        except MonitorError:
            return {}
        try:
            with state.read() as connection:
                return load_made(connection, plan.name)
        finally:
            state.close()

    def _warn_of_missing(self, place: int, plan: ModelPlan, references: References) -> None:
        """Warn of each version whose reference the config names and that does not lie there yet, or that none does."""
        there = {*references.known(), *references.faults}
        named = [*plan.reference] if isinstance(plan.reference, Mapping) else [] if there else [""]
        for version in named:
            if version not in there and references.wanted_rows(version) is None:
                where = self.loaded.place("models", place, *reference_keys(self.loaded, place, version))
                fault = where.fault("W131", "matches no file yet", "a version is judged once its reference is")
                self.warnings.append(fault)

    def _sources(self, place: int, plan: ModelPlan) -> list[Json]:
        several = len(plan.records) > 1
        wanted: list[tuple[str, SourceSettings, tuple[str | int, ...]]] = [
            ("records", settings, ("records", index) if several else ("records",))
            for index, settings in enumerate(plan.records)
        ]
        wanted += [("targets", plan.targets, ("targets",))] if plan.targets is not None else []
        return [
            self._with_sample(plan, settings, self._source(role, plan, settings, ("models", place, *loc)))
            for role, settings, loc in wanted
        ]

    def _with_sample(self, plan: ModelPlan, settings: SourceSettings, told: Json) -> Json:
        """Return what is told of a source, with its first records as they are read, unless it is too large."""
        if not told["reachable"] or not told.get("listed", {}).get("whole", True):
            return told
        return told | sample(settings, plan.columns.timestamp, plan.root, targets=told["role"] == "targets")

    def _source(self, role: str, plan: ModelPlan, settings: SourceSettings, loc: tuple[str | int, ...]) -> Json:
        if isinstance(settings, SqlSettings):
            return self._table(role, plan, settings, loc)
        if isinstance(settings, KafkaSettings):
            return self._topic(role, plan, settings, loc)
        if isinstance(settings, ObjectsSettings):
            return self._objects(role, plan, settings, loc)
        if isinstance(settings, LakeSettings):
            return self._lake(role, plan, settings, loc)
        if not isinstance(settings, FilesSettings):
            return {"role": role, "kind": settings.type, "reachable": True, "matches": 0, "why": None}
        source = FilesSource(settings, Layout(plan.columns.timestamp, ()), plan.root)
        try:
            matches, problem = len(source.matches()), source.problem()
        finally:
            source.close()
        if not matches:
            where = self.loaded.place(*loc, "path")
            self.warnings.append(where.fault("W130", "matches no file yet", "the daemon will wait for it"))
        elif problem is not None:
            self.warnings.append(self.loaded.place(*loc, "path").fault("W132", problem, "the daemon will try again"))
        reachable = problem is None or not matches
        return {"role": role, "kind": settings.type, "reachable": reachable, "matches": matches, "why": problem}

    def _table(self, role: str, plan: ModelPlan, settings: SqlSettings, loc: tuple[str | int, ...]) -> Json:
        source = SqlSource(settings, Layout(plan.columns.timestamp, ()), plan.root, at_rest=True)
        try:
            problem, warnings = source.problem(), source.advice()
        finally:
            source.close()
        if problem is not None:
            self.warnings.append(self.loaded.place(*loc, "table").fault("W132", problem, "the daemon will try again"))
        self.warnings += [self.loaded.place(*loc, "key").fault("W137", *each) for each in warnings]
        return {"role": role, "kind": settings.type, "reachable": problem is None, "matches": 0, "why": problem}

    def _topic(self, role: str, plan: ModelPlan, settings: KafkaSettings, loc: tuple[str | int, ...]) -> Json:
        source = KafkaSource(settings, Layout(plan.columns.timestamp, ()), plan.root, at_rest=True)
        try:
            partitions, problem = source.partitions(), source.problem()
        finally:
            source.close()
        if problem is not None:
            self.warnings.append(self.loaded.place(*loc, "topic").fault("W132", problem, "the daemon will try again"))
        found = [{"number": number, "first": first, "next": end} for number, first, end in partitions]
        told = {"role": role, "kind": settings.type, "reachable": problem is None, "matches": 0, "why": problem}
        return told | {"topic": settings.topic, "partitions": found}

    def _objects(self, role: str, plan: ModelPlan, settings: ObjectsSettings, loc: tuple[str | int, ...]) -> Json:
        source = ObjectStoreSource(settings, Layout(plan.columns.timestamp, ()), plan.root, at_rest=True)
        try:
            looked, problem = source.survey(), source.problem()
        finally:
            source.close()
        where, found = self.loaded.place(*loc, "path"), Found() if looked is None else looked[0]
        if looked is not None and not found.listed:
            self.warnings.append(where.fault("W130", "matches no object yet", "the daemon will wait for it"))
        elif problem is not None:
            self.warnings.append(where.fault("W132", problem, "the daemon will try again"))
        told = {"role": role, "kind": settings.type, "reachable": looked is not None, "matches": found.listed}
        listed = {"folders": found.folders, "bytes": found.listed_bytes, "whole": looked is not None and looked[1]}
        return told | {"why": problem, "path": settings.path, "listed": listed}

    def _lake(self, role: str, plan: ModelPlan, settings: LakeSettings, loc: tuple[str | int, ...]) -> Json:
        source = LakeSource(settings, Layout(plan.columns.timestamp, ()), plan.root, at_rest=True)
        try:
            step, why = source.survey(), source.problem()
        finally:
            source.close()
        where = self.loaded.place(*loc, "path")
        if why is not None:
            self.warnings.append(where.fault("W132", why, "the daemon will try again"))
        told = {"role": role, "kind": settings.type, "reachable": step is not None, "matches": 0, "why": why}
        files = () if step is None else step.files
        rows = [file.rows for file in files if file.rows is not None]
        size = sum(file.entry.size for file in files)
        table = {"files": len(files), "rows": sum(rows) if len(rows) == len(files) else None, "bytes": size}
        return told | {"path": settings.path, "table": table}

    def _receiver(self, place: int, settings: ReceiverSettings) -> Json:
        endpoint, why = RECEIVERS[settings.type].leads_to(settings), None
        if endpoint is not None:
            try:
                checked_targets(self.network, endpoint.host, endpoint.port, Deadline(_LOOKUP_SECONDS, endpoint.shown))
            except (DeliveryFailed, DeliveryRefused) as error:
                why = error.message
                where = self.loaded.place("receivers", place, "url")
                refused = isinstance(error, DeliveryRefused)
                hint = (
                    "add its network to server.allow_networks"
                    if refused
                    else "deliveries to it wait and are tried again"
                )
                (self.faults if refused else self.warnings).append(
                    where.fault("E121" if refused else "W121", why, hint)
                )
        shown = None if endpoint is None else endpoint.shown
        return {"name": settings.name, "kind": settings.type, "valid": why is None, "address": shown, "why": why}
