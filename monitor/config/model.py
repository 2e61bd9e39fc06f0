"""The whole config: the settings of every part, composed. Each class stands in the file that it sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from monitor.action import RetrainSettings
from monitor.alert import AlertSettings
from monitor.by_rule import RULE
from monitor.comparison import DriftSettings
from monitor.config.server import ServerSettings
from monitor.fairness.settings import FairnessSettings
from monitor.performance.settings import PerformanceSettings
from monitor.quality.settings import QualitySettings
from monitor.receivers import ReceiverSettings
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferenceSettings
from monitor.routing import RouteSettings
from monitor.sampling import SamplingSettings
from monitor.settings import Duration, Settings
from monitor.sources.files import FilesSettings
from monitor.sources.http import HttpSettings, HttpTargetsSettings
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.lake.settings import DeltaSettings, IcebergSettings
from monitor.sources.objects.settings import ObjectsSettings, ObjectStoreSettings
from monitor.sources.prometheus.settings import PrometheusSettings
from monitor.sources.sql.settings import SqlSettings
from monitor.store.database import StateSettings
from monitor.versions import VersionsSettings
from monitor.window import WindowSettings

MODEL_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


def _listed(value: Any) -> Any:
    """Let one source stand without a list."""
    if not isinstance(value, Mapping | list | tuple):
        raise ValueError('not a source; expected e.g. {type: files, path: "logs/*.jsonl"}')  # noqa: TRY004 - pydantic's
    return [value] if isinstance(value, Mapping) else value


_ONE, _BY_VERSION = "one", "by_version"


def _one_or_by_version(value: Any) -> str:
    """Tell one reference from a map by version: only in a map every value is a mapping itself."""
    if not isinstance(value, Mapping) or not value or ReferenceSettings.model_fields.keys() & value.keys():
        return _ONE
    return _BY_VERSION if all(isinstance(each, Mapping | ReferenceSettings) for each in value.values()) else _ONE


Task: TypeAlias = Literal["binary", "multiclass", "regression", "ranking", "multilabel", "none"]


def _source_type(value: Any) -> str:
    """Return what a source says that it is; one that says nothing is of files."""
    found = value.get("type", _FILES) if isinstance(value, Mapping) else getattr(value, "type", _FILES)
    return found if isinstance(found, str) else _FILES


_FILES, _HTTP, _SQL, _KAFKA, _OBJECTS = "files", "http", "sql", "kafka", "object_store"
_DELTA, _ICEBERG = "delta", "iceberg"
SourceSettings: TypeAlias = Annotated[
    Annotated[FilesSettings, Tag(_FILES)]
    | Annotated[HttpSettings, Tag(_HTTP)]
    | Annotated[SqlSettings, Tag(_SQL)]
    | Annotated[KafkaSettings, Tag(_KAFKA)]
    | Annotated[ObjectStoreSettings, Tag(_OBJECTS)]
    | Annotated[DeltaSettings, Tag(_DELTA)]
    | Annotated[IcebergSettings, Tag(_ICEBERG)],
    Discriminator(_source_type),
]
_OneOrMore: TypeAlias = SourceSettings | list[SourceSettings]
References: TypeAlias = Annotated[
    Annotated[ReferenceSettings, Tag(_ONE)] | Annotated[dict[str, ReferenceSettings], Tag(_BY_VERSION)],
    Discriminator(_one_or_by_version),
]
Sources: TypeAlias = Annotated[
    tuple[SourceSettings, ...], BeforeValidator(_listed, json_schema_input_type=_OneOrMore), Field(min_length=1)
]


class Outcomes(Settings):
    """How late the true outcomes may be."""

    delay: Duration = Field(timedelta(), description="a target is usually known so long after its record")
    horizon: Duration = Field(timedelta(days=30), description="no target is waited for longer")


class FilesOfTargets(Outcomes, FilesSettings):
    """Where the true outcomes lie, and how late they may be."""


class SqlOfTargets(Outcomes, SqlSettings):
    """The table of the true outcomes, and how late they may be."""


class KafkaOfTargets(Outcomes, KafkaSettings):
    """The topic of the true outcomes, and how late they may be."""


class ObjectsOfTargets(Outcomes, ObjectsSettings):
    """The objects of the true outcomes, and how late they may be."""


class DeltaOfTargets(Outcomes, DeltaSettings):
    """The Delta table of the true outcomes, and how late they may be."""


class IcebergOfTargets(Outcomes, IcebergSettings):
    """The Iceberg table of the true outcomes, and how late they may be."""


class HttpOfTargets(Outcomes, HttpTargetsSettings):
    """How late the true outcomes may be that are sent."""


TargetsSettings: TypeAlias = Annotated[
    Annotated[FilesOfTargets, Tag(_FILES)]
    | Annotated[HttpOfTargets, Tag(_HTTP)]
    | Annotated[SqlOfTargets, Tag(_SQL)]
    | Annotated[KafkaOfTargets, Tag(_KAFKA)]
    | Annotated[ObjectsOfTargets, Tag(_OBJECTS)]
    | Annotated[DeltaOfTargets, Tag(_DELTA)]
    | Annotated[IcebergOfTargets, Tag(_ICEBERG)],
    Discriminator(_source_type),
]


class ModelSettings(Settings):
    """One model: what it logs, what that is compared with, and what follows."""

    name: str = Field(pattern=MODEL_NAME, description="stands in metrics, links and messages")
    task: Task = Field("none", description="what the model answers")
    records: Sources = Field(description="where the logged inferences are; one source or a list")
    targets: TargetsSettings | None = Field(None, description="where the true outcomes are, if they ever come")
    reference: References = Field(description="what the stream is compared with: one, or a map by version")
    columns: ColumnsSettings = Field(ColumnsSettings(), description="where the log keeps what")
    sampling: SamplingSettings = Field(SamplingSettings(), description="the share of records profiled")
    rows_per_window: int = Field(5000, ge=0, le=1_000_000, description="rows kept for retraining; 0 keeps none")
    window: WindowSettings = Field(WindowSettings(), description="how event time is cut")
    drift: DriftSettings = Field(DriftSettings(), description="how columns are compared")
    performance: PerformanceSettings = Field(PerformanceSettings(), description="what is asked of the model")
    quality: QualitySettings = Field(QualitySettings(), description="what is expected of the data")
    fairness: FairnessSettings = Field(FairnessSettings(), description="groups that are to be treated alike")
    versions: VersionsSettings = Field(VersionsSettings(), description="how versions side by side are compared")
    alerts: AlertSettings = Field(AlertSettings(), description="how often a false page is accepted")
    resources: PrometheusSettings | None = Field(None, description="the model server's own metrics; unset: none")
    retrain: RetrainSettings | None = Field(None, description="how a retraining is started; unset: never")

    @field_validator("reference", mode="after")
    @classmethod
    def _rule_is_of_rows(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and RULE in value and value[RULE].path is not None:
            raise ValueError(f'"{RULE}" is the rule for versions that are not named; expected rows, and no path')
        return value


class Config(Settings):
    """One ``config.yaml``."""

    server: ServerSettings = Field(ServerSettings(), description="where the daemon listens and may send")
    state: StateSettings = Field(StateSettings(), description="where the state is kept")
    models: tuple[ModelSettings, ...] = Field(min_length=1, description="the models that are watched")
    receivers: tuple[ReceiverSettings, ...] = Field((), description="where messages go")
    routes: tuple[RouteSettings, ...] = Field((), description="which messages go where; none: all to every receiver")
