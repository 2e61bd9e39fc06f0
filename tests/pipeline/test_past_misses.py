"""How far estimates were off before widens the bands that are shown, and hides nothing from what judges them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.performance.estimate.band import Misses, widened
from monitor.performance.estimate.outlook import Outlook
from monitor.performance.metric import Value
from monitor.pipeline.cohorts import Scored, scored_body, scored_from
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.past_misses import MOST, Past, misses_of
from monitor.store.window import list_windows
from monitor.window import WindowSettings
from tests.passes import ALL, opened, plain
from tests.scored import hours_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import BEGIN, Json

WRONG = 0.15
OWN = Misses(np.zeros(5), np.full(5, 0.01**2))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a reference in which 15 % of the answers are wrong."""
    write_reference(tmp_path, WRONG)
    return tmp_path


def past_of(errors: list[float]) -> Past:
    """Return the past of so many windows, each estimated with a standard error of 0.01."""
    past = Past("r", {"accuracy": 0.8})
    for error in errors:
        past = past.later({"accuracy": (error, 0.01**2)})
    return past


def estimates(root: Path, **changes: Any) -> list[Json]:
    """Return what is known of accuracy as windows close, in the order of time."""
    pipeline = Pipeline(scored_plan(root, **changes), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    pipeline.close()
    entries = [plain(body)["performance"] for each in closed for body in each.windows]
    return [next(entry for entry in each if entry["metric"] == "accuracy") for each in entries if each]


def width(entry: Json) -> float:
    """Return how wide a band is."""
    return float(entry["estimated"]["upper"] - entry["estimated"]["lower"])


def log(root: Path, wrong: float, hours: int = 16, share: float = 1.0) -> None:
    """Write some hours with so many wrong answers, and the targets of a share of them an hour later."""
    found = hours_of(range(hours), wrong)
    write_records(root, found)
    write_targets(root, found[:: round(1 / share)])


def test_sixty_windows_that_missed_make_the_band_of_their_misses() -> None:
    """Errors of 0.03 beside a standard error of 0.01 give a half width of 0.06: 1.96 of 0.01, and 2.00 of 0.0283."""
    misses = past_of([0.03] * MOST).beside({"accuracy": OWN})["accuracy"]
    assert widened(0.8, 0.01**2, misses) == pytest.approx((0.74, 0.86), abs=5e-4)


@pytest.mark.parametrize(("bias", "windows", "low", "high"), [(0, 0, 0.93, 0.98), (0, 32, 0.93, 0.98), (2, 32, 0.9, 1)])
def test_bands_hold_what_they_should_again(bias: int, windows: int, low: float, high: float) -> None:
    """Of 400 histories 95 % of bands hold; if all estimates are two errors too low, again after 32 windows."""
    rng, held = np.random.default_rng(7), 0
    for _ in range(400):
        past, own = past_of(rng.normal(bias * 0.01, 0.01, windows).tolist()), rng.normal(0, 0.01, 30)
        lower, upper = widened(0.0, 0.01**2, past.beside({"accuracy": Misses(own, np.full(30, 0.01**2))})["accuracy"])
        held += lower <= rng.normal(bias * 0.01, 0.01) <= upper
    assert low <= held / 400 <= high


def test_windows_take_the_place_of_the_oldest_steps_of_the_reference() -> None:
    """The last of both together are kept, the reference's first in order."""
    own = Misses(np.arange(float(MOST)), np.ones(MOST))
    joined = past_of([0.5, -0.5]).beside({"accuracy": own})["accuracy"]
    assert joined.errors.tolist() == [*range(2, MOST), 0.5, -0.5]


def test_a_past_is_bounded() -> None:
    """Of very many windows the last are remembered."""
    assert past_of([float(n) for n in range(200)]).misses["accuracy"][0] == (200.0 - MOST, 0.01**2)


def test_a_past_is_told_in_three_numbers() -> None:
    """Errors of 0.1 and -0.3 have the mean -0.1 and the root of their mean square, the root of 0.05."""
    assert past_of([0.1, -0.3]).told("accuracy") == pytest.approx({"mean": -0.1, "rms": 0.05**0.5, "windows": 2})
    assert past_of([0.1]).told("f1") is None


def test_a_few_targets_are_no_miss() -> None:
    """A realised value of under thirty rows says next to nothing of an estimate."""
    seen = {"accuracy": Outlook(0.8, 0.01, 29)}
    assert misses_of(seen, {"accuracy": Value(0.5, 0.3, 0.7, 29)}) == {}
    assert misses_of(seen, {"accuracy": Value(0.5, 0.3, 0.7, 30)}) == {"accuracy": (0.5 - 0.8, 0.01)}


def test_a_state_of_before_has_no_past() -> None:
    """What a version without pasts remembered is opened; one with a past comes back as it was."""
    scored = {"1": Scored(past=past_of([0.1, 0.2]))}
    kept = scored_body(scored)
    assert scored_from(kept)["1"] == scored["1"]
    del kept["1"]["past"]
    assert scored_from(kept)["1"].past is None


def test_misses_widen_the_bands_that_are_shown(root: Path) -> None:
    """Where 40 % of answers are wrong and 15 % are foretold, later bands hold what the first did not."""
    log(root, 0.4)
    found = estimates(root)
    first, last = found[0], found[-1]
    assert not first["estimated"]["lower"] <= 0.6 <= first["estimated"]["upper"]
    assert last["estimated"]["lower"] <= 0.6 <= last["estimated"]["upper"]
    assert width(last) > 1.5 * width(first)
    assert first["past_error"] is None
    assert last["past_error"]["mean"] == pytest.approx(-0.25, abs=0.06)


def test_a_wider_band_does_not_hide_a_change_of_concept(root: Path) -> None:
    """However wide the band that is shown, that windows go on missing what the reference foretells is said."""
    log(root, 0.4, hours=30)
    assert estimates(root)[-1]["estimate_why"] == "concept_change"


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_estimates_that_hold_stay_about_as_narrow(root: Path, share: float) -> None:
    """Where as many answers are wrong as foretold, also if half of the targets come, bands grow little."""
    log(root, WRONG, hours=30, share=share)
    found = estimates(root, horizon=timedelta(hours=3))
    assert found[-1]["past_error"]["windows"] >= 20
    assert width(found[-1]) < 1.25 * width(found[0])


def test_of_windows_that_overlap_one_counts(root: Path) -> None:
    """Windows of four hours that close every hour add a miss every four hours."""
    log(root, WRONG, hours=24)
    window = WindowSettings(length=timedelta(hours=4), every=timedelta(hours=1))
    assert estimates(root, window=window)[-1]["past_error"]["windows"] in {4, 5}


def test_a_new_process_at_every_read_gives_the_same(root: Path) -> None:
    """What is kept and opened again between any two reads widens bands by the same bits as one pass does."""
    found = hours_of(range(8), 0.4)
    write_targets(root, found)
    with opened(root) as state:
        for start in range(0, len(found), 97):
            write_records(root, found[start : start + 97])
            pipeline = Pipeline(scored_plan(root), state, block_bytes=2048)
            list(pipeline.step(BEGIN))
            pipeline.close()
        with state.read() as connection:
            kept = [plain(body) for body in list_windows(connection, "shop", limit=ALL)[0]]
    replayed = Pipeline(scored_plan(root), event_clock=True)
    told = {plain(body)["window"]: plain(body)["performance"] for each in replayed.step(0) for body in each.performance}
    replayed.close()
    final = {body["id"]: body["performance"] for body in kept if body["performance"][0]["final"]}
    assert final == {window: told[window] for window in final}
    assert sum(entries[0]["past_error"] is not None for entries in final.values()) >= 4


def test_another_reference_has_no_past(root: Path) -> None:
    """What estimates of one reference missed says nothing of those of the next, even if its targets alone differ."""
    log(root, 0.4, hours=8)
    told = []
    with opened(root) as state:
        for hours, wrong in ((range(8, 9), WRONG), (range(9, 10), 0.4)):
            write_reference(root, wrong)
            write_records(root, hours_of(hours, 0.4))
            pipeline = Pipeline(scored_plan(root), state)
            list(pipeline.step(BEGIN))
            pipeline.close()
            with state.read() as connection:
                bodies = [plain(body) for body in list_windows(connection, "shop", limit=ALL)[0]]
            told.append(max(bodies, key=lambda body: str(body["end"]))["performance"][0]["past_error"])
    assert told[0]["windows"] >= 5
    assert told[1] is None


def test_a_past_is_of_plain_numbers() -> None:
    """It can be kept as JSON."""
    kept = {"reference": "r", "expected": {"accuracy": 0.8}, "misses": {"accuracy": ((0.1, 0.01**2),)}}
    assert asdict(past_of([0.1])) == kept
