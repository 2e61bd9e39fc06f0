"""What of a model's config does not fit its references, blamed where it stands: for ``check``, and before a start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.util import find_spec

from monitor.by_rule import RULE
from monitor.calibration.conformal import LEAST_SCORES
from monitor.comparison import ColumnDriftSettings
from monitor.config import Loaded
from monitor.config.place import Place
from monitor.derive.joint import GROUP
from monitor.drift.by_evidently import TESTS
from monitor.errors import Fault, MonitorError, ReferenceUnusable
from monitor.judge import Judge
from monitor.performance.reading import AnswerUnfit
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import References
from monitor.record import Kind
from monitor.record_layout import ColumnUnknown
from monitor.scorer import MatrixUnfit
from monitor.segments import SegmentUnfit

_UNKNOWN_COLUMN, _UNFIT_COLUMN, _UNFIT_METHOD = "E166", "E167", "E103"
_ANSWERS = ("prediction", "score")


def reference_fault(loaded: Loaded, place: int, error: MonitorError, version: str | None = None) -> Fault:
    """Return the fault of a reference that cannot be used; it stands where the config names its path.

    Parameters
    ----------
    version: of the reference; ``None`` where it is not known.
    """
    code = error.code if isinstance(error, ReferenceUnusable) else _UNFIT_COLUMN
    keys = reference_keys(loaded, place, version)
    if isinstance(error, MatrixUnfit):
        keys = ("performance", "business_value")
    if isinstance(error, AnswerUnfit):
        code, keys = _UNFIT_METHOD, ("columns", error.role)
    if isinstance(error, ColumnUnknown):
        columns = loaded.config.models[place].columns
        role = [role for role in _ANSWERS if getattr(columns, role) == error.column]
        named = {name for names in columns.segments for name in names}
        code, keys = _UNKNOWN_COLUMN, ("columns", *(role[:1] or ["segments"] * (error.column in named)))
    if isinstance(error, SegmentUnfit):
        keys = "columns", "segments"
    return loaded.place("models", place, *keys).fault(code, error.message, error.hint or None)


def reference_faults(loaded: Loaded, place: int, plan: ModelPlan, error: MonitorError) -> list[Fault]:
    """Return the faults of a model's references after one of them could not be used: of a map, each at its version."""
    if not isinstance(plan.reference, Mapping):
        return [reference_fault(loaded, place, error)]
    references = References(plan)
    references.refresh()
    faults = [reference_fault(loaded, place, each, version) for version, each in references.faults.items()]
    return faults or [reference_fault(loaded, place, error)]


def reference_keys(loaded: Loaded, place: int, version: str | None) -> tuple[str, ...]:
    """Return the keys that lead to what a version's reference is made of, as far as they are known."""
    settings = loaded.config.models[place].reference
    if not isinstance(settings, Mapping):
        return "reference", "path" if settings.rows is None else "rows"
    if version is None:
        return ("reference",)
    named = version if version in settings else RULE
    return "reference", named, "path" if settings[named].rows is None else "rows"


def column_faults(loaded: Loaded, place: int, plan: ModelPlan, judge: Judge) -> Iterator[Fault]:
    """Yield the settings of columns that are not there, or that the named method is not for."""
    kinds = {column.name: column.kind for column in judge.reference.all_columns}
    methods = {watched.column.name: watched.method for watched in judge.watched}
    for name, own in plan.drift.columns.items():
        where = loaded.place("models", place, "drift", "columns", name)
        if name not in kinds:
            yield where.fault(_UNKNOWN_COLUMN, "no column of the reference has this name", _near(name, kinds))
        elif own.is_fixed and name not in methods:
            yield where.fault(
                _UNFIT_METHOD, f"{kinds[name]} columns are not compared, so that no rule of theirs is broken"
            )
        elif (
            own.method is not None
            and not own.by_evidently
            and name in methods
            and kinds[name] not in methods[name].kinds
        ):
            message = f"{own.method} does not compare {kinds[name]} columns"
            yield where.fault(_UNFIT_METHOD, message, "leave method out for the one of its kind")
        elif own.by_evidently and name in methods:
            yield from _unfit_test(where, own, judge, name, kinds[name])
        elif own.circular is not None and kinds[name] is not Kind.NUMERIC:
            yield where.fault(_UNFIT_METHOD, f"a {kinds[name]} column does not go round", "leave circular out")
    yield from _quality_faults(loaded, place, plan, kinds)


def _unfit_test(where: Place, own: ColumnDriftSettings, judge: Judge, name: str, kind: Kind) -> Iterator[Fault]:
    """Yield why a test of Evidently's is not for a column: it is of another kind, or stands in no log."""
    known = ", ".join(each for each, test in TESTS.items() if kind in test.kinds) or "none"
    if kind not in TESTS[own.method or ""].kinds:
        yield where.fault(_UNFIT_METHOD, f"{own.method} is not for {kind} columns", f"Evidently's for such: {known}")
    elif judge.values is None or name not in judge.values.rules:
        message = f"{own.method} needs the values themselves, and this column is made of another: it stands in no log"
        yield where.fault(_UNFIT_METHOD, message, "take a native method, which needs none")


def _quality_faults(loaded: Loaded, place: int, plan: ModelPlan, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    """Yield what is expected of columns that are not there, or that are of a kind which has no such thing."""
    for name, own in plan.quality.columns.items():
        where = loaded.place("models", place, "quality", "columns", name)
        if name not in kinds:
            yield where.fault(_UNKNOWN_COLUMN, "no column of the reference has this name", _near(name, kinds))
        elif own.range is not None and kinds[name] is not Kind.NUMERIC:
            yield where.fault(_UNFIT_METHOD, f"a {kinds[name]} column has no range", "leave range out")
        elif own.length is not None and kinds[name] is not Kind.TEXT:
            yield where.fault(_UNFIT_METHOD, f"a {kinds[name]} column has no length", "leave length out")
    numbers = [name for name, kind in kinds.items() if kind is Kind.NUMERIC]
    for number, (left, _, right) in enumerate(plan.quality.pairs):
        for side, name in ((0, left), (2, right)):
            if name not in numbers:
                where = loaded.place("models", place, "quality", "pairs", number, side)
                message = "no numeric column of the reference has this name"
                yield where.fault(_UNKNOWN_COLUMN, message, _near(name, numbers))


def without_joint_scores(loaded: Loaded, place: int, plan: ModelPlan, judge: Judge) -> Iterator[Fault]:
    """Yield that joint scores are asked for, where the reference allows none: nothing joint is watched then."""
    if plan.drift.joint.columns and not any(column.parent == GROUP for column in judge.reference.all_columns):
        where = loaded.place("models", place, "drift", "joint", "columns")
        message = "no joint scores: two columns with values must take part, and the reference have 16 rows or more"
        yield where.fault("W133", message, "give a longer reference, or leave joint out")


def with_idle_classifier(loaded: Loaded, place: int, plan: ModelPlan, judge: Judge) -> Iterator[Fault]:
    """Yield why a classifier that is asked for raises no alert by itself: it is shown, and has no part in evidence."""
    ground = judge.ground
    if ground is None:
        return
    where = loaded.place("models", place, "drift", "joint", "classifier")
    steps = len(ground.sizes) if ground.usable else 0
    if find_spec("sklearn") is None:
        install = 'python -m pip install "driftline[reports]"'
        yield where.fault("W134", "the classifier needs scikit-learn, which is not installed", install)
    elif steps < LEAST_SCORES:
        message = f"the classifier raises no alert: the last two thirds of the reference hold {steps} whole steps"
        hint = f"give a reference with {LEAST_SCORES} there, or a shorter classifier_every"
        yield where.fault("W134", f"{message}, of {plan.drift.joint.classifier_every.days} d", hint)


def with_idle_tests(loaded: Loaded, place: int, judge: Judge) -> Iterator[Fault]:
    """Yield that columns are under rules on Evidently's tests, where Evidently is not installed: each has failed."""
    if judge.values is not None and find_spec("evidently") is None:
        where = loaded.place("models", place, "drift", "columns", next(iter(judge.values.rules)))
        message = "a rule on a test of Evidently's, which is not installed: the column has failed in every window"
        yield where.fault("W138", message, 'python -m pip install "driftline[reports]"')


def _near(name: str, known: Iterable[str]) -> str | None:
    found = get_close_matches(name, known, n=1)
    return f'did you mean "{found[0]}"?' if found else None
