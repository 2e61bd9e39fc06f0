"""Windows of maintenance: while one lasts, nobody is told of a model's alerts; they fire and are recorded all the same.

The calendar of cron expressions is APScheduler's; it knows the changes of a zone's clocks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.settings import Duration, Settings, parse_duration
from monitor.times import DAYS, MIDNIGHT, Days, TimeOfDay, TimesSettings, Zone, covers, local, zone

_FIELDS = 5
_NUMBERED_DAY = re.compile(r"\d")


def _instant(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return from_text(str(value))
    except ValueError:
        raise ValueError("not an instant; expected e.g. 2026-01-05T22:00:00Z") from None


Moment = Annotated[
    int, BeforeValidator(_instant, json_schema_input_type=str), PlainSerializer(to_text, return_type=str)
]


class MaintenanceSettings(Settings):
    """A window of maintenance: by the week (days, from, to), by cron and length, or once (starts, ends)."""

    name: str = Field("maintenance", min_length=1, max_length=128, description="what it is shown as")
    days: Days = Field(DAYS, description="of the week, on which it begins")
    from_: TimeOfDay = Field(
        0, alias="from", json_schema_extra={"default": "00:00"}, description="when it begins on these days"
    )
    to: TimeOfDay = Field(
        MIDNIGHT, json_schema_extra={"default": "24:00"}, description="when it ends; before from: on the next day"
    )
    cron: str | None = Field(None, description="when it begins: minute, hour, day, month, day of the week by name")
    length: Duration | None = Field(
        None, gt=parse_duration("0s"), le=parse_duration("31d"), description="how long, from what cron says"
    )
    starts: Moment | None = Field(None, description="when it begins, once")
    ends: Moment | None = Field(None, description="when it ends, once")
    zone: Zone = Field("UTC", description="whose clocks are meant by days, from, to and cron")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = self.model_fields_set
        ways = [given & {"days", "from_", "to"}, given & {"cron", "length"}, given & {"starts", "ends"}]
        if sum(map(bool, ways)) != 1:
            raise ValueError("expected one of: days with from and to; cron with length; starts with ends")
        if self.cron is not None and self.length is not None:
            _check_cron(self.cron, self.zone)
        elif ways[1]:
            raise ValueError("expected cron and length together")
        elif ways[2] and (self.starts is None or self.ends is None):
            raise ValueError("expected starts and ends together")
        elif self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError("it ends before it starts; expected ends after starts")
        elif ways[0] and self.from_ == self.to:
            raise ValueError("it begins when it ends; expected two times of day")
        return self


def _check_cron(cron: str, name: str) -> None:
    fields = cron.split()
    if len(fields) != _FIELDS:
        raise ValueError('not a cron expression; expected five fields, e.g. "0 2 * * sun"')
    if _NUMBERED_DAY.search(fields[-1]):
        # cron counts days from Sunday, APScheduler from Monday: a number would be a day off for somebody
        raise ValueError('a day of the week as a number; expected its name, e.g. "0 2 * * sun"')
    try:
        _trigger(cron, name)
    except ValueError:
        raise ValueError('not a cron expression; expected e.g. "0 2 * * sun"') from None


@lru_cache(maxsize=64)
def _trigger(cron: str, name: str) -> Any:
    from apscheduler.triggers.cron import CronTrigger  # only where a config has one

    return CronTrigger.from_crontab(cron, timezone=zone(name))


def lasts(window: MaintenanceSettings, at: Instant) -> bool:
    """Say whether a window of maintenance lasts at an instant.

    >>> nightly = MaintenanceSettings.model_validate({"cron": "0 2 * * *", "length": "1h", "zone": "Europe/Zurich"})
    >>> [lasts(nightly, from_text(f"2026-01-05T{time}Z")) for time in ("00:59", "01:00", "01:59:59", "02:00")]
    [False, True, True, False]
    """
    if window.starts is not None and window.ends is not None:
        return window.starts <= at < window.ends
    if window.cron is not None and window.length is not None:
        # It lasts if it began less than its length ago: if the first beginning since then is not in the future.
        since = local(at - microseconds(window.length), window.zone) + timedelta(microseconds=1)
        began = _trigger(window.cron, window.zone).get_next_fire_time(None, since)
        return began is not None and began <= local(at, window.zone)
    return covers(_weekly(window), at)


def _weekly(window: MaintenanceSettings) -> TimesSettings:
    return TimesSettings.model_construct(days=window.days, from_=window.from_, to=window.to, zone=window.zone)


def lasting(windows: Sequence[MaintenanceSettings], at: Instant) -> str | None:
    """Return the name of the first window of maintenance that lasts at an instant, or ``None``."""
    return next((window.name for window in windows if lasts(window, at)), None)
