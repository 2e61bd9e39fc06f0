"""What the mix of segments explains: a whole that moves while its segments do not, or go the other way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monitor.concentration import Change, Moments
from monitor.segment_mix import mixed
from tests.passes import replayed
from tests.segments.slices import ROWS, hours, segmented
from tests.worlds import Json, World, write_log, write_reference


def told(*groups: tuple[int, float, int, float], sd: float = 1.0) -> tuple[Change, dict[str, Change]]:
    """Return the change of all rows and of each group, given its rows and mean before and now."""
    sides = [[(rows, mean) for rows, mean, _, _ in groups], [(rows, mean) for _, _, rows, mean in groups]]
    parts = [[Moments(rows, mean, sd**2) for rows, mean in side] for side in sides]
    whole = []
    for side in parts:
        rows = sum(each.rows for each in side)
        mean = sum(each.rows * each.mean for each in side) / rows
        square = sum(each.rows * (each.variance + each.mean**2) for each in side) / rows
        whole.append(Moments(rows, mean, square - mean**2))
    return (whole[0], whole[1]), {f"g={i}": (parts[0][i], parts[1][i]) for i in range(len(groups))}


def test_shares_alone_explain_all() -> None:
    """Where each segment is as it was, the shares explain the whole change, and the one that grew is named."""
    found = mixed("g", *told((8000, 0.0, 500, 0.0), (2000, 3.0, 500, 3.0)))
    assert found is not None
    assert (found.label, found.before, found.now) == ("g=1", 0.2, 0.5)
    assert found.explained == pytest.approx(1.0)
    assert not found.against


def test_the_split_is_kitagawas() -> None:
    """Half of the change within the segments, half by their shares, is not told as one of the mix."""
    # by hand: before 0.8 * 0 + 0.2 * 3 = 0.6; the shares alone give 1.5, and 0.9 more within
    assert mixed("g", *told((8000, 0.0, 500, 0.9), (2000, 3.0, 500, 3.9))) is None
    found = mixed("g", *told((8000, 0.0, 500, 0.1), (2000, 3.0, 500, 3.1)))
    assert found is not None
    assert found.explained == pytest.approx(0.9)


def test_simpsons_paradox_is_told() -> None:
    """Where every segment falls and the whole rises, it says that the segments went the other way."""
    found = mixed("g", *told((8000, 0.0, 500, -0.5), (2000, 3.0, 500, 2.5)))
    assert found is not None
    assert found.against
    assert found.words.endswith("within each g it changed the other way")


def test_rows_in_no_segment_are_one_more() -> None:
    """What is left over counts as a segment: where its own rows moved, the mix does not explain it."""
    whole, parts = told((6000, 0.0, 600, 0.0), (2000, 3.0, 200, 3.0), (2000, 0.0, 200, 2.0))
    del parts["g=2"]
    assert mixed("g", whole, parts) is None


def test_chance_is_seldom_called_a_mix() -> None:
    """Among fifty columns whose rows are the reference's, at most two moved by the mix of ten groups."""
    rng = np.random.default_rng(7)
    named = 0
    for _ in range(50):
        means, rows = rng.normal(size=10), rng.multinomial(600, np.full(10, 0.1))
        groups = ((2000, mean, int(now), mean) for mean, now in zip(means, rows, strict=True))
        named += mixed("g", *told(*groups)) is not None
    assert named <= 2


def dear(records: list[Json]) -> list[Json]:
    """Return records whose amounts are greater by six where the carrier is AA, as in the reference."""
    for record in records:
        if record["inputs"]["carrier"] == "AA" and record["inputs"]["amount"] is not None:
            record["inputs"]["amount"] += 6.0
    return records


def flown_by_others(records: list[Json]) -> list[Json]:
    """Return records of which two in three that were of UA are of AA."""
    ours = [record for record in records if record["inputs"]["carrier"] == "UA"]
    for place, record in enumerate(ours):
        if place % 3:
            record["inputs"]["carrier"] = "AA"
    return records


class Dear(World):
    """The world in which one carrier is dear."""

    def hours(self, first: int, number: int) -> list[Json]:  # type: ignore[override]
        """Return the records of some hours."""
        return dear(list(super().hours(first, number)))


def test_an_alert_says_that_the_mix_moved(tmp_path: Path) -> None:
    """Where a dear carrier gets more of the rows, the alert on the amounts says so, and what it is good for."""
    write_reference(tmp_path / "reference.parquet", Dear(rows=ROWS))
    write_log(tmp_path / "log.jsonl", [*dear(hours(0, 4)), *dear(flown_by_others(hours(4, 6)))])
    whole = next(body for body in replayed(segmented(tmp_path, "carrier")).alerts if body["segment"] is None)
    causes = [cause for cause in whole["diagnosis"]["causes"] if cause["kind"] == "segment_mix"]
    assert [(cause["column"], cause["detail"].split(":")[0]) for cause in causes] == [
        ("amount", "the mix of carrier moved")
    ]
    assert causes[0]["factor"] == pytest.approx(1.0, abs=0.2)
