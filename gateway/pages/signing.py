"""Who may see the console: who brought the key, until the end of a day's work."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from aisle.gateway.security import Rates

CONSOLE_COOKIE = "aisle_console"
SIGNED_SECONDS = 12 * 3_600
GUESSES_A_SECOND = 1.0
"""Of an address."""


class Signing:
    """Tells a key from a wrong one, and what it signed from what it didn't; any process with the same key agrees."""

    def __init__(self, key: str, clock: Callable[[], float] = time.time) -> None:
        """Takes the key; with "" nobody signs in.

        Args:
            key: of the gateway.
            clock: seconds since 1970.
        """
        self._key, self._clock = key.encode(), clock
        self.guesses = Rates(GUESSES_A_SECOND)

    @property
    def possible(self) -> bool:
        """Whether there is a key."""
        return bool(self._key)

    def sign_in(self, came: str) -> str:
        """What the cookie of who brings the key says; "" for a wrong one."""
        if not self._key or not hmac.compare_digest(self._key, came.strip().encode(errors="replace")):
            return ""
        until = str(int(self._clock()) + SIGNED_SECONDS)
        return f"{until}.{self._signature(until)}"

    def knows(self, cookie: str) -> bool:
        """Whether a cookie is one that was given, and its time has not passed."""
        until, _, signature = cookie.partition(".")
        right = hmac.compare_digest(self._signature(until).encode(), signature.encode(errors="replace"))
        return bool(self._key) and right and until.isdecimal() and self._clock() < int(until)

    def _signature(self, until: str) -> str:
        return hmac.new(
            self._key, f"console until {until}".encode(errors="replace"), hashlib.sha256
        ).hexdigest()
