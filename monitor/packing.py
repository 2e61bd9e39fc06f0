"""Profiles as the store keeps them: a few kilobytes a pane, given back bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pyarrow as pa

from monitor.latency import BINS
from monitor.profile import Integers, Profile
from monitor.repeats import Repeats
from monitor.tally import Tally
from monitor.usage import usage_bytes, usage_from_bytes

_MAGIC = b"tallied\n"
_SEGMENTS = bytes(8)
"""What a pane with segments begins with: no profile is of no bytes."""


def profile_bytes(profile: Profile, tallies: Sequence[Tally] = ()) -> bytes:
    """Pack a profile for the store: little-endian, compressed; :func:`profile_from_bytes` gives it back exactly."""
    head = np.array([profile.rows, len(profile.counts), len(profile.missing)], "<i8")
    whole = (profile.counts, profile.missing, profile.nonfinite, profile.sums, profile.squares, profile.latency)
    parts = [head, *(a.astype("<i8") for a in whole), profile.least.astype("<f8"), profile.greatest.astype("<f8")]
    ids = profile.ids
    tail = [np.array([len(ids.rows), profile.tallied], "<i8"), profile.tallies.astype("<i8")]
    tail += [ids.hashes.astype("<u8"), ids.rows.astype("<i8")]
    counted = b"".join(part.tobytes() for part in tail) + _told_apart(tallies)
    length = len(counted).to_bytes(8, "little")
    raw = b"".join(part.tobytes() for part in parts) + usage_bytes(profile.usage) + counted + length + _MAGIC
    packed: bytes = pa.Codec("zstd").compress(raw, asbytes=True)
    return len(raw).to_bytes(8, "little") + packed


def panes_bytes(profile: Profile, parts: Mapping[str, Profile], tallies: Sequence[Tally] = ()) -> bytes:
    """Pack a profile and those of its segments; without any, as :func:`profile_bytes` does."""
    whole = profile_bytes(profile, tallies)
    if not parts:
        return whole
    packed = {label: profile_bytes(part, tallies) for label, part in parts.items()}
    head = json.dumps([len(whole), [[label, len(each)] for label, each in packed.items()]]).encode()
    return b"".join((_SEGMENTS, len(head).to_bytes(8, "little"), head, whole, *packed.values()))


def panes_from_bytes(payload: bytes, tallies: Sequence[Tally] = ()) -> tuple[Profile, dict[str, Profile]]:
    """Unpack what :func:`panes_bytes` packed."""
    if not payload.startswith(_SEGMENTS):
        return profile_from_bytes(payload, tallies), {}
    at = len(_SEGMENTS) + 8
    end = at + int.from_bytes(payload[len(_SEGMENTS) : at], "little")
    length, labelled = json.loads(payload[at:end])
    whole, at = profile_from_bytes(payload[end : end + length], tallies), end + length
    parts = {}
    for label, size in labelled:
        parts[label] = profile_from_bytes(payload[at : at + size], tallies)
        at += size
    return whole, parts


def _told_apart(tallies: Sequence[Tally]) -> bytes:
    """Return what tells the tallies from others."""
    return sha256("\n".join(tally.name for tally in tallies).encode()).digest()


def profile_from_bytes(payload: bytes, tallies: Sequence[Tally] = ()) -> Profile:
    """Unpack what :func:`profile_bytes` packed; of rows with other tallies none is tallied."""
    raw = pa.Codec("zstd").decompress(payload[8:], int.from_bytes(payload[:8], "little"), asbytes=True)
    rows, cells, columns = (int(n) for n in np.frombuffer(raw[:24], "<i8"))
    ends = np.cumsum([0, cells, *[columns] * 4, BINS])
    whole = np.frombuffer(raw, "<i8", count=int(ends[-1]), offset=24).astype(np.int64)
    at = 24 + 8 * int(ends[-1])
    reals = np.frombuffer(raw, "<f8", count=2 * columns, offset=at).astype(np.float64)
    counts, missing, nonfinite, sums, squares, latency = (whole[a:b] for a, b in pairwise(ends))
    used, tail = _parted(raw[at + 16 * columns :])
    broken, tallied, ids = _unpacked_tail(tail, tallies)
    reached = reals[:columns], reals[columns:], latency, broken, tallied, ids, usage_from_bytes(used)
    return Profile(rows, counts, missing, nonfinite, sums, squares, *reached)


def _parted(raw: bytes) -> tuple[bytes, bytes]:
    """Return what is of usage, and what is of tallies; of a profile from before there were any, nothing."""
    if not raw.endswith(_MAGIC):
        return raw, b""
    end = len(raw) - len(_MAGIC) - 8
    begin = end - int.from_bytes(raw[end : end + 8], "little")
    return raw[:begin], raw[begin:end]


def _unpacked_tail(tail: bytes, tallies: Sequence[Tally]) -> tuple[Integers, int, Repeats]:
    """Return tallies, of how many rows they are, and the sample of ids."""
    mark, number = _told_apart(tallies), len(tallies)
    if not tail.endswith(mark):
        return np.zeros(number, np.int64), 0, Repeats()
    kept, tallied, *broken = (int(n) for n in np.frombuffer(tail, "<i8", count=2 + number))
    at = 8 * (2 + number)
    hashes = np.frombuffer(tail, "<u8", count=kept, offset=at).astype(np.uint64)
    rows = np.frombuffer(tail, "<i8", count=kept, offset=at + 8 * kept).astype(np.int64)
    return np.array(broken, np.int64), tallied, Repeats(hashes, rows)
