"""Tells the C library's allocator to keep what was freed in few places, and to give it back to the machine.

Each thread of a server frees what it allocated into a heap of its own, up to eight times the number of cores, and keeps
it there, more with each version that is loaded. A C library other than glibc is left as it is.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""See mallopt(3)."""
_ARENAS = 2


def few_arenas() -> None:
    """Keeps few heaps from now on: called before threads are started."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Gives what is free at the moment back to the machine."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
