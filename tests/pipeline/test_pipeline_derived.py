"""Records with a text, a vector, an instant and a session: what is derived from them, through the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.comparison import DriftSettings
from monitor.instant import SECOND, from_text, to_text
from monitor.pipeline.plan import ModelPlan
from tests.passes import opened, passed, replayed
from tests.worlds import BEGIN, HOUR, REFERENCE_HOURS, Json, World, plan_of, write_log

FACETS = ("note.script", "emb.norm", "emb.cosine", "placed.age", "session.format", "records.outside")
WORDS = [
    "the",
    "parcel",
    "came",
    "late",
    "again",
    "and",
    "nobody",
    "was",
    "at",
    "home",
    "to",
    "take",
    "it",
    "in",
    "for",
    "us",
]


def records(first: int, hours: int, factor: float = 1.0) -> Iterator[Json]:
    """Return the records of some hours, with more in them; ``factor`` lengthens the vectors."""
    for hour in range(first, first + hours):
        at = BEGIN + hour * HOUR
        rng = np.random.default_rng((8, at // HOUR))
        for record in World(seed=3).hour(at):
            note = " ".join(rng.choice(WORDS, 4 + int(rng.integers(0, 9))))
            placed = from_text(record["timestamp"]) - int(rng.gamma(2, 600)) * SECOND
            record["inputs"] |= {
                "note": f"{note} {rng.integers(0, 900)}",
                "emb": (rng.normal(1, 1, 6) * factor).round(4).tolist(),
                "placed": to_text(placed),
                "session": rng.bytes(8).hex(),
            }
            yield record


@pytest.fixture
def plan(tmp_path: Path) -> ModelPlan:
    """Give the plan of a model whose vectors grow in its log from the tenth hour on."""
    rows = list(records(-REFERENCE_HOURS, REFERENCE_HOURS))
    columns = {f"inputs.{name}": [row["inputs"][name] for row in rows] for name in rows[0]["inputs"]}
    times = pa.array([from_text(row["timestamp"]) for row in rows]).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"timestamp": times} | columns), tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", [*records(0, 10), *records(10, 8, factor=1.5)])
    return plan_of(tmp_path, drift=DriftSettings(outside=True))


def test_what_is_derived_is_told_alike_however_it_is_read(plan: ModelPlan, tmp_path: Path) -> None:
    """A daemon with a store tells what a replay tells, in blocks of any size."""
    told = replayed(plan)
    with opened(tmp_path) as state:
        assert passed(plan, state, block_bytes=9000) == told
    assert replayed(plan, block_bytes=30_000) == told
    assert told.alerts[0]["columns"][0] == "emb.norm"
    assert set(FACETS) <= {column["name"] for column in told.windows[-1]["columns"]}


def test_the_rows_that_are_kept_are_the_logs_own(plan: ModelPlan, tmp_path: Path) -> None:
    """A retraining gets what was logged, not what was derived from it."""
    with opened(tmp_path) as state:
        passed(plan, state)
    kept = [pq.read_schema(path).names for path in tmp_path.rglob("state/**/*.parquet")]
    assert kept
    assert not {name for names in kept for name in names} & set(FACETS)
