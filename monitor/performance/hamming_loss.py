"""Hamming loss: the share of labels that are wrong, of all rows and labels."""

from __future__ import annotations

from monitor.performance.answers import mean_value
from monitor.performance.interval import Floats
from monitor.performance.labels import of_labels
from monitor.performance.metric import Direction, Metric, Value
from monitor.performance.pairs import LabelPairs


def hamming_losses(pairs: LabelPairs) -> Floats:
    """Return the share of each row's labels that are wrong, (n,)."""
    wrong: Floats = (pairs.targets != pairs.predictions).mean(axis=1)
    return wrong


def hamming_loss(pairs: LabelPairs) -> Value:
    """Return the mean over rows of the share of their labels that are wrong."""
    return mean_value(hamming_losses(pairs), 0.0, 1.0)


METRIC = Metric(
    name="hamming_loss",
    title="Hamming loss",
    tasks=frozenset({"multilabel"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=1.0,
    about="The share of labels that are wrong, of all rows and labels.",
    interval="Hall, for skewed means",
    source="Schapire and Singer 2000, Machine Learning 39:135",
    undefined=frozenset(),
    compute=of_labels(hamming_loss),
)
