"""The process's memory, given back where nothing needs it any more."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Frees what nothing names, and gives the machine what the C library keeps of it for what may come.

    The GNU C library alone keeps hundreds of megabytes of a large catalogue and is asked; others do as they do.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
