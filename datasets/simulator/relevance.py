"""What a query asks for in truth, how people word it, and how well each item answers it."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from aisle.datasets.simulator.catalogue import Catalogue, Ints
from aisle.datasets.simulator.visits import MANY, MISSPELLED, NO_ATTRIBUTE, SYNONYM, Pages
from aisle.datasets.simulator.vocabulary import NOUNS_PER_LEAF, Vocabulary

JUDGED_QUERIES = 60
"""Half of them name an attribute."""
JUDGED_OF_GRADE = (10, 6, 6, 10)
"""At most this many items of grade 0, 1, 2 and 3 are judged for a query."""


def grades(noun: Ints, attribute: Ints, word: Ints, catalogue: Catalogue, items: Ints) -> Ints:
    """Returns how well each item answers each wish: 3 all of it, 2 nearly, 1 its category, 0 not at all.

    Args:
        noun: [q] the product type wanted.
        attribute: [q] the attribute named, or NO_ATTRIBUTE.
        word: [q] its value, or -1.
        catalogue: what the shop sells.
        items: [m] items.

    Returns:
        [q, m] grades.
    """
    same_noun = noun[:, None] == catalogue.noun[items]
    same_leaf = (noun // NOUNS_PER_LEAF)[:, None] == catalogue.leaf[items]
    # A last column that never differs stands for "no attribute named".
    attributes = np.append(catalogue.attributes[items], np.full((len(items), 1), -1), axis=1)
    fits = attributes.T[attribute] == word[:, None]
    found: Ints = np.where(same_noun, 2 + fits, np.where(same_leaf, 1 + (fits & (word >= 0)[:, None]), 0))
    return found


@dataclasses.dataclass(frozen=True)
class Queries:
    """The distinct queries of a shop.

    Attributes:
        texts: the distinct texts.
        of_page: [p] the index into `texts` of each page's query; -1 where nothing was searched.
    """

    texts: tuple[str, ...]
    of_page: Ints


def make_queries(vocabulary: Vocabulary, pages: Pages, rng: np.random.Generator) -> Queries:
    """Returns what was typed for each page that answers a query."""
    searched = np.flatnonzero(pages.searched)
    wishes = np.column_stack([pages.noun, pages.attribute, pages.word, pages.wording])[searched]
    distinct, which = np.unique(wishes, axis=0, return_inverse=True)
    texts = tuple(_text(vocabulary, wish, rng) for wish in distinct.tolist())
    of_page = np.full(len(pages.searched), -1)
    of_page[searched] = which.ravel()
    return Queries(texts, of_page)


def _text(vocabulary: Vocabulary, wish: list[int], rng: np.random.Generator) -> str:
    """Returns the query for a wish (noun, attribute, word, wording), in lower case as most people type."""
    noun, attribute, word, wording = wish
    kind, leaf = vocabulary.nouns[noun], noun // NOUNS_PER_LEAF
    words = vocabulary.words[leaf]
    name = (
        words.many(kind, kind.name) if wording == MANY else kind.synonym if wording == SYNONYM else kind.name
    )
    before = ""
    if attribute != NO_ATTRIBUTE:
        styles = words.consumable_styles if vocabulary.leaves[leaf].consumable else words.styles
        values = (styles, words.colours, vocabulary.materials, vocabulary.brands)[attribute]
        before = values[word] + words.query_space
    text = words.misspell(before, name, rng) if wording == MISSPELLED else before + name
    return text.lower()


def make_judgements(catalogue: Catalogue, pages: Pages, rng: np.random.Generator) -> pl.DataFrame:
    """Returns the `judgements` table: graded items for the wishes searched for most often.

    Every query has items of each grade, where the shop sells such.
    """
    plain = np.flatnonzero(pages.searched & (pages.wording != MISSPELLED))
    wishes = np.column_stack([pages.noun, pages.attribute, pages.word, pages.wording])[plain]
    distinct, counts = np.unique(wishes, axis=0, return_counts=True)
    frequent = distinct[np.argsort(-counts, kind="stable")]
    bare = frequent[:, 1] == NO_ATTRIBUTE
    half = JUDGED_QUERIES // 2
    everything = np.arange(len(catalogue.leaf))
    parts = []
    for wish in np.concatenate([frequent[bare][:half], frequent[~bare][:half]]):
        noun, attribute, word = (wish[part : part + 1] for part in range(3))
        grade = grades(noun, attribute, word, catalogue, everything)[0]
        shuffled = rng.permutation(everything)
        items = np.concatenate(
            [shuffled[grade[shuffled] == value][:most] for value, most in enumerate(JUDGED_OF_GRADE)]
        )
        parts.append(
            pl.DataFrame(
                {
                    "query": [_text(catalogue.vocabulary, wish.tolist(), rng)] * len(items),
                    "item_id": catalogue.table["item_id"].gather(items),
                    "grade": grade[items],
                }
            )
        )
    if not parts:
        return pl.DataFrame(schema={"query": pl.String, "item_id": pl.String, "grade": pl.Int64})
    # Different wishes may read the same ("orange" is a flavour and a colour): the first one counts.
    return pl.concat(parts).unique(("query", "item_id"), keep="first", maintain_order=True)
