"""A classifier in the stream: from the log to the alert, and what it says where there is no answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from monitor.comparison import DriftSettings
from monitor.instant import to_text
from monitor.joint.settings import JointSettings
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.reference import ReferenceSettings
from monitor.store.memory import load_memory
from monitor.window import WindowSettings
from monitor.workers import Failure, Task, WorkerFailed, Workers, pack
from monitor.workers.classifier import tell_each
from monitor.workers.packing import unpack
from tests.passes import Told, kept_windows, opened
from tests.worlds import BEGIN, HOUR, Json, plan_of, write_log

DAY = 24 * HOUR
ROWS, REFERENCE_DAYS, CALM_DAYS, DAYS = 130, 28, 1, 6
NAME = "joint.classifier"


@cache
def answer_to(content: bytes) -> bytes:
    """Return what a child says, which depends on nothing else."""
    import_module("sklearn.ensemble")  # so that its threads can be told of
    with threadpool_limits(1):  # as a child has; on a busy machine two would wait for each other
        return tell_each(content)


@dataclass
class Here(Workers):
    """Does what a child would do in this process, or fails as a child would."""

    failing: Callable[[int], Failure | None] = lambda _: None
    answer: Callable[[bytes], bytes] = answer_to

    def __post_init__(self) -> None:
        super().__init__()
        self.tasks = 0

    def call_in_turn(self, model: str, task: Task) -> bytes:
        """Answer a task."""
        self.tasks += 1
        reason = self.failing(self.tasks)
        if reason is not None:
            raise WorkerFailed(reason, "the classifier has no answer")
        return self.answer(task.content)


def half_the_skill(content: bytes) -> bytes:
    """Say that every step is told apart half as well as can be, without fitting anything."""
    asked, _ = unpack(content)
    return pack({"skills": [0.5] * len(asked["steps"]), "carried_by": []})


def day_of(day: int, *, joined: bool = True) -> list[Json]:
    """Return the records of a day, of which size and price belong together unless they are joined wrongly."""
    rng = np.random.default_rng(day + 1000)
    size, noise = rng.normal(size=(2, ROWS))
    price = 0.9 * size + 0.436 * noise
    if not joined:
        price = rng.permutation(price)
    return [
        {
            "timestamp": to_text(BEGIN + day * DAY + row * (DAY // ROWS)),
            "request_id": f"{day}-{row}",
            "model_version": "1",
            "inputs": {"size": float(size[row]), "price": float(price[row])},
        }
        for row in range(ROWS)
    ]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ModelPlan:
    """Give the plan of a model whose log is joined wrongly from a day on."""
    root = tmp_path_factory.mktemp("apart")
    known = [record for day in range(-REFERENCE_DAYS, 0) for record in day_of(day)]
    columns = {f"inputs.{name}": [record["inputs"][name] for record in known] for name in known[0]["inputs"]}
    pq.write_table(
        pa.table({"timestamp": [record["timestamp"] for record in known]} | columns), root / "reference.parquet"
    )
    write_log(root / "log.jsonl", (r for day in range(DAYS) for r in day_of(day, joined=day < CALM_DAYS)))
    window = WindowSettings(length=timedelta(hours=12), every=timedelta(hours=12), min_rows=30)
    joint = JointSettings(classifier=True)
    return replace(plan_of(root, task="none", window=window), drift=DriftSettings(joint=joint))


def replayed(plan: ModelPlan, workers: Workers | None = None, *, block_bytes: int = 2**22) -> Told:
    """Return what a replay tells."""
    pipeline, told = Pipeline(plan, event_clock=True, block_bytes=block_bytes, workers=workers or Here()), Told()
    for closed in [*pipeline.step(0), *pipeline.flush(0)]:
        told.add(closed)
    pipeline.close()
    return told


def shown(told: Told) -> list[Json]:
    """Return the classifier's column of every window."""
    return [column for body in told.windows for column in body["columns"] if column["name"] == NAME]


@pytest.fixture(scope="module")
def told(plan: ModelPlan) -> Told:
    """Give what is told where a classifier looks at each day."""
    return replayed(plan)


def test_a_wrong_join_is_found_within_days_and_named(told: Told) -> None:
    """Columns that come loose are evidence against the model, page by it, and are no reason to retrain."""
    (alert,) = told.alerts
    assert alert["columns"] == [NAME]
    assert alert["diagnosis"]["class"] == "unclear"
    assert "price" in alert["diagnosis"]["causes"][0]["detail"]
    assert told.column("verdict").index("drifted") // 2 in range(CALM_DAYS + 1, CALM_DAYS + 6)


def test_nothing_is_said_before_a_step_is_over(told: Told) -> None:
    """In the first half of the first day the column is not known, and not fine."""
    first = shown(told)[0]
    assert (first["verdict"], first["why"], first["distance"]) == ("insufficient_data", "step_not_over", None)


def test_a_calm_day_is_stable_and_a_wrong_one_drifted(told: Told) -> None:
    """Once a day is over its skill is held against the highest of the reference's own days."""
    verdicts = [column["verdict"] for column in shown(told)]
    assert verdicts[1] == "stable"
    assert set(verdicts[2 * CALM_DAYS + 1 :]) == {"drifted"}


def test_a_window_is_drifted_exactly_when_all_evidence_says_so(told: Told) -> None:
    """The evidence of a window is that of the engine and of the classifier together."""
    over = [body["evidence"] >= body["evidence_threshold"] for body in told.windows]
    assert over == [body["why"] == "evidence_over_threshold" for body in told.windows]
    shares = [sum(column["share_of_drift"] or 0.0 for column in body["columns"]) for body in told.windows]
    assert shares[-1] == pytest.approx(1.0)


def test_the_cut_of_the_log_changes_no_bit(plan: ModelPlan, told: Told) -> None:
    """Small blocks tell what one large block tells."""
    assert replayed(plan, block_bytes=4000).windows == told.windows


def test_restarts_change_no_bit(plan: ModelPlan, told: Told, tmp_path: Path) -> None:
    """A new process at every close, which counts half of what is next, tells what a replay tells."""
    workers = Here()
    assert with_restarts(plan, tmp_path, workers) == told.windows
    assert workers.tasks == DAYS + 1


def with_restarts(plan: ModelPlan, root: Path, workers: Workers) -> list[Json]:
    """Return the windows that are kept where a new process begins at every close."""
    with opened(root) as state:
        more = True
        while more:
            pipeline = Pipeline(plan, state, event_clock=True, block_bytes=4000, workers=workers)
            more = pipeline.read_records(0, Limits())
            for _ in pipeline.close_due(0, drained=False):
                break
            pipeline.close()
        pipeline = Pipeline(plan, state, event_clock=True, workers=workers)
        for _ in [*pipeline.close_due(0, drained=True), *pipeline.flush(0)]:
            pass
        pipeline.close()
        return kept_windows(state)


def test_what_nobody_asks_for_any_more_is_let_go(plan: ModelPlan, tmp_path: Path) -> None:
    """A state in which a classifier held rows holds none once it is turned off."""
    with opened(tmp_path) as state:
        for asked in (plan, replace(plan, drift=DriftSettings())):
            pipeline = Pipeline(asked, state, event_clock=True, block_bytes=40_000, workers=Here())
            pipeline.read_records(0, Limits())
            for _ in pipeline.close_due(0, drained=False):
                pass
            pipeline.close()
        pipeline = Pipeline(replace(plan, drift=DriftSettings()), state, event_clock=True)
        list(pipeline.flush(0))
        pipeline.close()
        with state.read() as connection:
            assert not [piece for _, piece in load_memory(connection, plan.name) if piece.startswith("apart")]


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Failure.TIME_LIMIT, "classifier_timed_out"),
        (Failure.NOT_INSTALLED, "not_installed"),
        (Failure.RAISED, "method_failed"),
    ],
)
def test_no_answer_is_said_and_no_evidence(plan: ModelPlan, reason: Failure, why: str) -> None:
    """Where there is no answer the column has failed, says why, and nothing pages by it."""
    found = replayed(plan, Here(lambda _: reason))
    last = shown(found)[-1]
    assert (last["verdict"], last["why"], last["distance"]) == ("failed", why, None)
    assert found.alerts == []


def test_a_child_that_died_is_asked_once_more(plan: ModelPlan, told: Told) -> None:
    """Every second child dies, and nothing is told otherwise."""
    found = replayed(plan, Here(lambda task: Failure.DIED if task % 2 else None))
    assert found.windows == told.windows


def test_a_stop_leaves_nothing_behind(plan: ModelPlan, tmp_path: Path) -> None:
    """A close whose child was stopped is no close: the state holds only those before."""
    with opened(tmp_path) as state:
        pipeline = Pipeline(plan, state, event_clock=True, workers=Here(lambda _: Failure.STOPPED))
        with pytest.raises(WorkerFailed):
            list(pipeline.step(0))
        pipeline.close()
        assert [body["end"] for body in kept_windows(state)] == [to_text(BEGIN + 12 * HOUR)]


def test_a_short_reference_shows_skill_and_never_pages(plan: ModelPlan) -> None:
    """With a step of two days the reference has too few of them: the skill is shown, with the reason."""
    joint = JointSettings(classifier=True, classifier_every=timedelta(days=2))
    found = replayed(replace(plan, drift=DriftSettings(joint=joint)), Here(answer=half_the_skill))
    last = shown(found)[-1]
    assert (last["verdict"], last["why"]) == ("insufficient_data", "reference_too_short")
    assert last["distance"] == 0.5
    assert found.alerts == []


def test_a_real_child_says_what_this_process_says(plan: ModelPlan) -> None:
    """The same rows have the same skill, bit for bit, in a child."""
    pipeline = Pipeline(plan, event_clock=True)
    judge = pipeline.references.judge("1")
    assert judge is not None
    assert judge.ground is not None
    ground = judge.ground
    task = Task(
        "monitor.workers.classifier:tell_each",
        pack({"steps": [ROWS]}, [ground.known, ground.known.slice(0, ROWS)]),
        "it",
    )
    with Workers() as workers:
        assert workers.call_in_turn("m", task) == answer_to(task.content)
    pipeline.close()


def test_a_reference_that_follows_the_log_survives_restarts(plan: ModelPlan, tmp_path: Path) -> None:
    """With a reference made anew each two days, a new process at every close tells what a replay tells."""
    following = replace(plan, reference=ReferenceSettings(rolling=timedelta(days=2)))
    told = replayed(following, Here(answer=half_the_skill))
    with opened(tmp_path) as state:
        more = True
        while more:
            pipeline = Pipeline(following, state, event_clock=True, workers=Here(answer=half_the_skill))
            while pipeline.read_records(0, Limits()):
                pass
            more = any(True for _ in islice(pipeline.close_due(0, drained=True), 1))
            if not more:
                deque(pipeline.flush(0), 0)
            pipeline.close()
        assert kept_windows(state) == told.windows
    assert len({body["reference"]["id"] for body in told.windows if body["reference"]}) > 1
    assert shown(told)
