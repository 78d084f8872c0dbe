"""A language of the pages: its texts, and how it writes numbers and prices."""

from __future__ import annotations

import dataclasses
import functools
import gettext
import io
import pathlib

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

OWN = "en"
"""In which the pages themselves are written."""
FOLDER = pathlib.Path(__file__).parent
_AMOUNT = "#,##0.00"


def marked(text: str) -> str:
    """The text itself, which a page will say in its own language: the catalogues are held against what is marked so."""
    return text


@functools.lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Those that there are: `OWN`, and one of each catalogue."""
    return (OWN, *sorted(path.stem for path in FOLDER.glob("*.po")))


@functools.cache
def texts_of(name: str) -> gettext.NullTranslations:
    """The texts of one of the languages by what they are in `OWN`."""
    if name == OWN:
        return gettext.NullTranslations()
    with (FOLDER / f"{name}.po").open("rb") as file:
        catalogue = read_po(file, locale=name)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@dataclasses.dataclass(frozen=True)
class Language:
    """A language as a visitor reads it.

    Attributes:
        name: of `languages`, by which the texts are found.
        locale: whose numbers are written; of the same language, maybe of a country.

    Example:
        >>> german = Language("de", Locale("de", "CH"))
        >>> german.price(1234.5, "CHF"), german.say("Search")
        ('CHF 1’234.50', 'Suchen')
    """

    name: str
    locale: Locale

    @property
    def tag(self) -> str:
        """As `lang` says it (BCP 47)."""
        return self.name.replace("_", "-")

    @property
    def direction(self) -> str:
        """As `dir` says it."""
        return self.locale.text_direction

    def say(self, text: str, /, **values: object) -> str:
        """A text of `OWN` in this language, with values in their places: `%(name)s`."""
        said = texts_of(self.name).gettext(text)
        return said % values if values else said

    def price(self, amount: float, currency: str) -> str:
        """A price; the currency is a sign or a code (ISO 4217), which stands where the language has it, or "" for none."""
        if currency:
            return format_currency(amount, currency, locale=self.locale)
        return self.hundredths(amount)

    def number(self, value: float) -> str:
        """A number for reading."""
        return format_decimal(value, locale=self.locale)

    def hundredths(self, value: float) -> str:
        """A number with two decimals."""
        return format_decimal(value, _AMOUNT, locale=self.locale)

    def share(self, value: float) -> str:
        """A share of 1 for reading, in whole percent."""
        return format_percent(value, "#,##0%", locale=self.locale)

    def milliseconds(self, seconds: float) -> str:
        """A short time for reading."""
        return f"{format_decimal(1e3 * seconds, '0' if seconds >= 0.01 else '0.0', locale=self.locale)} ms"

    def typed(self, value: float) -> str:
        """A number as one would type it: whole, and without a mark of thousands."""
        return format_decimal(value, "0.######", locale=self.locale, group_separator=False)
