"""What is asked of a model: its performance metrics, whether they are estimated, and its objectives.

An objective is a promise about one figure of the model, such as ``{metric: latency_p99, at_most: 50ms}``. It says what
the model's users need, not what is usual: so it is outside the false-alarm budget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from monitor.performance.business_value import business_value
from monitor.settings import Duration, Settings, duration_text, parse_duration

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%")
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")
_METRIC = re.compile(r"[a-z][a-z0-9_.]*")
RESOURCE_STATS = ("sum", "mean", "p50", "p95", "p99")


class Unit(StrEnum):
    """What a limit is given in."""

    SECONDS = "seconds"
    RATIO = "ratio"
    PLAIN = "plain"


class Limit(Settings):
    """The end of an allowed range: a length of time in seconds, a share, or a plain number."""

    value: float = Field(allow_inf_nan=False)
    unit: Unit

    def __str__(self) -> str:
        match self.unit:
            case Unit.SECONDS:
                return duration_text(timedelta(seconds=self.value))
            case Unit.RATIO:
                return f"{self.value * 100:g}%"
            case Unit.PLAIN:
                return f"{self.value:g}"

    @property
    def written(self) -> float | str:
        """Return it as a config has it."""
        return self.value if self.unit is Unit.PLAIN else str(self)


def parse_limit(value: Any) -> Any:
    """Read ``50ms``, ``1 %`` or a number; a limit passes through.

    Raises
    ------
    ValueError: it is none of them.

    >>> parse_limit("50ms").value, parse_limit("1 %").value, parse_limit(0.75).value
    (0.05, 0.01, 0.75)
    """
    if isinstance(value, Limit):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Limit(value=float(value), unit=Unit.PLAIN)
    percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent is not None:
        return Limit(value=float(percent[1]) / 100, unit=Unit.RATIO)
    try:
        return Limit(value=parse_duration(value).total_seconds(), unit=Unit.SECONDS)
    except ValueError as error:
        raise ValueError('not a limit; expected a number, a share such as "1 %", or a time such as "50ms"') from error


LimitText = Annotated[
    Limit,
    BeforeValidator(parse_limit, json_schema_input_type=float | str),
    PlainSerializer(lambda limit: limit.written, return_type=float | str),
]


class Subject(StrEnum):
    """What kind of figure an objective is about."""

    LATENCY = "latency"
    ERRORS = "errors"
    VOLUME = "volume"
    FRESHNESS = "freshness"
    RESOURCE = "resource"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure that a metric's name means.

    Attributes
    ----------
    quantile: of a latency or a resource, as a share of the records; ``None`` for other statistics.
    resource: its name, and ``stat`` one of ``RESOURCE_STATS``.
    """

    subject: Subject
    quantile: float | None = None
    resource: str | None = None
    stat: str | None = None


_PLAIN = {"error_rate": Subject.ERRORS, "volume": Subject.VOLUME, "freshness": Subject.FRESHNESS}


def figure(metric: str) -> Figure:
    """Return what a metric's name means.

    Raises
    ------
    ValueError: it cannot be a metric's name.

    >>> figure("latency_p99").quantile, figure("resource.tokens.mean").resource, figure("roc_auc").subject.value
    (0.99, 'tokens', 'performance')
    """
    if metric in _PLAIN:
        return Figure(_PLAIN[metric])
    if metric.startswith("latency"):
        share = _quantile(metric.removeprefix("latency_"))
        if share is None:
            raise ValueError("no such latency; expected e.g. latency_p50, latency_p95, latency_p99, latency_p99.9")
        return Figure(Subject.LATENCY, share)
    if metric.startswith("resource."):
        name, _, stat = metric.removeprefix("resource.").rpartition(".")
        if not name or stat not in RESOURCE_STATS:
            raise ValueError(f"no such resource; expected resource.<name>.<{'|'.join(RESOURCE_STATS)}>")
        return Figure(Subject.RESOURCE, _quantile(stat), name, stat)
    if _METRIC.fullmatch(metric) is None:
        raise ValueError("no metric is named so; expected e.g. latency_p99, error_rate, volume, freshness, roc_auc")
    return Figure(Subject.PERFORMANCE)


def is_performance(metric: str) -> bool:
    """Say whether a name is that of a performance metric, were there such a one."""
    try:
        return figure(metric).subject is Subject.PERFORMANCE
    except ValueError:
        return False


def _quantile(name: str) -> float | None:
    match = _QUANTILE.fullmatch(name)
    share = round(float(match[1]) / 100, 5) if match is not None else 0.0
    return share if share > 0 else None


_TIMES = frozenset({Subject.LATENCY, Subject.FRESHNESS})
_CEILINGS = frozenset({Subject.LATENCY, Subject.FRESHNESS, Subject.ERRORS})


class ObjectiveSettings(Settings):
    """One promise about a figure of the model."""

    metric: str = Field(description="latency_p99, error_rate, volume, freshness, resource.tokens.mean, roc_auc, …")
    at_least: LimitText | None = Field(None, description="the lowest good value")
    at_most: LimitText | None = Field(None, description="the highest good value; latency and freshness with a unit")
    share: float | None = Field(
        None, gt=0, lt=1, description="share of windows that must be good; unset: latency and errors count records"
    )
    over: Duration = Field(parse_duration("30d"), description="the period over which that share holds")

    @property
    def figure(self) -> Figure:
        """Return the figure that the metric means."""
        return figure(self.metric)

    @property
    def name(self) -> str:
        """Return the objective in words, as alerts and metrics have it: the same however its limits were written.

        >>> ObjectiveSettings(metric="latency_p99", at_most="0.05s").name
        'latency_p99 at most 50ms'
        """
        limits = (("at least", self.at_least), ("at most", self.at_most))
        said = " and ".join(f"{words} {limit}" for words, limit in limits if limit is not None)
        return f"{self.metric} {said}" + (f" in {self.share * 100:g}% of windows" if self.share is not None else "")

    @field_validator("metric")
    @classmethod
    def _names_a_figure(cls, metric: str) -> str:
        figure(metric)
        return metric

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        subject = self.figure.subject
        if self.at_least is None and self.at_most is None:
            raise ValueError("an objective needs at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least.value > self.at_most.value:
            raise ValueError("at_least is above at_most: no value is good")
        if self.at_least is not None and subject in _CEILINGS:
            raise ValueError(f"{self.metric} takes at_most, not at_least")
        if self.over <= timedelta():
            raise ValueError("over must be longer than 0s")
        for limit in (self.at_least, self.at_most):
            if limit is not None:
                self._check_limit(subject, limit)
        return self

    def _check_limit(self, subject: Subject, limit: Limit) -> None:
        if subject in _TIMES and limit.unit is not Unit.SECONDS:
            raise ValueError(f'{self.metric} is a time; expected e.g. "50ms"')
        if subject not in _TIMES | {Subject.RESOURCE} and limit.unit is Unit.SECONDS:
            raise ValueError(f"{self.metric} is no time; expected a number or a share")
        if subject is Subject.ERRORS and not 0 <= limit.value < 1:
            raise ValueError('error_rate is a share under 1; expected e.g. 0.01 or "1 %"')
        if subject is Subject.VOLUME and (limit.value < 0 or limit.unit is not Unit.PLAIN):
            raise ValueError("volume is a number of records in a stretch of window.every")


class PerformanceSettings(Settings):
    """How well the model must do, and what is computed to know it."""

    metrics: list[str] | None = Field(None, description="performance metrics to compute; unset: those of the task")
    estimate: bool = Field(default=True, description="estimate them where targets are not known yet")
    assume: Literal["covariate_shift", "label_shift"] = Field(
        "covariate_shift",
        description="what moves while estimates hold; label_shift: the share of positives of a binary model",
    )
    business_value: tuple[tuple[float, ...], ...] | None = Field(
        None,
        description="what answers bring: a row for each class as target, in it a number for each class as prediction",
    )
    objectives: tuple[ObjectiveSettings, ...] = Field((), description="what the model's users need of it")

    @property
    def scores(self) -> tuple[str, ...]:
        """Return the performance metrics that objectives name, which are computed whatever ``metrics`` says."""
        named = (each.metric for each in self.objectives if each.figure.subject is Subject.PERFORMANCE)
        return tuple(dict.fromkeys(named))

    @field_validator("business_value")
    @classmethod
    def _is_square(cls, matrix: tuple[tuple[float, ...], ...] | None) -> tuple[tuple[float, ...], ...] | None:
        if matrix is not None:
            business_value(matrix)
        return matrix

    @model_validator(mode="after")
    def _objectives_differ(self) -> Self:
        names = [objective.name for objective in self.objectives]
        if len(set(names)) < len(names):
            raise ValueError("an objective is given twice")
        return self
