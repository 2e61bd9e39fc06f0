"""Where a model's columns stand in its log, worked out from the config and the reference's own columns.

A column's name is its path less the fixed part of the ``features`` pattern: under ``inputs.*`` the field
``inputs.temp`` is the column ``temp``. In any file it is looked up by full path, then by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from monitor.errors import PermanentError
from monitor.record import Column, Kind, Layout, Role
from monitor.settings import Settings

NATIVE_FEATURES = "inputs.*"
LOWER, UPPER = "prediction.lower", "prediction.upper"
"""What the ends of the interval are called that a regression gives with its prediction."""
_NATIVE = ("timestamp", "request_id", "model_version", "prediction", "score", "target", "latency_ms", "error")
_NATIVE_GROUPS = ("resources",)


def _alone(value: Any) -> Any:
    """Let one column stand without a list."""
    return [value] if isinstance(value, str) else value


SegmentColumns: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_alone, json_schema_input_type=str | tuple[str, str]),
    Field(min_length=1, max_length=2),
]
"""One column, or a pair."""


class ColumnsSettings(Settings):
    """Where the log keeps what; dotted paths reach into nested objects."""

    timestamp: str = Field("timestamp", description="event time")
    id: str | None = Field("request_id", description="joins a record with its target")
    version: str | None = Field("model_version", description="the model's version")
    prediction: str | None = Field("prediction", description="what the model answered")
    score: str | None = Field("score", description="its probability or number")
    lower: str | None = Field(None, description="of a regression: where the interval that the model gives begins")
    upper: str | None = Field(None, description="of a regression: where it ends")
    target: str | None = Field("target", description="the true outcome, in the targets' own source")
    latency: str | None = Field("latency_ms", description="milliseconds the model took")
    error: str | None = Field("error", description="null, or a short code where the inference failed")
    resources: list[str] | None = Field(
        None, description="numbers of what an inference used; unset: those under resources in the reference"
    )
    features: str | list[str] | None = Field(
        None, description='a pattern or a list; unset: "inputs.*" if the reference has it, else every other column'
    )
    attributions: str | list[str] | None = Field(
        None, description="how much each feature decided, such as SHAP values: a pattern or a list; unset: none"
    )
    exclude: list[str] = Field(default_factory=list, description="features not to watch")
    segments: list[SegmentColumns] = Field(
        default_factory=list, description="features whose values are judged apart; [carrier, origin] is a pair"
    )
    most_segments: int = Field(20, ge=1, le=200, description="segments of each column or pair: those with most rows")

    @model_validator(mode="after")
    def _interval_has_both_ends(self) -> Self:
        if (self.lower is None) != (self.upper is None):
            raise ValueError("an interval has two ends; expected both lower and upper, or neither")
        if self.lower is not None and len({self.lower, self.upper, self.prediction}) < 3:  # noqa: PLR2004 - three columns
            raise ValueError("lower, upper and prediction name one column twice; expected three")
        return self

    @model_validator(mode="after")
    def _segments_are_distinct(self) -> Self:
        found = [tuple(sorted(columns)) for columns in self.segments]
        if len(found) > len(set(found)) or any(len(columns) > len(set(columns)) for columns in found):
            raise ValueError("segments name a column or a pair twice; expected each once")
        return self


class ColumnUnknown(PermanentError):
    """A column that the config names stands nowhere in the reference."""

    def __init__(self, column: str, near: str | None) -> None:
        hint = f'did you mean "{near}"?' if near else "name a column of the reference file"
        super().__init__(f'column "{column}" is not in the reference', hint)
        self.column = column


class ColumnRepeated(PermanentError):
    """Two fields of the log have one column name."""


def fixed_part(pattern: str) -> str:
    """Return the part of a features pattern before its first wildcard.

    >>> fixed_part("inputs.*")
    'inputs.'
    """
    return pattern.split("*", maxsplit=1)[0]


def feature_names(available: Sequence[str], settings: ColumnsSettings) -> dict[str, str]:
    """Return the features as name → path, in the order of the reference's columns.

    Raises
    ------
    ColumnUnknown: a listed or excluded feature stands nowhere.
    ColumnRepeated: two fields have one name.
    """
    named = _named_features(available, settings)
    dropped = {_resolve(column, named) for column in settings.exclude}
    kept = [(name, path) for name, path in named if name not in dropped]
    refuse_repeated(name for name, _ in kept)
    return dict(kept)


def log_path(path: str, settings: ColumnsSettings) -> str:
    """Return where a feature of the reference stands in the log.

    A reference is often flat where the log is the native format: unless the config says otherwise, a plain name is
    looked for under ``inputs``, and where there is no such object by that name alone.

    >>> log_path("temp", ColumnsSettings()), log_path("weather.temp", ColumnsSettings())
    ('inputs.temp', 'weather.temp')
    """
    return path if settings.features is not None or "." in path else fixed_part(NATIVE_FEATURES) + path


def refuse_repeated(names: Iterable[str]) -> None:
    """Refuse two columns of one name.

    Raises
    ------
    ColumnRepeated: there are some.
    """
    repeated = sorted(name for name, number in Counter(names).items() if number > 1)
    if repeated:
        raise ColumnRepeated(f'two fields have the column name "{repeated[0]}"', "list one of them under exclude")


def _named_features(available: Sequence[str], settings: ColumnsSettings) -> list[tuple[str, str]]:
    if isinstance(settings.features, list):
        return [(_last_name(path), _find(path, available)) for path in settings.features]
    pattern = settings.features
    if pattern is None and any(fnmatchcase(path, NATIVE_FEATURES) for path in available):
        pattern = NATIVE_FEATURES
    taken = _taken_paths(settings) | set(attribution_paths(available, settings))
    taken |= {path for path in available if settings.score and path.startswith(f"{settings.score}.")}
    if pattern is not None:
        start = fixed_part(pattern)
        matching = (path for path in available if path not in taken and fnmatchcase(path, pattern))
        return [(path.removeprefix(start), path) for path in matching]
    taken |= set(_NATIVE)
    return [
        (path, path) for path in available if path not in taken and path.split(".", maxsplit=1)[0] not in _NATIVE_GROUPS
    ]


def _taken_paths(settings: ColumnsSettings) -> set[str]:
    """Return the paths that the config gives another role: no pattern makes features of them."""
    unlike = {"features", "exclude", "resources", "segments", "most_segments", "attributions"}
    given = settings.model_dump(exclude=unlike).values()
    return {path for path in given if path} | set(settings.resources or ())


def _last_name(path: str) -> str:
    return path.removeprefix(fixed_part(NATIVE_FEATURES))


def _find(path: str, available: Iterable[str]) -> str:
    from difflib import get_close_matches

    known = list(available)
    if path in known:
        return path
    prefixed = fixed_part(NATIVE_FEATURES) + path
    if prefixed in known:
        return prefixed
    near = get_close_matches(path, [*known, *(_last_name(name) for name in known)], n=1)
    raise ColumnUnknown(path, near[0] if near else None)


def _resolve(column: str, named: Sequence[tuple[str, str]]) -> str:
    for name, path in named:
        if column in (name, path):
            return name
    from difflib import get_close_matches

    near = get_close_matches(column, [name for name, _ in named], n=1)
    raise ColumnUnknown(column, near[0] if near else None)


def answer_paths(available: Sequence[str], settings: ColumnsSettings) -> list[tuple[str, str, Role]]:
    """Return name, path and role of the model's answers that the reference has; of a score a class, each of its parts.

    The ends of the interval that a regression gives are answers too, each a score.

    Raises
    ------
    ColumnUnknown: one is named other than by default, and stands nowhere.
    """
    found = []
    for role in (Role.PREDICTION, Role.SCORE):
        path = getattr(settings, role.value)
        parts = [each for each in available if path is not None and each.startswith(f"{path}.")]
        if path in available:
            found.append((role.value, path, role))
        elif role is Role.SCORE and parts:
            found += [(f"score.{each.removeprefix(path).removeprefix('.')}", each, role) for each in parts]
        elif path is not None and path != ColumnsSettings.model_fields[role.value].default:
            _find(path, available)
    ends = {LOWER: settings.lower, UPPER: settings.upper}
    return found + [(name, _find(path, available), Role.SCORE) for name, path in ends.items() if path is not None]


def attribution_paths(available: Iterable[str], settings: ColumnsSettings) -> dict[str, str]:
    """Return the columns of attributions, each with the feature that it is of, as path → the feature's name.

    Raises
    ------
    ColumnUnknown: a listed one stands nowhere.

    >>> attribution_paths(["shap.temp", "temp"], ColumnsSettings(attributions="shap.*"))
    {'shap.temp': 'temp'}
    """
    known, asked = list(available), settings.attributions
    if asked is None:
        return {}
    if isinstance(asked, str):
        return {path: path.removeprefix(fixed_part(asked)) for path in known if fnmatchcase(path, asked)}
    return {_find(path, known): path.rpartition(".")[2] for path in asked}


def resource_paths(available: Iterable[str], settings: ColumnsSettings, asked: Iterable[str] = ()) -> dict[str, str]:
    """Return the resources as name → path: those the config lists, or else the reference's; and those asked for.

    >>> resource_paths(["resources.tokens", "inputs.temp"], ColumnsSettings(), ["cpu_seconds"])
    {'tokens': 'resources.tokens', 'cpu_seconds': 'resources.cpu_seconds'}
    """
    start = f"{_NATIVE_GROUPS[0]}."
    listed = settings.resources
    paths = [path for path in available if path.startswith(start)] if listed is None else listed
    named = {path.removeprefix(start): path for path in paths}
    return named | {name: start + name for name in asked if name not in named}


def record_layout(
    columns: Sequence[Column], settings: ColumnsSettings, resources: Mapping[str, str] | None = None
) -> Layout:
    """Return the layout of the model's records.

    Parameters
    ----------
    resources: name → path; none by default.
    """
    return Layout(
        timestamp=settings.timestamp,
        columns=tuple(columns),
        id=settings.id,
        version=settings.version,
        latency=settings.latency,
        error=settings.error,
        resources=tuple((resources or {}).items()),
    )


def bare_layouts(task: str, settings: ColumnsSettings) -> tuple[Layout, Layout]:
    """Return the layouts of records and targets where no column of theirs is known yet."""
    return record_layout((), settings), usual_target_layout(task, settings)


def usual_target_layout(task: str, settings: ColumnsSettings) -> Layout:
    """Return the layout of the model's targets, where the task alone tells what they are."""
    return target_layout(Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL, settings, coded=False)


def target_layout(kind: Kind, settings: ColumnsSettings, *, coded: bool) -> Layout:
    """Return the layout of the model's targets: an id, a value, and perhaps an instant."""
    return Layout(
        timestamp=settings.timestamp,
        columns=(Column("target", settings.target or "target", Role.TARGET, kind, coded),),
        id=settings.id,
        needs_timestamp=False,
        needs_id=True,
    )
