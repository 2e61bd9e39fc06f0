"""How a bucket and what is read of it are named in the config."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.instant import microseconds
from monitor.settings import Duration, Settings, Size
from monitor.sources.dialects.settings import FileFormat, LoggedEventSettings

_SCHEMES = ("s3", "gs", "az", "abfs", "file")
_WITH_LOGIN = re.compile(r"[a-z0-9]+://[^/]*@")


def _path(value: str) -> str:
    scheme, given, rest = value.partition("://")
    if not given:
        return value
    if scheme not in _SCHEMES:
        raise ValueError(
            f"expected a path that begins with {', '.join(f'{each}://' for each in _SCHEMES)}, or no scheme"
        )
    if scheme != "file" and not rest.partition("/")[0]:
        raise ValueError("the path names no bucket; expected e.g. s3://bucket/logs/")
    return value


class StoreSettings(Settings):
    """A path in a bucket or a folder, and how its store is logged in to.

    Without ``access_key`` the credentials are those of the environment.
    """

    type: str
    path: Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_path)]
    endpoint: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9._\[\]:-]+/?$", max_length=300)] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    account: Annotated[str, Field(pattern=r"^[a-z0-9]{1,24}$")] | None = None
    anonymous: bool = False
    access_key: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    secret_key: SecretStr | None = None
    session_token: SecretStr | None = None

    @model_validator(mode="after")
    def _login(self) -> Self:
        scheme = self.path.partition("://")[0]
        if _WITH_LOGIN.match(self.path) and scheme != "abfs":  # here, as what is refused of a field is shown
            raise ValueError("a login has no place in path; expected access_key and secret_key, or the environment")
        if scheme == "az" and self.account is None:
            raise ValueError("a path that begins with az:// needs account")
        if scheme not in {"az", "abfs"} and (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key stand together")
        return self


class ObjectsSettings(StoreSettings):
    """Objects of a bucket, or files of a folder that are written once: each is read once, whole.

    ``path`` is a prefix such as ``s3://bucket/logs/``, or has wildcards as the files' have; names that begin with ``_``
    or ``.`` are passed over. Without ``access_key`` the credentials are those of the environment. ``every`` is how
    often it is looked for new objects, ``wait`` how long one that is not whole is left alone before it is refused.
    ``format`` and ``events`` are as those of files.
    """

    type: Literal["object_store"]
    format: FileFormat = "auto"
    events: LoggedEventSettings = LoggedEventSettings()
    max_line: Annotated[Size, Field(ge=1, le=64 * 2**20)] = 2**20
    every: Duration = timedelta(seconds=10)
    wait: Duration = timedelta(minutes=5)

    @property
    def dedup_nanoseconds(self) -> int:
        """Return within which time a record is known again: of a target that comes again the last counts."""
        return 0


class ObjectStoreSettings(ObjectsSettings):
    """Objects of records: one whose id stands in another that was put within ``dedup`` is refused."""

    dedup: Duration = timedelta(minutes=10)

    @property
    def dedup_nanoseconds(self) -> int:
        """Return within which time a record is known again."""
        return 1000 * microseconds(self.dedup)
