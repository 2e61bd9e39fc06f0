"""What happened: a fault of the data, or a change of the population."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.diagnosis import (
    DATA_FAULT,
    POPULATION_CHANGE,
    UNCLEAR,
    Evidence,
    dependence,
    diagnose,
    fixed_rule,
    missing,
    mix,
    shift,
    spread,
    unseen,
)
from monitor.diagnosis.words import text_of
from tests.diagnosis.sides import evidence


def column(kind: str = "numeric", effect: dict[str, Any] | None = None, **current: Any) -> dict[str, Any]:
    """Return a column whose current side differs from the reference's as said."""
    side = {"rows": 1000, "missing_ratio": 0.01, "unseen_ratio": 0.0, "mean": 10.0, "sd": 2.0}
    return {"name": "x", "kind": kind, "effect": effect, "reference": side, "current": side | current}


def effect(unit: str, lower: float, upper: float) -> dict[str, Any]:
    """Return an effect with its interval."""
    return {"value": (lower + upper) / 2, "lower": lower, "upper": upper, "unit": unit}


MISSING = column(missing_ratio=0.3)
UNSEEN = column("categorical", unseen_ratio=0.2)
SHIFTED = column(effect=effect("sd", 0.5, 0.7), mean=11.2)
WIDER = column(effect=effect("sd", -0.1, 0.1), sd=3.0)
MIXED = column("categorical", effect("ratio", 0.1, 0.2))
CALM = column(effect=effect("sd", -0.1, 0.1))


RULE = {"why": "rule_broken", "method": "energy", "distance": 0.3456, "threshold": 0.2}


@pytest.mark.parametrize(
    ("cause", "seen", "kind", "detail"),
    [
        (missing.cause, MISSING, "missing_surge", "missing 1.0% to 30.0%"),
        (unseen.cause, UNSEEN, "new_category", "20.0% of rows have a value that the reference does not have"),
        (shift.cause, SHIFTED, "shift", "mean 10 to 11.2"),
        (spread.cause, WIDER, "spread", "standard deviation 2 to 3"),
        (fixed_rule.cause, CALM | RULE, "fixed_rule", "energy 0.346, from 0.2 on drifted by its fixed rule"),
        (mix.cause, MIXED, "mix", "the share of one value changed by +15.0 points"),
    ],
)
def test_each_cause_sees_itself(cause: Any, seen: dict[str, Any], kind: str, detail: str) -> None:
    """A cause says what it saw, in figures that were measured."""
    assert cause(seen) == {"kind": kind, "column": "x", "detail": detail, "factor": None}


@pytest.mark.parametrize("cause", [missing.cause, unseen.cause, dependence.cause, shift.cause, spread.cause, mix.cause])
def test_no_cause_sees_itself_in_calm(cause: Any) -> None:
    """Where nothing changed, nothing is told."""
    assert cause(CALM) is None
    assert cause(column("categorical", effect("ratio", -0.1, 0.1))) is None


@pytest.mark.parametrize("cause", [missing.cause, unseen.cause, dependence.cause, shift.cause, spread.cause, mix.cause])
def test_no_cause_needs_figures(cause: Any) -> None:
    """A column without rows, values or effect has no cause, and raises nothing."""
    nothing: dict[str, Any] = dict.fromkeys(("missing_ratio", "unseen_ratio", "mean", "sd"))
    assert cause(column(rows=0, **nothing)) is None
    bare = column() | {"reference": {"rows": 0, **nothing}}
    assert cause(bare) is None


@pytest.mark.parametrize(
    ("old", "new", "is_surge"), [(0.0, 0.05, False), (0.0, 0.051, True), (0.1, 0.2, False), (0.1, 0.21, True)]
)
def test_a_surge_is_a_rise_and_a_multiple(old: float, new: float, is_surge: bool) -> None:
    """Missing values surge when they rise by more than 5 points, to more than double."""
    seen = column(missing_ratio=new)
    seen["reference"] = seen["reference"] | {"missing_ratio": old}
    assert (missing.cause(seen) is not None) == is_surge


def test_a_numeric_column_has_no_new_category() -> None:
    """Values beyond the reference's range are no new categories."""
    assert unseen.cause(column("numeric", unseen_ratio=0.5)) is None


def test_a_fault_in_the_strongest_column_is_a_data_fault() -> None:
    """Whoever would retrain on broken data is warned."""
    assert diagnose([MISSING, SHIFTED])["class"] == DATA_FAULT


def test_a_fault_in_another_column_is_told_but_does_not_decide() -> None:
    """The strongest column decides the class; every cause is listed in order."""
    found = diagnose([SHIFTED, UNSEEN])
    assert found["class"] == POPULATION_CHANGE
    assert [cause["kind"] for cause in found["causes"]] == ["shift", "new_category"]


def test_a_fault_goes_before_a_change_of_the_same_column() -> None:
    """A column that is shifted and missing is told as missing: the shift may be of what is left."""
    both = column(effect=effect("sd", 0.5, 0.7), missing_ratio=0.5)
    assert [cause["kind"] for cause in diagnose([both])["causes"]] == ["missing_surge"]


@pytest.mark.parametrize("columns", [[], [CALM]])
def test_without_a_cause_it_is_unclear(columns: list[dict[str, Any]]) -> None:
    """Unknown is said as such."""
    found = diagnose(columns)
    assert (found["class"], found["causes"]) == (UNCLEAR, [])
    assert found["text"].startswith("Nothing that is known explains it.")


def test_at_most_twenty_causes_are_told() -> None:
    """A message has room for twenty."""
    assert len(diagnose([SHIFTED] * 30)["causes"]) == 20


def test_a_broken_rule_is_no_class_by_itself() -> None:
    """Beside a change it is said after it; alone it leaves open what happened."""
    found = diagnose([SHIFTED | RULE])
    assert found["class"] == POPULATION_CHANGE
    assert [cause["kind"] for cause in found["causes"]] == ["shift", "fixed_rule"]
    alone = diagnose([CALM | RULE])
    assert alone["class"] == UNCLEAR
    assert [cause["kind"] for cause in alone["causes"]] == ["fixed_rule"]


LOOSE = column(effect=effect("sd", -1.2, -0.8), mean=0.2) | {"name": "joint.a~b"}


def test_a_pair_that_came_loose_says_from_what_to_what() -> None:
    """The mean of a pair's products is how much its columns depend on each other."""
    found = {"kind": "dependence", "column": "joint.a~b", "detail": "dependence 10 to 0.2", "factor": None}
    assert dependence.cause(LOOSE) == found


@pytest.mark.parametrize("others", [[], [MISSING], [SHIFTED]])
def test_joint_drift_that_leads_is_unclear(others: list[dict[str, Any]]) -> None:
    """A wrong join and a changed world look alike, whatever else has moved beside it."""
    assert diagnose([LOOSE, *others])["class"] == UNCLEAR


def test_joint_drift_that_follows_changes_no_class() -> None:
    """A column that moved takes its joint scores along."""
    assert diagnose([SHIFTED, LOOSE])["class"] == POPULATION_CHANGE


@pytest.mark.parametrize(
    ("class_", "todo"),
    [
        (DATA_FAULT, "mend the pipeline, and do not retrain"),
        (POPULATION_CHANGE, "retrain on recent rows"),
        ("concept_change", "or roll back"),
        (UNCLEAR, "look at the columns before you retrain"),
    ],
)
def test_the_text_says_what_to_do(class_: str, todo: str) -> None:
    """A reader of one message knows what happened, how many columns moved, and the next step."""
    causes = [
        {"kind": "shift", "column": name, "detail": f"mean {place} to 2"} for place, name in enumerate(("a", "b", "c"))
    ]
    text = text_of(class_, [{"kind": "fixed_rule", "column": "a", "detail": "broken"}, *causes])
    assert text.startswith("a: mean 0 to 2; the same kind of change in b and c. ")
    assert todo in text


def test_columns_of_one_kind_of_change_are_grouped() -> None:
    """Forty columns that miss values read as one sentence, and what happened to others is counted beside."""
    causes = [{"kind": "missing_surge", "column": f"m{place}", "detail": "missing 1% to 30%"} for place in range(40)]
    causes[1:1] = [{"kind": "shift", "column": "temp", "detail": "mean 1 to 2"}]
    text = text_of(DATA_FAULT, causes)
    said = "m0: missing 1% to 30%; the same kind of change in m1, m2, m3 and 36 more columns; 1 more column"
    assert text.startswith(said)


def known(role: str, share: float, **more: Any) -> dict[str, Any]:
    """Return a column of a role, with its part of the drift."""
    return more | {"role": role, "share_of_drift": share}


def test_a_sure_fault_decides_where_the_answers_moved_more() -> None:
    """What a model makes of a broken input is no cause: the input's fault is."""
    seen = evidence(x=([1.0, 2.0, 3.0] * 200, [None] * 100))
    answer = known("score", 0.8, **SHIFTED | {"name": "score"})
    found = diagnose([answer, known("feature", 0.2, **CALM)], seen)
    assert found["class"] == DATA_FAULT
    assert found["causes"][-1]["kind"] == "schema_change"


def test_answers_that_moved_alone_are_unclear() -> None:
    """Where no input moved, a new model and a broken one look alike."""
    seen = evidence(x=([1.0, 2.0, 3.0] * 200, [1.0, 2.0, 3.0] * 100))
    assert diagnose([known("score", 1.0, **SHIFTED | {"name": "score"})], seen)["class"] == UNCLEAR


def test_targets_that_moved_alone_are_the_concept() -> None:
    """The outcomes differ and the inputs do not."""
    seen = evidence(x=([1.0, 2.0, 3.0] * 200, [1.0, 2.0, 3.0] * 100))
    found = diagnose([known("target", 1.0, **SHIFTED | {"name": "late"})], seen)
    assert found["class"] == "concept_change"


@pytest.mark.parametrize(("value", "is_told"), [(0.3, True), (0.01, False)])
def test_records_that_came_twice_are_told_first(value: float, is_told: bool) -> None:
    """A replayed log looks like a population that moved."""
    violation = {"column": None, "check": "duplicates", "value": value, "lower": 0.0, "upper": 0.0}
    found = diagnose([SHIFTED], Evidence(violations=[violation]))
    assert (found["causes"][0]["kind"] == "duplicates") == is_told
    assert (found["class"] == DATA_FAULT) == is_told


def test_a_type_that_changed_is_told() -> None:
    """The schema check's finding is the cause."""
    violation = {"column": "x", "check": "type", "value": 0.4, "lower": 0.0, "upper": 0.0}
    seen = evidence(x=([1.0, 2.0, 3.0] * 200, [1.0, None, 3.0] * 100))
    found = diagnose([SHIFTED], Evidence(seen.columns, [violation]))
    assert [cause["kind"] for cause in found["causes"]] == ["type_change"]


def test_a_column_that_is_calm_in_this_window_is_said_to_carry_the_alert_by_evidence() -> None:
    """Who reads that the column is under its threshold is told why it pages, before what to do; others are not."""
    under = SHIFTED | {"why": "distance_under_threshold"}
    text = diagnose([under], evidence())["text"]
    assert "Evidence over windows carries the alert, more than this window alone, in which x does not" in text
    assert text.index("Evidence over windows") < text.index("retrain")
    assert "Evidence over windows" not in diagnose([SHIFTED | {"why": "distance_over_threshold"}], evidence())["text"]
