"""From the name of a format to its dialect."""

from __future__ import annotations

from monitor.record import Dialect
from monitor.sources.dialects.bentoml import BentoMl
from monitor.sources.dialects.databricks import Databricks
from monitor.sources.dialects.halves import Azure, KServe
from monitor.sources.dialects.sagemaker import SageMaker
from monitor.sources.dialects.settings import LoggedEventSettings

PAIRED = frozenset({"azure", "kserve"})
"""Those in which a request and its response stand apart."""


def dialect_of(format_: str, settings: LoggedEventSettings) -> Dialect | None:
    """Return how a log of a format is read; ``None`` of one in Driftline's own layout."""
    match format_:
        case "sagemaker":
            return SageMaker(settings)
        case "bentoml":
            return BentoMl(settings, settings.timezone)
        case "databricks":
            return Databricks(settings)
        case "azure":
            return Azure(settings)
        case "kserve":
            return KServe(settings)
    return None
