"""Where the counts of a tally stand in profiles."""

from __future__ import annotations

from monitor.profile import Profile
from monitor.quality.check import Count, Seen
from monitor.reference import Reference


def place_of(reference: Reference, name: str) -> int | None:
    """Return the place of a tally among those of a reference; ``None`` where it is not counted."""
    names = [tally.name for tally in reference.binning.tallies]
    return names.index(name) if name in names else None


def seen_of(place: int) -> Count:
    """Return what reads the count of a tally out of a profile."""

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.tallies[place]), profile.tallied)

    return count
