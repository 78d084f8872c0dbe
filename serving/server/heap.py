"""Has the C library's allocator give back to the machine what was freed, which it otherwise keeps in each thread's heap.

A C library other than glibc is left as it is.
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""See mallopt(3)."""
_APART, _SPARE = 4 << 20, 16 << 20


def keep_little() -> None:
    """Has large pieces lie apart, given back when they are freed, and heaps keep little that is free at their end.

    Else glibc raises both bounds to what was freed once: after one request of many megabytes every heap may keep twice
    as many.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _APART)
        libc.mallopt(_M_TRIM_THRESHOLD, _SPARE)


def give_back() -> None:
    """Gives what is free at the moment back to the machine."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
