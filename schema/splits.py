"""The splits of data: their names, and which texts are held out."""

from __future__ import annotations

import hashlib

TRAIN, EVAL, TEST = "train", "eval", "test"
ITEMS = "items"
"""The catalogue among the two-tower's examples."""
_TENTHS = 10


def tenth(text: str) -> int:
    """Which tenth of all texts one belongs to, 0 to 9: the same everywhere, and in every run.

    Not by a checksum, by which whoever made the texts may have parted them before: of queries whose CRC-32 is even, none
    would be left to test.
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % _TENTHS
