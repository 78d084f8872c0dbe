"""The items' pictures: files of a folder, told by their first bytes; whatever else is there stays there."""

from __future__ import annotations

import functools
import pathlib

_KINDS: tuple[tuple[bytes, bytes, str], ...] = (
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"GIF8", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
    (b"", b"ftypavif", "image/avif"),
)
"""How a file begins, what it has from its eighth byte on (its fourth of AVIF), and what it is then."""


class Pictures:
    """Files below a folder; none where there is no folder."""

    def __init__(self, folder: pathlib.Path | None) -> None:
        """Looks at nothing yet."""
        self._folder = folder and folder.resolve()
        self._kinds = functools.lru_cache(maxsize=100_000)(_kind)

    def find(self, image: str) -> tuple[pathlib.Path, str] | None:
        """The file of an item's `image` and its media type; None where it is none, or lies elsewhere."""
        if self._folder is None or not image or "\0" in image:
            return None
        path = self._folder / image
        try:
            path = path.resolve()
            kind = self._kinds(path) if path.is_relative_to(self._folder) else ""
        except (OSError, RuntimeError):  # Of a link to itself, or a name that is too long.
            return None
        return (path, kind) if kind else None


def _kind(path: pathlib.Path) -> str:
    """The media type of a file; "" of what is no picture."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        first = file.read(16)
    for begins, goes_on, kind in _KINDS:
        at = 8 if begins else 4
        if first.startswith(begins) and first[at:].startswith(goes_on):
            return kind
    return ""
