"""The process's memory, given back where nothing needs it any more."""

from __future__ import annotations

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Gives the machine what the GNU C library and Arrow keep of freed memory for what may come.

    Hundreds of megabytes of a large catalogue; other C libraries do as they do.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
