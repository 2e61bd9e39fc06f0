"""How a format of another product is told in the config of a source."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from monitor.sources.pairing import EventSettings

DialectName: TypeAlias = Literal["sagemaker", "bentoml", "azure", "kserve", "databricks"]
FileFormat: TypeAlias = Literal["auto", "jsonl", "csv", "parquet"] | DialectName
CONTAINERS = frozenset({"jsonl", "csv", "parquet"})
"""Formats that say how a file is written, and nothing of what its records are."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Berlin") from None
    return name


class LoggedEventSettings(EventSettings):
    """How the log of another product becomes records, where ``format`` names one.

    ``features`` names inputs that come without names, ``outputs`` answers; where all stand in one object, ``outputs``
    says which of them are answers. ``service``, ``namespace``, ``component``, ``mode`` and ``within`` are for halves
    that are logged apart (``kserve``, ``azure``), ``timezone`` for clocks that tell no offset (``bentoml``).
    """

    timezone: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_zone)] = "UTC"
