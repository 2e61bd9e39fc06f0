"""How long ``driftline --help`` takes: the median of ten, after one that warms the disk.

``python -m benchmarks.help``
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.harness import report, run

BAR_SECONDS = 0.5
_ROUNDS = 10


def main() -> int:
    """Measure, print and write; 1 if the bar is missed."""
    command = [sys.executable, "-m", "monitor", "--help"]
    run("warm", command)
    measured = run("driftline --help", command, rounds=_ROUNDS)
    passed = statistics.median(measured.wall_seconds) <= BAR_SECONDS
    report("help", [measured.row(bar_seconds=BAR_SECONDS, result="pass" if passed else "FAIL")])
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
