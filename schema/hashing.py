"""A place between 0 and 1 for each user: the same in the client, the gateway and the analysis."""

from __future__ import annotations

import hashlib


def place_of(salt: str, unit: bytes) -> float:
    """Where a user, a session or another unit stands: from 0 to below 1, in steps of 2⁻⁵³.

    Not Python's hash, which differs from process to process.

    Args:
        salt: another one gives all units other places, independent of these.
        unit: the unit's id in UTF-8.
    """
    digest = hashlib.sha256(salt.encode() + b"\0" + unit).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53
