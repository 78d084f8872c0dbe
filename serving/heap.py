"""Has the C library's allocator give back to the machine what was freed, which each thread's heap otherwise keeps.

A C library other than glibc is left as it is.
"""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Gives what is free at the moment back to the machine."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
