"""Times of the week in a zone of their own, as people agree on them: office hours, nights, week-ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from monitor.instant import Instant
from monitor.settings import Settings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
MIDNIGHT = 24 * 60
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _minutes(value: Any) -> Any:
    """Read ``08:00``, or ``24:00`` for the end of a day; minutes pass through."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MIDNIGHT:
        return value
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None and value != "24:00":
        raise ValueError('not a time of day; expected "00:00" to "24:00", in quotes')
    return MIDNIGHT if match is None else int(match[1]) * 60 + int(match[2])


def _time_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _some(days: tuple[Day, ...]) -> tuple[Day, ...]:
    if not days:
        raise ValueError("no day; expected one at least, such as mon")
    return days


def known_zone(name: str) -> str:
    """Return a zone's name if it is known here.

    Raises
    ------
    ValueError: it is not.
    """
    try:
        zone(name)
    except (LookupError, OSError, ValueError):
        raise ValueError('no time zone has this name; expected e.g. "Europe/Zurich" or "UTC"') from None
    return name


TimeOfDay = Annotated[
    int, BeforeValidator(_minutes, json_schema_input_type=str), PlainSerializer(_time_text, return_type=str)
]
Days = Annotated[
    tuple[Day, ...], BeforeValidator(_listed, json_schema_input_type=Day | list[Day]), AfterValidator(_some)
]
Zone = Annotated[str, AfterValidator(known_zone)]


class TimesSettings(Settings):
    """Times of the week: on these days from one time to another; one that ends before it begins goes over midnight."""

    days: Days = Field(DAYS, description="mon, tue, wed, thu, fri, sat, sun, on which it begins")
    from_: TimeOfDay = Field(0, alias="from", json_schema_extra={"default": "00:00"}, description="when it begins")
    to: TimeOfDay = Field(MIDNIGHT, json_schema_extra={"default": "24:00"}, description="when it ends")
    zone: Zone = Field("UTC", description="whose clocks are meant, such as Europe/Zurich")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("it begins when it ends; expected two times of day")
        return self


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return a time zone."""
    return ZoneInfo(name)


def local(at: Instant, name: str) -> datetime:
    """Return an instant as the clocks of a zone show it.

    >>> local(0, "Europe/Zurich").isoformat()
    '1970-01-01T01:00:00+01:00'
    """
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone(name))


def covers(times: TimesSettings, at: Instant) -> bool:
    """Say whether an instant lies within times of the week; the end is no part of them.

    >>> nights = TimesSettings.model_validate({"days": "thu", "from": "22:00", "to": "06:00"})
    >>> [covers(nights, hours * 3_600_000_000) for hours in (5, 21, 22, 29, 30)]  # from Thursday 1970-01-01 on
    [False, False, True, True, False]
    """
    shown = local(at, times.zone)
    minute, today = shown.hour * 60 + shown.minute, DAYS[shown.weekday()]
    if times.from_ < times.to:
        return today in times.days and times.from_ <= minute < times.to
    yesterday = DAYS[shown.weekday() - 1]
    return (today in times.days and minute >= times.from_) or (yesterday in times.days and minute < times.to)


def any_covers(times: Sequence[TimesSettings], at: Instant) -> bool:
    """Say whether an instant lies within any of several times; without any, always."""
    return not times or any(covers(each, at) for each in times)
