"""CSV files of another encoding than UTF-8, as a stream of UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, Any

from aisle.schema import words
from aisle.schema.errors import InputError

UTF_8 = "utf-8"
_BYTES = 1 << 16
_KANA = "[\u3041-\u30fe]"
_SOME = 0.25
"""Of the bytes that aren't ASCII: Japanese has so many kana, and text in Latin letters so few in longer runs than `_ACCENTS`."""
_ACCENTS = 2
"""Latin letters with accents, and a sign beside one, stand so close together."""
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def marked_encoding(first: bytes) -> str:
    """The encoding that a file's byte-order mark tells, as Excel's "Unicode text" has one; "" where there is none."""
    return next((encoding for mark, encoding in _MARKS.items() if first.startswith(mark)), "")


def guessed_encoding(first: bytes) -> str:
    """The encoding that a file's first bytes may have, "" for UTF-8 or what a mark tells; a person must look it over."""
    if marked_encoding(first) or _read_as(first, UTF_8) is not None or _is_broken_utf_8(first):
        return ""
    return _told_by_header(first) or _told_by_letters(first)


def _is_broken_utf_8(first: bytes) -> bool:
    """Whether most lines that aren't ASCII are UTF-8, which those of another encoding hardly ever are: some are broken."""
    lines = [line for line in first.splitlines()[:-1] if not line.isascii()]
    return 2 * sum(_read_as(line, UTF_8) is not None for line in lines) > len(lines)


def _told_by_header(first: bytes) -> str:
    """The encoding in which most of a header's cells are words of one language, "" where English has as many."""
    line = first.splitlines()[0]
    likely, best = "", (_known("en", line, "latin-1"), 0.0)
    for code, encodings in words.encodings().items():
        for encoding in encodings:
            text = _read_as(first, encoding)
            if text is not None and (found := (_known(code, line, encoding), _letters(code, text))) > best:
                # Two that read the header alike are told apart by what they make of the rest.
                likely, best = encoding, found
    return likely if best[1] else ""


def _known(code: str, line: bytes, encoding: str) -> int:
    """How many cells of a header are words of a language; those with its very accents count twice."""
    known, cells = words.headers(code), re.split(r"[,;\t|]", line.decode(encoding, "replace").casefold())
    return sum((words.folded(cell) in known) + (cell.strip('" ') in known) for cell in cells)


def _letters(code: str, text: str) -> float:
    """How far the signs that aren't ASCII are letters of the language's words, or at least letters; 0 to 1."""
    own = {letter for word in words.headers(code) for letter in word}
    signs = re.findall(r"[^\x00-\x7f]", text[:_BYTES].casefold())
    return sum(1.0 if sign in own else sign.isalpha() / 2 for sign in signs) / max(1, len(signs))


def _told_by_letters(first: bytes) -> str:
    """The encoding that the bytes which aren't ASCII look like, where no header tells it."""
    if len(re.findall(_KANA, _read_as(first, "shift_jis") or "")) > _SOME * len(
        re.findall(rb"[\x80-\xff]", first)
    ):
        return "shift_jis"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", first)]
    if sum(run for run in runs if run <= _ACCENTS) > (1 - _SOME) * sum(runs):
        return "cp1252"
    return "gb18030" if _read_as(first, "gb18030") is not None else "cp1251"


def _read_as(first: bytes, encoding: str) -> str | None:
    """The text of a file's beginning, which may end within a character; None where it isn't of that encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(first)
    except UnicodeError:
        return None


def recoded(name: str, stream: IO[bytes], encoding: str, first: bytes = b"") -> IO[bytes]:
    """A file's text as UTF-8.

    Args:
        name: the file's.
        stream: its bytes.
        encoding: of them, as Python calls it.
        first: what was read of the stream already.

    Raises:
        InputError: by what reads on, where the bytes aren't of that encoding.
    """
    return io.BufferedReader(_Recoded(name, stream, encoding, first), _BYTES)


class _Recoded(io.RawIOBase):
    def __init__(self, name: str, stream: IO[bytes], encoding: str, first: bytes) -> None:
        self._name, self._stream, self._encoding = name, stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ended = False
        self._left = self._decoded(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._ended:
            data = self._stream.read(_BYTES)
            self._ended = not data
            self._left = self._decoded(data)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _decoded(self, data: bytes) -> bytes:
        try:
            return self._decoder.decode(data, final=self._ended).encode()
        except UnicodeError as error:
            reason = getattr(error, "reason", error)
            raise InputError(
                f"{self._name} is not encoded as {self._encoding}: {reason}; mend reading.encodings"
            ) from error
