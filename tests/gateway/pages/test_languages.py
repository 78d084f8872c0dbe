"""The pages in other languages: which one, that every text is there, and how numbers and prices are written."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from aisle.gateway.pages.languages.chosen import chosen, preferred
from aisle.gateway.pages.languages.language import FOLDER, OWN, languages

PAGES = pathlib.Path(__file__).resolve().parents[3] / "gateway" / "pages"
PLACES = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def texts() -> set[str]:
    """All that the pages say in English."""
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    strict = {"**.html": {"silent": "false"}}
    keywords = {"_": None, "marked": None}
    found = extract_from_dir(str(PAGES), methods, options_map=strict, keywords=keywords)
    return {message for _, _, message, *_ in found if isinstance(message, str)}


@pytest.mark.parametrize("name", [name for name in languages() if name != OWN])
def test_a_language_says_everything_and_nothing_else(name: str, texts: set[str]) -> None:
    with (FOLDER / f"{name}.po").open("rb") as file:
        catalogue = {
            message.id: message for message in read_po(file, locale=name, abort_invalid=True) if message.id
        }
    assert len(texts) > 100 and set(catalogue) == texts
    for text, message in catalogue.items():
        assert message.string and not message.fuzzy, text
        assert sorted(PLACES.findall(message.string)) == sorted(PLACES.findall(text)), text


@pytest.mark.parametrize("template", sorted((PAGES / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(template: pathlib.Path) -> None:
    said = re.sub(
        r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    shown = re.sub(r"<svg.*?</svg>|<code>.*?</code>|<[^>]*>| lang=\"[^\"]*\"", " ", said, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', said)
    assert re.findall(r"[^\W\d_]{2,}", " ".join([shown, *labels]).replace("UTC", "")) == []


@pytest.mark.parametrize(
    ("accepted", "shop", "name", "price"),
    [
        ("", "", "en", "€1,234.50"),
        ("", "zh", "zh", "€1,234.50"),
        ("de", "zh", "de", "1.234,50 €"),
        ("fr;q=0.9, de-CH;q=0.5", "zh", "de", "€ 1'234.50"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "", "zh", "€1,234.50"),
        ("en-GB, de", "de", "en", "€1,234.50"),
        ("fr, *", "de-AT", "de", "€ 1.234,50"),
        ("de;q=0, en;q=0.1", "", "en", "€1,234.50"),
        ("fr", "fr", "en", "€1,234.50"),
    ],
)
def test_the_browsers_language_comes_before_the_shops_and_its_country_writes_the_prices(
    accepted: str, shop: str, name: str, price: str
) -> None:
    language = chosen(accepted, shop)
    # Which apostrophe parts thousands differs between editions of the CLDR.
    written = language.price(1234.5, "€").replace("\xa0", " ").replace("’", "'")
    assert (language.name, written) == (name, price)


def test_numbers_and_prices_are_written_as_the_language_does() -> None:
    german, chinese = chosen("de", ""), chosen("zh", "")
    assert [german.number(12345), german.typed(12345.5), german.price(9.5, "")] == [
        "12.345",
        "12345,5",
        "9,50",
    ]
    assert [chinese.price(9.5, "CNY"), chinese.price(9.5, "JPY")] == ["¥9.50", "JP¥10"]


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["de", "zh-CN", ";q=", "0.5", ",", "-", "*", "é"])).map("".join)
)
def test_whatever_a_browser_asks_for_there_is_a_language(accepted: str) -> None:
    assert chosen(accepted, "").name in languages() and "*" not in preferred(accepted)


def test_a_german_browser_reads_german_and_the_titles_stay_as_they_are(visits: Callable[..., Any]) -> None:
    async def use(shop: Any) -> None:
        shop.http.headers["Accept-Language"] = "de-DE,de;q=0.9,en;q=0.5"
        page = await shop.http.get("/search?q=mug")
        assert page.headers["Vary"] == "Accept-Language" and '<html lang="de" dir="ltr">' in page.text
        assert (
            "Artikel 1 bis 5" in page.text and "1.234,00\xa0€" in page.text and ">Red mug</span>" in page.text
        )
        said = {"event": "cart", "item_id": "mug"}
        answer = await shop.http.post("/event", data=said, headers={"Accept": "application/json"})
        assert answer.json() == {"said": "Red mug: Liegt in Ihrem Warenkorb."}
        await shop.http.get("/item/mug?once=1")
        assert "Weil Sie sich <bdi>Red mug</bdi> angesehen haben" in (await shop.http.get("/")).text
        missing = await shop.http.get("/picture/mug")
        assert "Hier gibt es nichts." in missing.text and 'lang="en"' in missing.text

    visits(use, currency="€")


def test_without_a_browsers_language_the_pages_are_in_the_shops(visits: Callable[..., Any]) -> None:
    async def use(shop: Any) -> str:
        return str((await shop.http.get("/")).text)

    page = visits(use, language="zh", name="茶<店>")
    assert '<html lang="zh" dir="ltr">' in page and "热门商品" in page and "茶&lt;店&gt;" in page
