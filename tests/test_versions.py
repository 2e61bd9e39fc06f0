from __future__ import annotations

from typing import Any

import pytest

from monitor.calibration.difference import Contest, Side, difference, enter
from monitor.versions import (
    Advice,
    Figure,
    VersionsSettings,
    Versus,
    advise,
    comparison_body,
    comparison_words,
)

Json = dict[str, Any]
SETTINGS = VersionsSettings()


def contest(means: list[float], rows: int = 1000) -> Contest:
    """Return the comparison of blocks in which the newer version's mean is so much higher."""
    found = Contest()
    for each in means:
        found = enter(found, Side((each + 1) * rows, rows), Side(1.0 * rows, rows))
    return found


CLEAR, NOTHING, TINY = [-0.05, -0.06] * 8, [0.01, -0.012] * 4, [1e-5, -1e-5] * 8


def body(**means: list[float]) -> Json:
    """Return a comparison with targets, given the differences of each figure's blocks."""
    named = {(Figure(name), ""): contest(each) for name, each in means.items()}
    return comparison_body(Versus("1", 0, named), SETTINGS, with_targets=True)


def figure(found: Json, name: str) -> Json:
    """Return one figure of a comparison."""
    return next(each for each in found["figures"] if each["figure"] == name)


@pytest.mark.parametrize(
    ("means", "verdict", "why"),
    [
        (CLEAR, "better", "interval_beyond_zero"),
        ([-each for each in CLEAR], "worse", "interval_beyond_zero"),
        (NOTHING, "no_difference_yet", "interval_holds_zero"),
        (TINY, "no_difference_yet", "difference_under_interest"),
        (CLEAR[:4], "no_difference_yet", "too_few_blocks"),
    ],
)
def test_a_lower_loss_is_better(means: list[float], verdict: str, why: str) -> None:
    """The verdict is the loss's: by which side of 0 its interval lies on, with the reason where it lies on neither."""
    found = body(loss=means)
    assert (found["verdict"], found["why"]) == (verdict, why)


def test_without_rows_of_both_nothing_is_said() -> None:
    """A figure that no stretch showed is unknown, and is no difference of 0."""
    found = figure(body(loss=CLEAR), "latency")
    assert (found["why"], found["value"], found["rows_needed"]) == ("no_rows_of_both", None, None)


def test_without_targets_the_estimate_decides() -> None:
    """Where no target is ever known the verdict is by what is estimated, and says so."""
    versus = Versus("1", 0, {(Figure.ESTIMATE, ""): contest(CLEAR)})
    found = comparison_body(versus, SETTINGS, with_targets=False)
    assert (found["verdict"], found["by"]) == ("better", "estimate")


def test_latency_is_a_ratio() -> None:
    """A mean logarithm that is higher by log 2 is twice as slow, and held against a tenth."""
    found = figure(body(latency=[0.69, 0.6962944] * 8), "latency")
    assert found["value"] == pytest.approx(2.0, abs=0.001)
    assert (found["verdict"], found["smallest"]) == ("worse", pytest.approx(1.1))


def test_predictions_are_neither_better_nor_worse() -> None:
    """Of classes the one is shown whose share is most clearly another; each has its part of a quarter of alpha."""
    named = {(Figure.PREDICTIONS, name): contest(means) for name, means in (("a", NOTHING), ("b", CLEAR))}
    found = figure(comparison_body(Versus("1", 0, named), SETTINGS, with_targets=True), "predictions")
    assert (found["of"], found["verdict"]) == ("b", "different")
    alone = difference(contest(CLEAR), SETTINGS.alpha / 4 / 2)
    assert alone is not None
    assert (found["lower"], found["upper"]) == (alone.lower, alone.upper)


@pytest.mark.parametrize(
    ("found", "advice", "why"),
    [
        (body(loss=CLEAR), Advice.PROMOTE, "loses_less"),
        (body(loss=CLEAR, latency=[0.5, 0.6] * 8), Advice.NONE, "loses_less_but_slower"),
        (body(loss=[-each for each in CLEAR]), Advice.ROLL_BACK, "loses_more"),
        (body(loss=NOTHING), Advice.NONE, "no_difference_yet"),
        (comparison_body(Versus("1", 0), SETTINGS, with_targets=False), Advice.NONE, "no_targets"),
        (None, Advice.NONE, "no_comparison"),
    ],
)
def test_only_targets_speak_for_an_action(found: Json | None, advice: Advice, why: str) -> None:
    """A version is worth promoting if it loses less and is not slower, and rolling back if it loses more."""
    assert advise(found) == (advice, why)


def test_words_say_how_many_rows_are_missing() -> None:
    """What is not decided names the rows that are still needed; what is decided does not."""
    head, loss, latency = comparison_words("2", body(loss=NOTHING, latency=CLEAR))
    assert head == "version 2 beside 1: no difference yet by the loss (interval holds zero)"
    assert "more rows at this difference" in loss
    assert latency == "latency 0.946 times (0.941 to 0.952): better"
