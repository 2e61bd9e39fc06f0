"""How long a model server waits for a call of the client: medians and tails, while all is sent to a daemon that runs.

``python -m benchmarks.client``
"""

from __future__ import annotations

import random
import sys
import time
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import Scalar, report
from monitor.client import Client

BAR_MICROSECONDS = 20.0
_CALLS, _FEATURES, _PAUSE_SECONDS = 20_000, 20, 0.0005


def measure(client: Client) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what each call took, in microseconds; calls come as requests do, one every half millisecond."""
    took = np.empty(_CALLS)
    inputs = {f"f{number}": random.random() for number in range(_FEATURES)}  # noqa: S311 - no secret
    for number in range(_CALLS):
        begin = time.perf_counter_ns()
        client.record({"inputs": inputs, "prediction": number})
        took[number] = (time.perf_counter_ns() - begin) / 1e3
        time.sleep(_PAUSE_SECONDS)
    return took


def main() -> int:
    """Measure, print and write; 1 if the bar is missed."""
    from tests.client.test_client import Receiver

    receiver = Receiver()
    with TemporaryDirectory() as spool:
        client = Client(receiver.url, "bench", spool=spool)
        took = measure(client)
        client.close(30)
    median, high = np.quantile(took, [0.5, 0.99])
    row: dict[str, Scalar] = {
        "name": f"record of {_FEATURES} features",
        "calls": _CALLS,
        "median_microseconds": round(float(median), 2),
        "p99_microseconds": round(float(high), 2),
        "dropped": client.counts.dropped,
        "sent": client.counts.sent,
        "bar_microseconds": BAR_MICROSECONDS,
        "result": "pass" if median < BAR_MICROSECONDS and client.counts.sent == _CALLS else "FAIL",
    }
    report("client", [row])
    return 0 if row["result"] == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
