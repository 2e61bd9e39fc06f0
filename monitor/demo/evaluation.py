"""How good the served models were, by what became of the flights: computed beside the monitor, with scikit-learn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.demo.cast import Cast
from monitor.demo.model import roc_auc
from monitor.demo.scene import Performance
from monitor.demo.serve import TARGET_DELAY, Server
from monitor.instant import Instant

ROWS_AT_ALERT = 10_000
"""The last flights that had landed when the alert fired: about eleven days."""
ROWS_AFTER = 20_000
"""The first flights that version 2 served: about three weeks."""


def evaluate_at_alert(server: Server, fired: Instant, performance: Performance) -> None:
    """Fill in how good the model was on what was known when the alert fired."""
    known = int(np.searchsorted(server.times, fired - TARGET_DELAY, side="right"))
    rows = _landed(server, 0, known)[-ROWS_AT_ALERT:]
    performance.at_alert = roc_auc(server.rows.take(pa.array(rows)), server.scores[rows])


def evaluate_after(cast: Cast, promoted: int, most: int, performance: Performance) -> None:
    """Fill in how good version 2 is on its first flights, and how good version 1 would have been on them."""
    server, first = cast.server, cast.first
    places = _landed(server, promoted, server.told)[:most]
    rows = server.rows.take(pa.array(places))
    performance.after = roc_auc(rows, server.scores[places])
    performance.old_version_same_rows = roc_auc(rows, first.score(rows))
    performance.rows = len(places)


def flights_landed(server: Server, since: int) -> int:
    """Return how many flights served from a place on have a target by now."""
    return len(_landed(server, since, server.told))


def _landed(server: Server, start: int, stop: int) -> NDArray[np.int64]:
    known = server.rows["late"].slice(start, max(stop - start, 0)).is_valid()
    return start + np.flatnonzero(np.asarray(known))
