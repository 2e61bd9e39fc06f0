"""Keep the daemon small: pandas is not loaded, and unused memory goes back to the system.

pyarrow imports pandas wherever it is installed, as soon as it is handed a numpy array; that is 75 MB that a
daemon at rest has no use for. The report and the demo, which do, run in processes of their own.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

_KEPT_OUT = frozenset({"pandas"})


class _KeepOut:
    """Says that a module is not installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find nothing, and refuse what is kept out."""
        del path, target
        if name in _KEPT_OUT:
            raise ModuleNotFoundError(f"{name} is kept out of this process", name=name)
        return None


def keep_out_pandas() -> None:
    """Have every import of pandas fail from now on, unless it is loaded already."""
    if not _KEPT_OUT & sys.modules.keys():
        sys.meta_path.insert(0, _KeepOut)


def give_back() -> None:
    """Return memory that is free to the system, where the C library can."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
