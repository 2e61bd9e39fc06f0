"""The side of a child that stays: it takes one task after the other, so that what is slow to load is loaded once.

Run as ``python -m monitor.workers.staying TOLD``, by ``resident.py`` alone. It ends by itself once nobody has asked for
a while, once it has grown, and after a task for which its memory did not suffice.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
from pathlib import Path
from typing import Any

from monitor.workers.child import SPARE_SECONDS, done, follow, limit
from monitor.workers.framing import CLOSED, received, sent

_FULL = 0.6
"""Of the memory it may have: a child that holds so much after a task is not given another."""


def main(arguments: list[str]) -> int:
    """Do the tasks that come by the socket that the argument names."""
    told = json.loads(arguments[0])
    follow(told["lifeline"])
    limit(told)
    with socket.socket(fileno=told["channel"]) as channel:
        channel.settimeout(told["idle_seconds"])
        while True:
            try:
                asked, content = received(channel)
            except CLOSED:  # nobody asks any more, or has asked for long
                return 0
            _limit_time(asked["seconds"])
            head, answer = done(asked["function"], lambda given=content: given)  # type: ignore[misc]
            head["stays"] = _may_stay(head, told["memory_bytes"])
            sent(channel, head, answer)
            if not head["stays"]:
                return 0


def _limit_time(seconds: float) -> None:
    """Let this task take its time of the processor, should nobody be left to watch the clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + SPARE_SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _may_stay(head: dict[str, Any], memory_bytes: int) -> bool:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    held = pages * resource.getpagesize()
    return head.get("reason") != "memory_limit" and held < _FULL * memory_bytes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
