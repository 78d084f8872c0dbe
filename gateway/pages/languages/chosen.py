"""Which language a visitor reads: the one that their browser asks for, else that of the shop, else the pages' own."""

from __future__ import annotations

import functools

from babel import Locale, UnknownLocaleError, negotiate_locale

from aisle.gateway.pages.languages.language import OWN, Language, languages

_MAX_HEADER = 500


@functools.lru_cache(maxsize=1_000)
def chosen(accepted: str, shop: str) -> Language:
    """The language of an answer.

    Args:
        accepted: the header `Accept-Language`; what can't be read of it counts as absent.
        shop: the language of the shop's titles (BCP 47), "" where it isn't known.
    """
    for tag in (*preferred(accepted), *([shop] if shop else []), OWN):
        found = _language(tag)
        if found:
            return found
    raise AssertionError(f"{OWN} is no language")


def preferred(accepted: str) -> list[str]:
    """The tags of `Accept-Language`, the most wanted first (RFC 9110, 12.5.4); those that are not wanted are left out."""
    weights: dict[str, float] = {}
    for part in accepted[:_MAX_HEADER].split(","):
        tag, _, weight = part.partition(";")
        try:
            weights[tag.strip()] = float(weight.partition("=")[2] or 1)
        except ValueError:
            continue
    wanted = [tag for tag, weight in weights.items() if tag not in ("", "*") and weight > 0]
    return sorted(wanted, key=lambda tag: -weights[tag])


def _language(tag: str) -> Language | None:
    """The one of the languages that a tag is of, with the numbers of its country where they are known."""
    name = negotiate_locale([tag.lower()], languages(), sep="-")
    if name is None:
        return None
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        locale = Locale.parse(name)
    return Language(name, locale)
