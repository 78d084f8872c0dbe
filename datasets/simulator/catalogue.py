"""The items of a simulated shop: what they are, and the latent traits that tastes act on."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator import vocabulary as words
from aisle.datasets.simulator.leaves import LEAVES
from aisle.datasets.simulator.options import SimulatorOptions

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

NOUNS = tuple(noun for leaf in LEAVES for noun in leaf.nouns)
NOUNS_PER_LEAF = 2
DEPARTMENTS = tuple(dict.fromkeys(leaf.department for leaf in LEAVES))
DEPARTMENT_OF_LEAF: Ints = np.array([DEPARTMENTS.index(leaf.department) for leaf in LEAVES])
CONSUMABLE: NDArray[np.bool_] = np.array([leaf.consumable for leaf in LEAVES])
MATERIALS = tuple(dict.fromkeys(material for leaf in LEAVES for material in leaf.materials))

ATTRIBUTES = ("style", "colour", "material", "brand")
"""The order of the columns of `Catalogue.attributes`."""
ATTRIBUTE_WORDS = (words.STYLES, words.COLOURS, MATERIALS, words.BRANDS)
STYLE, COLOUR, MATERIAL, BRAND = range(len(ATTRIBUTES))

NEW_SHARE = 0.25
"""The share of items that go on sale during the simulated days, not before."""


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """All items, by column; n is the number of items.

    Attributes:
        table: the canonical `items` table.
        leaf: [n] index into LEAVES.
        noun: [n] index into NOUNS.
        attributes: [n, 4] an index into each of ATTRIBUTE_WORDS; -1 where it has none.
        tier: [n] how dear it is for its kind, 0 to 1.
        quality: [n] what everyone agrees on, about -1 to 1.
        popularity: [n] log of how often the shop shows it.
        price: [n] in the shop's currency.
        available: [n] seconds since the epoch from which it is sold.
    """

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
    n = options.items
    leaf = np.concatenate([np.arange(len(LEAVES)), rng.integers(len(LEAVES), size=n - len(LEAVES))])
    rng.shuffle(leaf)
    noun = leaf * NOUNS_PER_LEAF + rng.integers(NOUNS_PER_LEAF, size=n)
    attributes = _attributes(leaf, rng)
    tier = rng.beta(2, 2, n)
    median = np.array([kind.price for kind in LEAVES])[leaf]
    # Prices end in .99 or .49, as shops write them; the dearest of a kind costs 9 times the cheapest.
    price = np.maximum(np.round(median * 9 ** (tier - 0.5) * 2) / 2 - 0.01, 0.49).round(2)
    available = _available(options, rng)
    size = rng.integers(len(words.SIZES), size=n)
    table = _table(leaf, noun, attributes, size).with_columns(
        price=price,
        available_at=pl.from_epoch(pl.Series(available), time_unit="s"),
        stock=rng.negative_binomial(2, 0.02, n),
    )
    return Catalogue(
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


def _attributes(leaf: Ints, rng: np.random.Generator) -> Ints:
    """Returns [n, 4] attributes: materials and brands by category, no colour for what is used up."""
    n = len(leaf)
    columns = np.empty((n, len(ATTRIBUTES)), dtype=np.int64)
    columns[:, STYLE] = rng.integers(len(words.STYLES), size=n)
    columns[:, COLOUR] = np.where(CONSUMABLE[leaf], -1, rng.integers(len(words.COLOURS), size=n))
    counts = np.array([len(kind.materials) for kind in LEAVES])
    ids = np.full((len(LEAVES), counts.max()), -1)
    for row, kind in enumerate(LEAVES):
        ids[row, : len(kind.materials)] = [MATERIALS.index(material) for material in kind.materials]
    columns[:, MATERIAL] = ids[leaf, rng.integers(counts[leaf])]
    first = DEPARTMENT_OF_LEAF[leaf] * 2
    columns[:, BRAND] = (first + rng.integers(words.BRANDS_PER_DEPARTMENT, size=n)) % len(words.BRANDS)
    return columns


def _available(options: SimulatorOptions, rng: np.random.Generator) -> Ints:
    """Returns [n] seconds: up to two years before the first day, or for the new ones some day after it."""
    n = options.items
    days_before = rng.integers(1, 730, size=n)
    days_after = rng.integers(options.days, size=n)
    day = np.where(rng.random(n) < NEW_SHARE, days_after, -days_before)
    seconds: Ints = options.start_seconds + day * 86_400 + rng.integers(6 * 3_600, size=n)
    return seconds


def _table(leaf: Ints, noun: Ints, attributes: Ints, size: Ints) -> pl.DataFrame:
    """Returns the id and texts of the items; titles that would repeat get a number."""
    consumable = CONSUMABLE[leaf]
    styles = np.where(
        consumable, np.array(words.CONSUMABLE_STYLES)[attributes[:, STYLE]],
        np.array(words.STYLES)[attributes[:, STYLE]],
    )  # fmt: skip
    sizes = np.where(consumable, np.array(words.CONSUMABLE_SIZES)[size], np.array(words.SIZES)[size])
    # Colour -1 picks the empty word at the end.
    colours = np.array([*(f" {colour}" for colour in words.COLOURS), ""])[attributes[:, COLOUR]]
    parts = pl.DataFrame(
        {
            "number": np.arange(len(leaf)),
            "brand": np.array(words.BRANDS)[attributes[:, BRAND]],
            "style": styles,
            "colour": colours,
            "material": np.array(MATERIALS)[attributes[:, MATERIAL]],
            "noun": np.array([kind.name for kind in NOUNS])[noun],
            "synonym": np.array([kind.synonym for kind in NOUNS])[noun],
            "category": np.array([kind.path for kind in LEAVES])[leaf],
            "size": sizes,
        }
    )
    title = pl.format("{} {}{} {} {}, {}", "brand", "style", "colour", "material", "noun", "size")
    repeats = pl.col("title").cum_count().over("title")
    description = pl.format(
        "Our {} for every day: {}, in {}{}, by {}. Comes as {}.",
        "synonym", "style", "material", "colour", "brand", "size",
    )  # fmt: skip
    return parts.with_columns(title=title).select(
        item_id=pl.lit("i") + pl.col("number").cast(pl.String).str.zfill(5),
        title=pl.when(repeats > 1).then(pl.format("{}, no. {}", "title", repeats)).otherwise("title"),
        description=description,
        category="category",
        brand="brand",
    )
