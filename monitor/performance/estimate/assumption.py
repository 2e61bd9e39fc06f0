"""What an estimate takes to move."""

from enum import StrEnum


class Assumption(StrEnum):
    """What may move while an estimate holds: features, or the share of positives; the rest is as in the reference."""

    COVARIATE_SHIFT = "covariate_shift"
    LABEL_SHIFT = "label_shift"
