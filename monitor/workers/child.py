"""The child's side: it takes its limits upon itself, runs one function, and writes the answer or why there is none.

Run as ``python -m monitor.workers.child TOLD``, by ``job.py`` alone.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError

EXTRAS = {"evidently": "reports", "pandas": "reports", "sklearn": "reports"}
"""Which extra of the package brings a library."""
SPARE_SECONDS = 5


def main(arguments: list[str]) -> int:
    """Run the task that the argument names."""
    told = json.loads(arguments[0])
    follow(told["lifeline"])
    limit(told)
    _lower(resource.RLIMIT_CPU, int(told["seconds"]) + SPARE_SECONDS)  # should nobody be left to watch the clock
    head, content = done(told["function"], sys.stdin.buffer.read)
    with os.fdopen(told["answer"], "wb") as file:
        file.write(json.dumps(head).encode() + b"\n" + content)
    return 0


def done(function: str, given: Callable[[], bytes]) -> tuple[dict[str, Any], bytes]:
    """Run a function, ``module:function``, and return what there is to tell of it, and its answer."""
    module, _, name = function.partition(":")
    try:
        content: bytes = getattr(import_module(module), name)(given())
    except Exception as error:  # noqa: BLE001 - the outermost edge of a process
        return {"answered": False, **_blamed(error)}, b""
    return {"answered": True}, content


def follow(lifeline: int) -> None:
    """End with the process that started this one, however it ended: then the pipe has no writer."""

    def end() -> None:
        with suppress(OSError):
            os.read(lifeline, 1)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=end, daemon=True).start()


def limit(told: dict[str, Any]) -> None:
    """Stand back behind others, and take no more memory than told."""
    os.nice(told["niceness"])
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # before the daemon, if memory runs out for all
    _lower(resource.RLIMIT_DATA, told["memory_bytes"])
    _lower(resource.RLIMIT_CORE, 0)


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _blamed(error: Exception) -> dict[str, str]:
    """Return why there is no answer, in words: neither a value nor a traceback."""
    if isinstance(error, MonitorError):
        return {"reason": "raised", "message": f"failed: {error.message}", "hint": error.hint}
    if isinstance(error, MemoryError):
        return {"reason": "memory_limit", "message": "needs more memory than it may have", "hint": "give it fewer rows"}
    library = (getattr(error, "name", None) or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if library in EXTRAS:
        hint = f'python -m pip install "driftline[{EXTRAS[library]}]"'
        return {"reason": "not_installed", "message": f"needs {library}, which cannot be imported", "hint": hint}
    return {"reason": "raised", "message": f"failed: {_place(error)}", "hint": "report this with the versions used"}


def _place(error: Exception) -> str:
    """Return the kind of an error and where it was raised, without its message, which may hold a user's values."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place, trace = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} in {place}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
