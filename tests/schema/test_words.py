"""What other languages call columns and events: told apart within a language, and compared without what is only spelling."""

from __future__ import annotations

import codecs
import collections

import hypothesis.strategies as st
import pytest
from hypothesis import given

from aisle.schema.events import KINDS as EVENT_KINDS
from aisle.schema.events import canonical, names, spellings
from aisle.schema.tables import TABLES
from aisle.schema.words import KINDS, folded, languages, place

CODES = sorted(languages())


@pytest.mark.parametrize("code", CODES)
def test_a_language_names_what_there_is_and_no_word_of_it_means_two_columns_of_a_table(code: str) -> None:
    language = languages()[code]
    columns = {table.name: {column.name for column in table.columns} for table in TABLES}
    assert set(language) <= {"columns", "files", KINDS, *columns}
    for encoding in language.get("files", {}).get("encodings", ()):
        assert codecs.lookup(encoding)
    for section, said in language.items():
        if section == "files":
            continue
        allowed = set(names()) if section == KINDS else columns.get(section, set().union(*columns.values()))
        assert set(said) <= allowed, section
    for table, own in columns.items():
        meant = collections.defaultdict(set)
        for name in own:
            for word in (
                name,
                *language.get("columns", {}).get(name, ()),
                *language.get(table, {}).get(name, ()),
            ):
                meant[folded(word)].add(name)
        # A feed of few columns has its titles there.
        meant.pop("description", None)
        assert not {word: found for word, found in meant.items() if len(found) > 1}


@pytest.mark.parametrize("code", CODES)
def test_the_words_of_a_language_are_found_in_capitals_without_accents_and_with_other_signs(
    code: str,
) -> None:
    language = languages()[code]
    for table in ("items", "events"):
        for name, said in language[table].items():
            for rank, word in enumerate(said, 1):
                found = place(table, name, word.upper().replace(" ", "_"))
                assert found is not None and found <= rank + len(language["columns"].get(name, ())), word
    for kind, said in language.get(KINDS, {}).items():
        assert {canonical(f" {word.upper()}!") for word in said} == {kind}


def test_names_are_compared_by_letters_alone() -> None:
    assert folded("Référence-Produit ") == folded("reference_produit") == "referenceproduit"
    assert folded("商品ＩＤ") == "商品id"
    assert folded("Ilość") == folded("ILOSC") and folded("tıklama") == folded("TIKLAMA")
    assert place("items", "brand", "ブランド") == 1
    assert place("items", "title", "no such word") is None and place("items", "title", "Title") == 0


@given(st.text())
def test_folding_twice_is_folding_once(name: str) -> None:
    assert folded(folded(name)) == folded(name)


def test_every_kind_is_spelled_as_itself_first() -> None:
    assert [spellings(kind)[0] for kind in EVENT_KINDS] == names()
