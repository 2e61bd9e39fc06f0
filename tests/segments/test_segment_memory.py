"""What the store keeps of segments."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from monitor.binned import binned
from monitor.packing import panes_bytes, panes_from_bytes, profile_bytes
from monitor.profile import Binning, Profile, profile_rows
from monitor.record import Column, Kind, Role


def profiles() -> list[Profile]:
    """Return the profiles of three panes."""
    table = pa.table({"x": [0.0, 1.0, 2.0, 3.0, 4.0, None]})
    binning = Binning(binned(table, [Column("x", "x", Role.FEATURE, Kind.NUMERIC)]))
    return profile_rows(table, binning, np.array([0, 0, 1, 1, 2, 2], np.intp), 3)


def packed(profile: Profile) -> bytes:
    """Return a profile as bytes, to compare it."""
    return profile_bytes(profile)


def test_a_pane_without_segments_is_packed_as_ever() -> None:
    """A state that was written before there were segments is read, and what is written without any is what it was."""
    whole = profiles()[0]
    assert panes_bytes(whole, {}) == profile_bytes(whole)
    assert packed(panes_from_bytes(profile_bytes(whole))[0]) == packed(whole)


def test_segments_come_back_bit_for_bit() -> None:
    """The profiles of a pane and of its segments are what they were, by their labels."""
    whole, one, other = profiles()
    again, parts = panes_from_bytes(panes_bytes(whole, {"c=é": one, "c=b": other}))
    assert packed(again) == packed(whole)
    assert {label: packed(part) for label, part in parts.items()} == {"c=é": packed(one), "c=b": packed(other)}
