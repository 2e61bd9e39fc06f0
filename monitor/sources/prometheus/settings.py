"""How the metrics of a model server are named in the config."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from monitor.settings import Duration, Settings, Size
from monitor.sources.prometheus.selector import selector

_NAME = r"^[a-z][a-z0-9_]{0,62}$"


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or parts.username is not None or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("not an address of metrics; expected e.g. http://127.0.0.1:8000/metrics")
    return value


def _selector(value: str) -> str:
    selector(value)
    return value


class PrometheusSettings(Settings):
    """The model server's own metrics, which are scraped into the ``resources`` of windows.

    ``metrics`` names resources and where each is found: a metric, perhaps with labels, such as
    ``queue: 'requests_waiting{model="churn"}'``. Series that it finds are added up; of counters it is how much they
    grow a second.
    """

    type: Literal["prometheus"]
    url: Annotated[str, AfterValidator(_address)]
    metrics: Annotated[
        dict[Annotated[str, Field(pattern=_NAME)], Annotated[str, AfterValidator(_selector)]],
        Field(min_length=1, max_length=32),
    ]
    every: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = timedelta(seconds=15)
    timeout: Annotated[Duration, Field(ge=timedelta(milliseconds=100), le=timedelta(minutes=1))] = timedelta(seconds=5)
    max_body: Annotated[Size, Field(ge=2**10, le=2**26)] = 4 * 2**20
