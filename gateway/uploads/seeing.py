"""Whether the model that is served finds items by a picture: only then is a visitor offered it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from aisle.schema.pictures import encoded
from aisle.serving import AsyncClient, RequestRefused, ServingError

PAUSE_SECONDS = 10.0
"""Until a server that didn't answer is asked again."""


class Seeing:
    """Asks each version once, by a picture of nothing: a server tells no other way that a model lacks a signature.

    Attributes:
        sees: whether the version that was looked at last does.
    """

    def __init__(self, client: AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is asked yet.

        Args:
            client: asks the model's server.
            clock: seconds that only grow.
        """
        self._client, self._clock = client, clock
        self._known: dict[int | None, bool] = {}
        self._not_before = 0.0
        self.sees = False

    async def look(self, version: int | None) -> None:
        """Asks, unless that version was asked before.

        Args:
            version: that answered last; None where none did yet.
        """
        if version in self._known:
            self.sees = self._known[version]
            return
        if self._clock() < self._not_before:
            return
        answered = version
        try:
            answered = (await self._client.similar_by_image(_NOTHING, 1)).version
            self.sees = True
        except RequestRefused:
            self.sees = False
        except ServingError:
            self._not_before = self._clock() + PAUSE_SECONDS
            return
        self._known |= {version: self.sees, answered: self.sees}


_NOTHING = encoded(np.full((8, 8, 3), 255, np.uint8))
