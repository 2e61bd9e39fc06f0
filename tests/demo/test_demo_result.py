from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.demo.result import demo_body
from monitor.demo.scene import Delivered, Performance, Recovery, Retraining, Scene, Stage, Withheld

ALERT: dict[str, Any] = {
    "id": "al_4k2d7x3mzq6ph5tnwy2rvb6cja",
    "name": "drift",
    "severity": "warning",
    "state": "resolved",
    "reason": "version_retired",
    "started_at": "2013-05-04T00:05:00Z",
    "resolved_at": "2013-06-30T00:05:00Z",
    "columns": ["score", "temp"],
    "diagnosis": {"class": "population_change", "causes": []},
}

FAULT: dict[str, Any] = {
    "id": "al_2",
    "started_at": "2013-07-22T04:05:00Z",
    "resolved_at": "2013-07-26T04:05:00Z",
    "diagnosis": {
        "class": "data_fault",
        "causes": [{"kind": "unit_change", "column": "distance", "detail": "in kilometres", "factor": 1.609}],
    },
}


@pytest.fixture
def closed() -> Scene:
    """Return a story that was told to its end."""
    return Scene(
        Path("driftline-demo"),
        stage=Stage.RECOVER,
        done=list(Stage),
        page="http://127.0.0.1:10464/",
        metrics="http://127.0.0.1:10464/metrics",
        versions=["1", "2"],
        records=101_000,
        windows=120,
        alert=ALERT,
        delivered=Delivered("evt_q6ph5tnwy2rvb6cja4k2d7x3mz", 1),
        retraining=Retraining("ac_7m2p4t6x5zq3ks5vwy2rnb6djc", "succeeded", 80_000),
        recovery=Recovery("recovered", "Retraining finished: version 2 recovered."),
        withheld=Withheld("ac_2", FAULT, "data_fault", FAULT["diagnosis"]["causes"][0]),
        performance=Performance("roc_auc", 0.68912345, 0.629, 0.764, 0.741, 20_000),
    )


def test_a_closed_loop_is_told_whole(closed: Scene) -> None:
    """Every key of the contract is there, with instants of event time and rounded figures."""
    assert demo_body(closed, 74.123) == {
        "kind": "demo",
        "schema": 1,
        "closed": True,
        "stopped_at": None,
        "directory": "driftline-demo",
        "records": 101_000,
        "windows": 120,
        "versions": ["1", "2"],
        "alert": {
            "id": "al_4k2d7x3mzq6ph5tnwy2rvb6cja",
            "name": "drift",
            "severity": "warning",
            "fired_at": "2013-05-04T00:05:00Z",
            "resolved_at": "2013-06-30T00:05:00Z",
            "columns": ["score", "temp"],
            "class": "population_change",
        },
        "webhook": {"id": "evt_q6ph5tnwy2rvb6cja4k2d7x3mz", "attempts": 1, "signature_verified": True},
        "retraining": {"action_id": "ac_7m2p4t6x5zq3ks5vwy2rnb6djc", "status": "succeeded", "rows": 80_000},
        "recovery": {"status": "recovered", "text": "Retraining finished: version 2 recovered."},
        "withheld": {
            "action_id": "ac_2",
            "why": "data_fault",
            "alert_id": "al_2",
            "fired_at": "2013-07-22T04:05:00Z",
            "resolved_at": "2013-07-26T04:05:00Z",
            "class": "data_fault",
            "cause": {"kind": "unit_change", "column": "distance", "detail": "in kilometres", "factor": 1.609},
        },
        "performance": {
            "metric": "roc_auc",
            "reference": 0.6891,
            "at_alert": 0.629,
            "after": 0.764,
            "old_version_same_rows": 0.741,
            "rows": 20_000,
        },
        "addresses": {"page": "http://127.0.0.1:10464/", "metrics": "http://127.0.0.1:10464/metrics"},
        "elapsed_seconds": 74.1,
    }


def test_what_was_not_reached_is_null(closed: Scene) -> None:
    """A story that stopped in its first stage has nothing to say of the later ones, and the same keys."""
    body = demo_body(Scene(Path("driftline-demo")), 1.0)
    assert set(body) == set(demo_body(closed, 1.0))
    assert (body["closed"], body["stopped_at"]) == (False, "train")
    reached = {"kind", "schema", "closed", "stopped_at", "directory", "versions", "elapsed_seconds"}
    assert {name for name, value in body.items() if value is not None} == reached


@pytest.mark.parametrize("stage", list(Stage))
def test_a_story_that_stops_names_the_stage(closed: Scene, stage: Stage) -> None:
    """Wherever it stops, the loop is not closed and the stage is told."""
    closed.done = list(Stage)[: list(Stage).index(stage)]
    closed.stage = closed.stopped_at = stage
    body = demo_body(closed, 1.0)
    assert (body["closed"], body["stopped_at"]) == (False, str(stage))
