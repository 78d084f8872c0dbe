"""The process's memory, given back where nothing needs it any more."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Gives the machine what the C library keeps of freed memory for what may come.

    The GNU C library alone keeps hundreds of megabytes of a large catalogue and is asked; others do as they do.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
