"""The base of every settings class, and the words an operator writes lengths, rates and sizes in.

A settings class stands at the top of the file that it sets; ``config.py`` composes them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) per (\d{1,9}(?:ms|s|m|h|d|w))")
_SIZE = re.compile(r"(\d{1,12})(B|KiB|MiB|GiB|kB|MB|GB)")


class Settings(BaseModel):
    """Frozen, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Rate(Settings):
    """So many in a stretch of time."""

    count: float
    period: timedelta

    def __str__(self) -> str:
        return f"{self.count:g} per {duration_text(self.period)}"


def parse_duration(value: Any) -> Any:
    """Read ``500ms 30s 15m 1h 7d 1w``; anything but text passes through.

    Raises
    ------
    ValueError: the text is not a duration.

    >>> parse_duration("1h")
    datetime.timedelta(seconds=3600)
    """
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError('not a duration; expected e.g. "30s", "5m", "1h"')
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError('not a duration; expected e.g. "30s", "5m", "1h"')
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def duration_text(length: timedelta) -> str:
    """Write a duration in the largest unit that divides it.

    >>> duration_text(timedelta(days=7)), duration_text(timedelta(minutes=90))
    ('1w', '90m')
    """
    milliseconds = length // timedelta(milliseconds=1)
    for unit in reversed(_UNITS):
        size = round(_UNITS[unit] * 1000)
        if milliseconds % size == 0 and milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def parse_rate(value: Any) -> Any:
    """Read ``2 per 7d``; anything but text passes through.

    >>> str(parse_rate("1 per 30d"))
    '1 per 30d'
    """
    if not isinstance(value, str):
        return value
    match = _RATE.fullmatch(value)
    if match is None:
        raise ValueError('not a rate; expected e.g. "1 per 30d"')
    return Rate(count=float(match[1]), period=parse_duration(match[2]))


def parse_size(value: Any) -> Any:
    """Read ``64MiB``; a bare number is bytes.

    >>> parse_size("1MiB")
    1048576
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError('not a size; expected e.g. "64MiB"')
    return int(match[1]) * _BYTES[match[2]]


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(duration_text, return_type=str),
]
Frequency = Annotated[
    Rate,
    BeforeValidator(parse_rate, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=str | int)]
