"""The engine agrees with the judged prototype's known values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.calibration.channels import Feature
from monitor.calibration.engine import Engine, Steps, compile_engine, restart, start, step

VECTORS = Path(__file__).parent / "vectors"
CASES: dict[str, Any] = {
    name: case
    for file in ("drift_engine.json", "drift_engine_more.json")
    for name, case in json.loads((VECTORS / file).read_text("utf-8")).items()
}


def compiled(case: dict[str, Any]) -> Engine:
    """Compile a case's reference; its counts end each row with the rows without a value."""
    features = [
        Feature(item["name"], "numeric" if item["kind"] == "numeric" else "category") for item in case["features"]
    ]
    blocks = [np.array(rows, dtype=np.int64) for rows in case["reference"]]
    steps = Steps(
        times=np.arange(len(blocks[0])),
        counts=tuple(rows[:, :-1] for rows in blocks),
        missing=np.stack([rows[:, -1] for rows in blocks], axis=1),
    )
    return compile_engine(features, steps, case["N"], tuple(case["periods"]))


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Engine]:
    """Give each case and its engine."""
    known = CASES[request.param]
    return known, compiled(known)


def test_season(case: tuple[dict[str, Any], Engine]) -> None:
    """The season is the known one."""
    known, engine = case
    assert engine.null.season.name == known["expect"]["season"]


def test_replay(case: tuple[dict[str, Any], Engine]) -> None:
    """The replay settles on the known kappa with the known pages."""
    known, engine = case
    assert (engine.replay.kappa, engine.replay.pages) == (known["expect"]["kappa"], known["expect"]["replay_pages"])


def test_channels(case: tuple[dict[str, Any], Engine]) -> None:
    """The channels are the known ones, in order."""
    known, engine = case
    channels = engine.null.channels
    names = [
        (engine.features[f].name, n.replace("level", "cat"))
        for f, n in zip(channels.feature, channels.names, strict=True)
    ]
    assert names == [(channel["feature"], channel["name"]) for channel in known["expect"]["channels"]]


def test_channel_values(case: tuple[dict[str, Any], Engine]) -> None:
    """Every channel's figures are the known ones."""
    known, engine = case
    null = engine.null
    ours = {
        "weight": null.channels.weight,
        "tolerance": null.channels.tolerance,
        "margin": null.inflation.margin,
        "tau2": null.wobble.variance,
        "wobble_share": null.wobble.share,
        "nu": null.inflation.tail,
        "K_B": null.inflation.at_reference,
        "K_bets": null.inflation.at_bets.T,
        "rank_view": np.isin(np.arange(len(null.channels)), null.ranked),
    }
    for key, values in ours.items():
        expected = np.array([channel[key] for channel in known["expect"]["channels"]], dtype=np.float64)
        np.testing.assert_allclose(np.asarray(values, dtype=np.float64), expected, rtol=1e-6, atol=1e-14, err_msg=key)


def test_evidence(case: tuple[dict[str, Any], Engine]) -> None:
    """The evidence of every window is the known one; each page starts it anew."""
    known, engine = case
    seen: list[float] = []
    pages: list[int] = []
    state = start(engine)
    windows = [np.array(rows, dtype=np.int64) for rows in known["windows"]]
    blocks = len(known["reference"][0])
    for index in range(len(windows[0])):
        rows = [window[index] for window in windows]
        state, result = step(
            engine, state, blocks + index, [row[:-1] for row in rows], np.array([row[-1] for row in rows])
        )
        seen.append(result.evidence)
        if result.paged:
            pages.append(index)
            state = restart(state)
    assert pages == known["expect"]["pages"]
    np.testing.assert_allclose(np.array(seen), known["expect"]["evidence"], rtol=1e-6)
