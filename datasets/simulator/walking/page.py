"""What a visitor makes out on a page of a shop: the items that it shows, and what can be done."""

from __future__ import annotations

import dataclasses
import html.parser
import urllib.parse

ITEM = "/item/"
"""Where the addresses of items' pages begin."""


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of a page.

    Attributes:
        action: the path that it goes to.
        fields: what it sends in any case.
        choices: of its buttons, the name and the value of each.
    """

    action: str
    fields: dict[str, str]
    choices: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of a shop.

    Attributes:
        items: the address of each item's page by its id, in their order on the page; the first of several.
        forms: of the page.
    """

    items: dict[str, str]
    forms: list[Form]

    def form(self, action: str, choice: tuple[str, str], **fields: str) -> Form | None:
        """The first form that goes there, has these fields, and offers a choice; None where there is none."""
        for form in self.forms:
            if form.action == action and choice in form.choices and fields.items() <= form.fields.items():
                return form
        return None


def read_page(text: str) -> Page:
    """Reads a page's HTML."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    forms = [Form(action, fields, tuple(choices)) for action, fields, choices in reader.forms]
    return Page(reader.items, forms)


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, str] = {}
        self.forms: list[tuple[str, dict[str, str], list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        link = said.get("href", "")
        if tag == "a" and link.startswith(ITEM):
            item = urllib.parse.unquote(link.removeprefix(ITEM).partition("?")[0])
            self.items.setdefault(item, link)
        elif tag == "form":
            self.forms.append((said.get("action", ""), {}, []))
        elif tag in ("input", "button") and self.forms and said.get("name"):
            _, fields, choices = self.forms[-1]
            if tag == "button":
                choices.append((said["name"], said.get("value", "")))
            else:
                fields[said["name"]] = said.get("value", "")
