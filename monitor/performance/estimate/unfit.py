"""Why there is no estimate: a reference teaches no estimator, or none tells of the metric."""

from enum import StrEnum

LEAST_ROWS = 100
"""A reference of fewer rows foretells nothing."""
MOST_CLASSES = 50
"""Of each record two numbers a class are kept."""


class Unfit(StrEnum):
    """Why no estimator can be made of a reference, or why it does not tell a metric."""

    NO_SCORES = "no_scores"
    NO_FEATURES = "no_features"
    TOO_FEW_ROWS = "too_few_rows"
    TOO_MANY_CLASSES = "too_many_classes"
    CALLS_TELL_TOO_LITTLE = "calls_tell_too_little"
    ONE_CLASS = "one_class"
    NO_TARGETS = "reference_without_targets"
    NOT_ESTIMABLE = "not_estimable"
    NOT_FITTED = "not_fitted"
    """The child that was to fit it gave no answer."""
