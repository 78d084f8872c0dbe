"""The items of a simulated shop: what they are, and the latent traits that tastes act on."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.languages import vocabulary_of
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.vocabulary import NOUNS_PER_LEAF, Leaf, Vocabulary, Words

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

ATTRIBUTES = ("style", "colour", "material", "brand")
"""The order of the columns of `Catalogue.attributes`."""
STYLE, COLOUR, MATERIAL, BRAND = range(len(ATTRIBUTES))

NEW_SHARE = 0.25
"""The share of items that go on sale during the simulated days, not before."""


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """All items, by column; n is the number of items.

    Attributes:
        vocabulary: what it is worded in.
        table: the canonical `items` table.
        leaf: [n] index into the vocabulary's leaves.
        noun: [n] index into its nouns.
        attributes: [n, 4] an index into the leaf's styles, its colours, the vocabulary's materials and its brands; -1
            where it has none.
        tier: [n] how dear it is for its kind, 0 to 1.
        quality: [n] what everyone agrees on, about -1 to 1.
        popularity: [n] log of how often the shop shows it.
        price: [n] in the shop's currency.
        available: [n] seconds since the epoch from which it is sold.
    """

    vocabulary: Vocabulary
    table: pl.DataFrame
    leaf: Ints
    noun: Ints
    attributes: Ints
    tier: Floats
    quality: Floats
    popularity: Floats
    price: NDArray[np.float64]
    available: Ints


def make_catalogue(options: SimulatorOptions, rng: np.random.Generator) -> Catalogue:
    """Returns the items: every leaf has one at least, popularity is skewed, some are new."""
    n, vocabulary = options.items, vocabulary_of(options.language)
    leaves = len(vocabulary.leaves)
    leaf = np.concatenate([np.arange(leaves), rng.integers(leaves, size=n - leaves)])
    rng.shuffle(leaf)
    noun = leaf * NOUNS_PER_LEAF + rng.integers(NOUNS_PER_LEAF, size=n)
    attributes = _attributes(vocabulary, leaf, rng)
    tier = rng.beta(2, 2, n)
    median = np.array([kind.price for kind in vocabulary.leaves])[leaf]
    # Prices end in .99 or .49, as shops write them; the dearest of a kind costs 9 times the cheapest.
    price = np.maximum(np.round(median * 9 ** (tier - 0.5) * 2) / 2 - 0.01, 0.49).round(2)
    available = _available(options, rng)
    size = rng.integers(len(vocabulary.words[0].sizes), size=n)
    table = _table(vocabulary, leaf, noun, attributes, size).with_columns(
        price=price,
        available_at=pl.from_epoch(pl.Series(available), time_unit="s"),
        stock=rng.negative_binomial(2, 0.02, n),
    )
    return Catalogue(
        vocabulary=vocabulary,
        table=table,
        leaf=leaf,
        noun=noun,
        attributes=attributes,
        tier=tier.astype(np.float32),
        quality=rng.normal(0, 0.5, n).astype(np.float32),
        popularity=rng.normal(0, 1, n).astype(np.float32),
        price=price,
        available=available,
    )


def _attributes(vocabulary: Vocabulary, leaf: Ints, rng: np.random.Generator) -> Ints:
    """Returns [n, 4] attributes: materials and brands by category, no colour for what is used up."""
    n, leaves, brands = len(leaf), vocabulary.leaves, len(vocabulary.brands)
    columns = np.empty((n, len(ATTRIBUTES)), dtype=np.int64)
    columns[:, STYLE] = rng.integers(vocabulary.tastes, size=n)
    columns[:, COLOUR] = np.where(vocabulary.consumable[leaf], -1, rng.integers(vocabulary.colours, size=n))
    counts = np.array([len(kind.materials) for kind in leaves])
    ids = np.full((len(leaves), counts.max()), -1)
    for row, kind in enumerate(leaves):
        ids[row, : len(kind.materials)] = [
            vocabulary.materials.index(material) for material in kind.materials
        ]
    columns[:, MATERIAL] = ids[leaf, rng.integers(counts[leaf])]
    first = vocabulary.department_of_leaf[leaf] * 2
    columns[:, BRAND] = (first + rng.integers(vocabulary.brands_per_department, size=n)) % brands
    return columns


def _available(options: SimulatorOptions, rng: np.random.Generator) -> Ints:
    """Returns [n] seconds: up to two years before the first day, or for the new ones some day after it."""
    n = options.items
    days_before = rng.integers(1, 730, size=n)
    days_after = rng.integers(options.days, size=n)
    day = np.where(rng.random(n) < NEW_SHARE, days_after, -days_before)
    seconds: Ints = options.start_seconds + day * 86_400 + rng.integers(6 * 3_600, size=n)
    return seconds


def _table(vocabulary: Vocabulary, leaf: Ints, noun: Ints, attributes: Ints, size: Ints) -> pl.DataFrame:
    """Returns the id and texts of the items, each in the words of its leaf."""
    parts, first = [], 0
    for words, leaves in vocabulary.parts:
        rows = np.flatnonzero((leaf >= first) & (leaf < first + len(leaves)))
        parts.append(_worded(words, vocabulary, rows, leaf[rows], noun[rows], attributes[rows], size[rows]))
        first += len(leaves)
    return pl.concat(parts).sort("number").drop("number")


def _worded(
    words: Words, vocabulary: Vocabulary, rows: Ints, leaf: Ints, noun: Ints, attributes: Ints, size: Ints
) -> pl.DataFrame:
    """Returns the id and texts of the items at `rows`; titles that would repeat get a number."""
    consumable = vocabulary.consumable[leaf]
    style = attributes[:, STYLE]
    # Colour -1 picks the empty word at the end.
    colours = np.array([*(words.space + colour for colour in words.colours), ""])
    parts = pl.DataFrame(
        {
            "number": rows,
            "brand": np.array(vocabulary.brands)[attributes[:, BRAND]],
            "style": np.where(
                consumable, np.array(words.consumable_styles)[style], np.array(words.styles)[style]
            ),
            "colour": colours[attributes[:, COLOUR]],
            "material": np.array(vocabulary.materials)[attributes[:, MATERIAL]],
            "noun": np.array([kind.name for kind in vocabulary.nouns])[noun],
            "synonym": np.array([kind.synonym for kind in vocabulary.nouns])[noun],
            "category": np.array([kind.path for kind in vocabulary.leaves])[leaf],
            "size": np.array([_sizes(words, kind) for kind in vocabulary.leaves])[leaf, size],
        }
    )
    repeats = pl.col("title").cum_count().over("title")
    numbered = parts.with_columns(title=_made(words.title)).with_columns(repeats=repeats)
    return numbered.select(
        "number",
        item_id=pl.lit("i") + pl.col("number").cast(pl.String).str.zfill(5),
        title=pl.when(repeats > 1).then(_made(words.repeated)).otherwise("title"),
        description=_made(words.description),
        category="category",
        brand="brand",
    )


def _sizes(words: Words, kind: Leaf) -> tuple[str, ...]:
    return kind.sizes or (words.consumable_sizes if kind.consumable else words.sizes)


def _made(template: str) -> pl.Expr:
    """Returns the text that a template such as `{brand} {noun}` makes of columns."""
    return pl.format(re.sub(r"{\w+}", "{}", template), *re.findall(r"{(\w+)}", template))
