"""What would cure an uncalibrated model, in words, by the reason that is shown everywhere."""

from __future__ import annotations

from monitor.calibration.gates import Uncalibrated

NO_TIMESTAMPS, NO_REFERENCE, FIXED_RULES = "no_timestamps", "no_reference", "fixed_rules"
GATHERING_REFERENCE = "gathering_reference"
CURES: dict[str, str] = {
    Uncalibrated.TOO_FEW_BLOCKS: "take a longer reference, or a shorter window.every",
    Uncalibrated.TOO_FEW_CYCLES: "take a reference of at least seven cycles of its season",
    Uncalibrated.REPLAY_PAGES: (
        "there is drift within the reference, or its steps are of uneven length: take a quieter time, or a longer "
        "window.every"
    ),
    Uncalibrated.SLOPE: "it wobbles ever more slowly over stretches as long as itself: take a longer reference",
    NO_TIMESTAMPS: "give the reference a column of timestamps, so that it shows how its days differ",
    NO_REFERENCE: "put a reference where reference.path says",
    GATHERING_REFERENCE: "wait: the reference is being made of the first rows, and the windows after it are judged",
    FIXED_RULES: "leave some columns without a fixed rule: nothing is promised of those that have one",
}
"""By ``calibration_why``: those of the gates, of a reference that is not there or has no time, and of rules alone."""


def cure(why: str | None) -> str | None:
    """Return what would cure a reason; ``None`` without a reason, or of one that another version gave."""
    return None if why is None else CURES.get(why)
