"""How a table is named in the config."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from monitor.settings import Duration, Settings
from monitor.sources.dialects.settings import LoggedEventSettings

_NAME = r"[A-Za-z_][A-Za-z0-9_$]{0,127}"
_URL = re.compile(r"[a-z][a-z0-9]*(\+[a-z][a-z0-9_]*)?://\S*")


def _url(value: SecretStr) -> SecretStr:
    if not _URL.fullmatch(value.get_secret_value()):
        raise ValueError("expected an address as SQLAlchemy has it: postgresql+psycopg://user@host/database")
    return value


class SqlSettings(Settings):
    """A table or view, read in the order of ``key``.

    ``key`` only grows: a serial number, or the instant at which a row was written; the table should have an index on
    it. Rows become visible when their transaction is committed, perhaps after rows of a higher key: so none is read
    before it has been there for ``settle``. ``rows`` is how many are read at once.
    ``format: databricks`` is a copy of an inference table, told further by ``events``.
    """

    type: Literal["sql"]
    url: Annotated[SecretStr, AfterValidator(_url)]
    table: Annotated[str, Field(pattern=rf"^({_NAME}\.)?{_NAME}$", max_length=257)]
    key: Annotated[str, Field(pattern=rf"^{_NAME}$")]
    settle: Duration = timedelta(seconds=10)
    format: Literal["rows", "databricks"] = "rows"
    events: LoggedEventSettings = LoggedEventSettings()
    rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000

    @property
    def names(self) -> tuple[str | None, str]:
        """Return the schema, if one is named, and the table."""
        schema, _, table = self.table.rpartition(".")
        return schema or None, table
