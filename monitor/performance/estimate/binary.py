"""What is expected of a binary classifier's rows: every metric at once, from three columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.confusion import RATES, expected_rates
from monitor.performance.estimate.curves import pr_auc, ranked, roc_auc
from monitor.performance.estimate.expected import Expected, brier, log_loss, mean_loss
from monitor.performance.estimate.outlook import Asked, Columns, Outlook, outlook
from monitor.performance.estimate.taught import Knowledge
from monitor.performance.metric import Undefined

Matrix = tuple[tuple[float, ...], ...]
"""What a row is worth: by the place of its target, then by that of its prediction."""


def binary_outlooks(
    columns: Columns, values: Matrix | None = None, taught: Knowledge | None = None, asked: Asked = None
) -> dict[str, Outlook]:
    """Return the outlook of each metric that is asked for.

    Parameters
    ----------
    columns: ``score`` of the positive class, its ``probability`` and ``predicted`` (0 or 1), each (n,), NaN where
        there is none. With targets for probabilities the values are the realised ones.
    values: of each kind of answer, for ``business_value``, the mean value of a row.
    taught: how well the reference knows the probabilities; as if they were known if there is none.
    """
    known = ~np.isnan(columns["probability"])
    probability, score = columns["probability"][known], columns["score"][known]
    if not known.any():
        return _none(Undefined.NO_SCORES, values)
    rows = ranked(probability, score)
    by_score: dict[str, Callable[[], Expected | Undefined]] = {
        "roc_auc": lambda: roc_auc(probability, rows),
        "pr_auc": lambda: pr_auc(rows),
        "log_loss": lambda: log_loss(probability, score),
        "brier": lambda: brier(probability, score),
    }
    seen = {
        name: outlook(expected(), probability, score, taught)
        for name, expected in by_score.items()
        if asked is None or name in asked
    }
    return seen | _by_prediction(columns, known, values, taught, asked)


def _by_prediction(
    columns: Columns, known: NDArray[np.bool_], values: Matrix | None, taught: Knowledge | None, asked: Asked
) -> dict[str, Outlook]:
    told = known & ~np.isnan(columns["predicted"])
    if not told.any():
        return {name: Outlook(None, 0.0, 0, Undefined.NO_PREDICTIONS) for name in _names(values)}
    probability, score, chosen = columns["probability"][told], columns["score"][told], columns["predicted"][told] == 1
    expected = expected_rates(probability, chosen, asked)
    if values is not None:
        worth = np.array(values)[:, chosen.astype(np.intp)]
        expected["business_value"] = mean_loss(probability, worth[1], worth[0])
    return {name: outlook(each, probability, score, taught) for name, each in expected.items()}


def _names(values: Matrix | None) -> list[str]:
    return [*RATES, *(() if values is None else ("business_value",))]


def _none(why: Undefined, values: Matrix | None) -> dict[str, Outlook]:
    return {name: Outlook(None, 0.0, 0, why) for name in ("roc_auc", "pr_auc", "log_loss", "brier", *_names(values))}
