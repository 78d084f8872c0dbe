"""What shops call our columns and kinds of events: a file for each language beside this one.

A file has `columns` for what is called the same in each of a shop's tables, one section for each of these tables, and `kinds`
of events. By each name of ours it lists words, the surest first. `files` has the encodings that programs of that language write
where they don't write UTF-8.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping

KINDS = "kinds"
_SHARED = "columns"
_FILES = "files"

_PLAIN = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "æ": "ae", "đ": "d"})
"""Letters that no accent is taken from, as who has no key for them writes them."""

Language = Mapping[str, Mapping[str, list[str]]]
"""By table (or `KINDS`, or what all tables share), by our name: the words."""


@functools.cache
def languages() -> Mapping[str, Language]:
    """By its code, what is known of each language."""
    # Who only counts and weighs events (a client) needs neither.
    import importlib.resources

    import tomli

    files = (
        file
        for file in importlib.resources.files("aisle.schema.words").iterdir()
        if file.name.endswith(".toml")
    )
    return {
        file.name.removesuffix(".toml"): tomli.loads(file.read_text(encoding="utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    }


def words(table: str, name: str) -> list[list[str]]:
    """What a column of a table is called, or a kind of event where the table is `KINDS`: a list for each language."""
    shared = (_SHARED,) if table != KINDS else ()
    return [
        [word for section in (*shared, table) for word in language.get(section, {}).get(name, ())]
        for language in languages().values()
    ]


def place(table: str, column: str, header: str) -> int | None:
    """How sure a header is a column's name: 0 is our own name, larger is less sure, None is no name of it."""
    return _places(table, column).get(folded(header))


@functools.cache
def _places(table: str, column: str) -> dict[str, int]:
    found = {folded(column): 0}
    # A language has as many words as it has: the first of one is as sure as the first of another.
    for language in words(table, column):
        for rank, word in enumerate(language, 1):
            found[folded(word)] = min(rank, found.get(folded(word), rank))
    return found


def encodings() -> dict[str, list[str]]:
    """By language, the encodings that its files may have beside UTF-8, the surest first."""
    return {
        code: list(language.get(_FILES, {}).get("encodings", ())) for code, language in languages().items()
    }


@functools.cache
def headers(code: str) -> frozenset[str]:
    """What columns are called in a language, in small letters, and folded."""
    sections = [said for section, said in languages()[code].items() if section not in (KINDS, _FILES)]
    said = [word for section in sections for words_ in section.values() for word in words_]
    return frozenset(form for word in said for form in (word.casefold(), folded(word)))


@functools.lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A name as it is compared: case, accents, width, blanks and punctuation don't matter."""
    # Case is folded where letters of other widths are plain, and accents are parted from letters only then.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold()).translate(_PLAIN)
    kept = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", re.sub(r"[\W_]+", "", kept))
