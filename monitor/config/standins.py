"""Stand-ins, to go once the real ones are there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from monitor.settings import Duration, Settings, Size, parse_duration


class FilesSettings(Settings):
    type: Literal["files"]
    path: str | list[str]
    format: Literal["auto", "jsonl", "csv", "parquet"] = "auto"
    dedup: Duration = parse_duration("0s")
    max_line: Size = 2**20


class WebhookSettings(Settings):
    name: str = Field(pattern="[a-z]+")
    type: Literal["webhook"] = "webhook"
    url: SecretStr
    secret: SecretStr | list[SecretStr] | None = None


class LogSettings(Settings):
    name: str
    type: Literal["log"] = "log"
