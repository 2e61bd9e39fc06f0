"""Evidently's tests of single columns, as a child runs them: values in, scores out.

Hidden chance is seeded before each test.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pyarrow as pa

from monitor.errors import PermanentError
from monitor.workers.packing import pack, unpack

_SEED = 0
_ALIKE = frozenset({"fisher_exact", "g_test"})
"""Evidently's own code of these takes two sides of equal length alone."""
_TYPES = {"numbers": "num", "levels": "cat", "texts": "text"}


def judge(content: bytes) -> bytes:
    """Run the tests that are asked for.

    Parameters
    ----------
    content: packed: a list of ``{"test": name, "values": numbers|levels|texts, "level": bound}``, and two tables of
        one column each, reference and current, one pair a test; without what is missing or infinite, which Evidently
        drops.

    Returns
    -------
    Packed: a list of ``{"score": …, "drifted": …, "bound": …}``, ``bound`` in units of the score, or
    ``{"failed": reason}``.
    """
    asked, tables = unpack(content)
    sides = [table.column(0) for table in tables]
    return pack([_judged(each, sides[2 * n], sides[2 * n + 1]) for n, each in enumerate(asked)])


def _judged(asked: dict[str, Any], reference: pa.ChunkedArray, current: pa.ChunkedArray) -> dict[str, Any]:
    import numpy as np
    from evidently.legacy.utils import data_drift_utils

    test, type_ = _test(asked)
    if asked["test"] in _ALIKE and len(reference) != len(current):
        return {"failed": "rows_unequal"}
    kept: list[float] = []
    guessing = data_drift_utils.roc_auc_random_classifier_percentile

    def noted(*given: Any, **named: Any) -> float:
        kept.append(float(guessing(*given, **named)))
        return kept[-1]

    np.random.seed(_SEED)  # noqa: NPY002 - theirs is the old generator
    data_drift_utils.roc_auc_random_classifier_percentile = noted
    try:
        found = test(_series(reference), _series(current), type_, asked["level"])
        score, drifted = float(found.drift_score), bool(found.drifted)
        if not np.isfinite(score):
            return {"failed": "method_failed"}
        return {"score": score, "drifted": drifted, "bound": kept[-1] if kept else asked["level"]}
    except MemoryError:
        return {"failed": "memory_limit"}
    except Exception:  # noqa: BLE001 - a method that raises fails for its column alone
        return {"failed": "method_failed"}
    finally:
        data_drift_utils.roc_auc_random_classifier_percentile = guessing


def _test(asked: dict[str, Any]) -> tuple[Any, Any]:
    from evidently.legacy.calculations.stattests.registry import get_registered_stattest
    from evidently.legacy.core import ColumnType

    type_ = ColumnType(_TYPES[asked["values"]])
    try:
        return get_registered_stattest(asked["test"], type_), type_
    except ValueError:
        message = f"Evidently {version('evidently')} has no test {asked['test']} of {asked['values']}"
        raise PermanentError(message, "install the version that the extra reports names") from None


def _series(values: pa.ChunkedArray) -> Any:
    """Return values as Evidently takes them: floats, or objects."""
    import numpy as np
    import pandas as pd

    if pa.types.is_floating(values.type):
        return pd.Series(np.asarray(values, np.float64))
    return pd.Series(values.to_pylist(), dtype=object)
