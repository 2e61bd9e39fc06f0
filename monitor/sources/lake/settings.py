"""How a table of Delta or Iceberg is named in the config."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import model_validator

from monitor.settings import Duration
from monitor.sources.dialects.settings import LoggedEventSettings
from monitor.sources.objects.settings import StoreSettings


class LakeSettings(StoreSettings):
    """What the tables of both kinds have in common."""

    format: Literal["rows", "databricks"] = "rows"
    events: LoggedEventSettings = LoggedEventSettings()
    every: Duration = timedelta(minutes=1)

    @model_validator(mode="after")
    def _folder(self) -> Self:
        if any(sign in self.path for sign in "*?["):
            raise ValueError("path is the folder of one table; expected no wildcard")
        return self


class DeltaSettings(LakeSettings):
    """A Delta table: what stands in it at the first look, then what each commit adds to it, each row once.

    ``path`` is the table's folder, the one that holds ``_delta_log``; ``every`` is how often it is looked for commits.
    ``format: databricks`` is an inference table, told further by ``events``.
    """

    type: Literal["delta"]


class IcebergSettings(LakeSettings):
    """An Iceberg table: what stands in it at the first look, then what each snapshot appends, each row once.

    ``path`` is the table's folder, the one that holds ``metadata``; ``every`` is how often it is looked for snapshots.
    ``format: databricks`` is an inference table, told further by ``events``.
    """

    type: Literal["iceberg"]
