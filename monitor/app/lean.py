"""Keep the daemon small: what it does not need is not loaded, and unused memory goes back to the system.

pyarrow imports pandas wherever it is installed, as soon as it is handed a numpy array; that is 75 MB that a
daemon at rest has no use for. The report and the demo, which do, run in processes of their own.

Arrow's own allocators keep what each thread has freed, and glibc keeps an arena a thread: measured after nine months
of flights were drained, that is 55 MB which no call gives back. With the system's allocator and one arena it does.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_KEPT_OUT = frozenset({"pandas"})
_M_ARENA_MAX = -8
"""See mallopt(3)."""


class _KeepOut:
    """Says that a module is not installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find nothing, and refuse what is kept out."""
        del path, target
        if name in _KEPT_OUT:
            raise ModuleNotFoundError(f"{name} is kept out of this process", name=name)
        return None


def begin_lean() -> None:
    """Settle how the process gets memory: to be called before pyarrow is imported and any thread is started.

    From now on every import of pandas fails, unless it is loaded already.
    """
    keep_out_pandas()
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = _of_c_library("mallopt")
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, 1)


def keep_out_pandas() -> None:
    """Have every import of pandas fail from now on, unless it is loaded already."""
    if not _KEPT_OUT & sys.modules.keys():
        sys.meta_path.insert(0, _KeepOut)


def give_back() -> None:
    """Return memory that is free to the system, where the C library can."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_c_library(name: str) -> Callable[..., Any] | None:
    found: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
    return found
