"""What a simulated shop sells and in which words: the form of `languages/`, whose modules are the data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NOUNS_PER_LEAF = 2


@dataclasses.dataclass(frozen=True)
class Noun:
    """A product type: its name in titles, its name in some people's queries, and whether it is counted."""

    name: str
    synonym: str
    countable: bool = True


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A leaf of the category tree.

    Attributes:
        path: the category as written in `items.category`.
        nouns: what is sold there, NOUNS_PER_LEAF.
        materials: materials, or flavours and scents of consumables.
        price: the median price.
        repeat: the probability that a buyer buys the same item again after a while.
        peak_month: the month (1 to 12) of most interest, or 0 for none.
        sizes: in the place of its language's.
    """

    path: str
    nouns: tuple[Noun, ...]
    materials: tuple[str, ...]
    price: float
    repeat: float = 0.05
    peak_month: int = 0
    sizes: tuple[str, ...] = ()

    @property
    def department(self) -> str:
        """The top level of the path."""
        return self.path.partition("/")[0]

    @property
    def consumable(self) -> bool:
        """Whether the goods are used up, so that people come back for them."""
        return self.repeat >= 0.3


def leaf(
    path: str,
    nouns: str,
    materials: str,
    price: float,
    repeat: float = 0.05,
    peak_month: int = 0,
    sizes: tuple[str, ...] = (),
) -> Leaf:
    """Returns a leaf whose nouns, `name|synonym`, and materials are written as lists parted by `, `."""
    pairs = (pair.partition("|") for pair in nouns.split(", "))
    named = tuple(Noun(name, synonym) for name, _, synonym in pairs)
    return Leaf(path, named, tuple(materials.split(", ")), price, repeat, peak_month, sizes)


@dataclasses.dataclass(frozen=True)
class Words:
    """How a language words what is sold, asked for and said of it.

    Every language's styles stand for the same tastes in the same order, and its colours for the same colours.

    Attributes:
        styles: of goods that last.
        consumable_styles: of those that are used up.
        colours: of goods that last.
        sizes: of goods that last.
        consumable_sizes: of those that are used up.
        space: between the words of a title.
        query_space: between the words of a query.
        title: made of `{brand}`, `{style}`, `{colour}` (behind a space; empty where there is none), `{material}`,
            `{noun}` and `{size}`.
        repeated: made of `{title}` and `{repeats}`, for titles that were there before.
        description: made of the same as a title, and `{synonym}`.
        many: what people write who want to see many of a noun, by its name or its synonym: in English the plural.
        misspell: what becomes of a query that is typed carelessly, by the words before its noun (the space behind them
            included; "" for none) and the noun.
        reviews: what is written with one to five stars, of `{noun}`.
        notes: what the staff writes in a title's place.
        former: what stands before the title of what is no longer sold.
    """

    styles: tuple[str, ...]
    consumable_styles: tuple[str, ...]
    colours: tuple[str, ...]
    sizes: tuple[str, ...]
    consumable_sizes: tuple[str, ...]
    space: str
    query_space: str
    title: str
    repeated: str
    description: str
    many: Callable[[Noun, str], str]
    misspell: Callable[[str, str, np.random.Generator], str]
    reviews: tuple[str, ...]
    notes: tuple[str, ...]
    former: str


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """All words of a shop.

    Attributes:
        parts: the leaves, each part in the words of one language.
        brands: in an order in which neighbours sell in the same departments.
        brands_per_department: how many sell in each.
        countries: where users live.
        country_shares: of the users, summing to 1.
        former_country: one that is none of them.
        currency: forms of a price with its currency, of `{price}` and, with a decimal comma, `{comma}`.
        blank: white space that the shop's writers use beside the ASCII one.
    """

    parts: tuple[tuple[Words, tuple[Leaf, ...]], ...]
    brands: tuple[str, ...]
    countries: tuple[str, ...]
    country_shares: tuple[float, ...]
    former_country: str
    currency: tuple[str, ...]
    blank: str = "\u00a0"
    brands_per_department: int = 8

    @functools.cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves of all parts."""
        return tuple(leaf for _, leaves in self.parts for leaf in leaves)

    @functools.cached_property
    def words(self) -> tuple[Words, ...]:
        """The words of each leaf."""
        return tuple(words for words, leaves in self.parts for _ in leaves)

    @functools.cached_property
    def nouns(self) -> tuple[Noun, ...]:
        """NOUNS_PER_LEAF of each leaf."""
        return tuple(noun for leaf in self.leaves for noun in leaf.nouns)

    @functools.cached_property
    def materials(self) -> tuple[str, ...]:
        """The materials of all leaves, each once."""
        return tuple(dict.fromkeys(material for leaf in self.leaves for material in leaf.materials))

    @functools.cached_property
    def departments(self) -> tuple[str, ...]:
        """The top levels of the category tree."""
        return tuple(dict.fromkeys(leaf.department for leaf in self.leaves))

    @functools.cached_property
    def department_of_leaf(self) -> NDArray[np.int64]:
        """[leaves] an index into `departments`."""
        return np.array([self.departments.index(leaf.department) for leaf in self.leaves])

    @functools.cached_property
    def consumable(self) -> NDArray[np.bool_]:
        """[leaves] whether the goods are used up."""
        return np.array([leaf.consumable for leaf in self.leaves])

    @property
    def tastes(self) -> int:
        """The number of styles."""
        return len(self.words[0].styles)

    @property
    def colours(self) -> int:
        """The number of colours."""
        return len(self.words[0].colours)
