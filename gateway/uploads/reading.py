"""Pictures of strangers, made into what a model reads."""

from __future__ import annotations

import asyncio

from aisle.gateway.security import MAX_UPLOAD_BYTES
from aisle.gateway.stages import stage
from aisle.schema.errors import InputError
from aisle.schema.pictures import FORMATS, MOST_PIXELS, PictureError, encoded, read_picture

AT_ONCE = 2
"""Pictures that are decoded at a time: one of the most pixels takes some 400 MB."""


class PictureReading:
    """Checks, turns and shrinks pictures beside the event loop, a few at a time."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._free = asyncio.Semaphore(AT_ONCE)

    async def small(self, data: bytes) -> bytes:
        """A picture as a small PNG.

        Raises:
            InputError: it can't be used; says why, and what can.
        """
        async with self._free:
            with stage("picture"):
                return await asyncio.to_thread(_small, data)


def _small(data: bytes) -> bytes:
    try:
        return encoded(read_picture(data))
    except PictureError as error:
        raise InputError(
            f"the picture can't be used: {error}; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]} of at most "
            f"{MAX_UPLOAD_BYTES >> 20} MiB and {MOST_PIXELS:,} pixels"
        ) from error
