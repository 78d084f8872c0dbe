"""Filters on the catalogue, and counts of what is left by category and brand, in plain TF ops."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from aisle.model.retrieval.item_table import ItemTable
from aisle.schema import contract

FACETS = 20
"""Values of a facet at most."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """What a batch of requests asks of items.

    Example:
        >>> nobody = tf.constant([np.nan, np.nan])
        >>> category, brand = tf.constant(["Home/Kitchen", ""]), tf.constant([[""], [""]])
        >>> asked = Filter(category, brand, price_min=nobody, price_max=nobody, in_stock=tf.constant(False))
        >>> asked.narrows().numpy().tolist()
        [True, False]

    Attributes:
        category: a path, string [b]; "" is any.
        brand: any of them, string [b, m]; "" pads, and a row of pads is any.
        price_min, price_max: both inclusive, float32 [b]; what is not finite is open.
        in_stock: leaves out what is sold out, bool [].
    """

    category: tf.Tensor
    brand: tf.Tensor
    price_min: tf.Tensor
    price_max: tf.Tensor
    in_stock: tf.Tensor

    def narrows(self) -> tf.Tensor:
        """Whether each request asks anything of items: bool [b]."""
        priced = tf.math.is_finite(self.price_min) | tf.math.is_finite(self.price_max)
        named = (_key(self.category) != "") | tf.reduce_any(_key(self.brand) != "", axis=1)
        return named | priced | self.in_stock


class Filters(tf.Module):
    """Says which items a filter lets through, and counts items by category and brand.

    Example:
        >>> nothing, price, stock = [""] * 3, np.array([5.0, 9.0, 2.0]), np.array([1.0, np.nan, 0.0])
        >>> category = ["Home/Kitchen", "Home", "Toys"]
        >>> filters = Filters(ItemTable(nothing, nothing, category, nothing, price, stock))
        >>> asked = Filter(*(tf.constant(one) for one in (["home"], [[""]], [np.nan], [8.0], True)))
        >>> filters.matching(asked).numpy().tolist()
        [[True, False, False]]
    """

    def __init__(self, table: ItemTable) -> None:
        """Args: `table`: of the catalogue, [n] items."""
        super().__init__()
        self._categories = _Names(table.categories, nested=True)
        self._brands = _Names(table.brands, nested=False)
        self._domains = _Names(table.domains, nested=False) if any(table.domains) else None
        self._prices = tf.Variable(tf.constant(table.prices, tf.float32), trainable=False)
        # Unknown stock is NaN, which is not 0 or less.
        self._sold_out = tf.Variable(tf.constant(table.stock <= 0, tf.bool), trainable=False)

    def matching(self, asked: Filter) -> tf.Tensor:
        """Which items pass: bool [b, n]. One without a price passes no price; one of unknown stock is in stock."""
        low, high = asked.price_min[:, None], asked.price_max[:, None]
        above = ~tf.math.is_finite(low) | (self._prices >= low)
        below = ~tf.math.is_finite(high) | (self._prices <= high)
        named = self._categories.matching(asked.category[:, None]) & self._brands.matching(asked.brand)
        return named & above & below & ~(asked.in_stock & self._sold_out)

    @property
    def has_domains(self) -> bool:
        """Whether the items name any domain."""
        return self._domains is not None

    def within(self, domain: tf.Tensor) -> tf.Tensor:
        """Which items are of a domain: string [b] to bool [b, n]; "" is any, and one that no item names has none."""
        assert self._domains is not None
        return self._domains.matching(domain[:, None])

    def facets(self, items: tf.Tensor) -> dict[str, tf.Tensor]:
        """Categories and brands of chosen items with their counts, most frequent first: bool [b, n].

        Each level of a category's path is a value of its own, which counts what lies below it, too: a value's
        count is what is left when one filters by it.
        """
        categories, category_counts = self._categories.count(items)
        brands, brand_counts = self._brands.count(items)
        return {
            contract.CATEGORY_FACETS: categories,
            contract.CATEGORY_COUNTS: category_counts,
            contract.BRAND_FACETS: brands,
            contract.BRAND_COUNTS: brand_counts,
        }


class _Names(tf.Module):
    """The names that a column of the catalogue holds; case and space around them don't count.

    The names of a column lie sorted, level by level where they are paths: what a path names is a range then.
    """

    def __init__(self, values: list[str], nested: bool) -> None:
        """Args: `values`: of each item, "" where there is none. `nested`: whether `/` parts levels."""
        super().__init__()
        spellings, keys = sorted(set(values)), {}
        for spelling, key in zip(spellings, _keys(spellings), strict=True):
            keys[spelling] = tuple(key.split("/")) if nested else (key,)
        ordered = sorted(set(keys.values()) - {("",)})
        shown = {key: spelling for spelling, key in reversed(keys.items())}
        names, ranges = _ranges(ordered, shown)
        # Row 0 is of no name.
        row = {("",): 0, **{key: place for place, key in enumerate(ordered, 1)}}
        self._rows = tf.Variable([row[keys[value]] for value in values], dtype=tf.int32, trainable=False)
        self._count = len(ordered) + 1
        self._names = tf.Variable(tf.constant(list(names.values()), tf.string, [len(names)]), trainable=False)
        self._ranges = tf.Variable(tf.constant(ranges, tf.int32), trainable=False)
        # The range behind the last is of names that nothing has: it is empty. So has the table always a key.
        levels = tf.constant(["", *("/".join(key) for key in names)])
        rows = tf.constant([len(names), *range(len(names))], tf.int32)
        self._lookup = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(levels, rows), len(names)
        )

    def matching(self, names: tf.Tensor) -> tf.Tensor:
        """Which items have any of the names: string [b, m], "" pads, to bool [b, n]; all where there are only pads."""
        wanted = _key(names)
        ranges = tf.gather(self._ranges, self._lookup.lookup(wanted))
        values = tf.range(self._count)
        within = (values >= ranges[..., :1]) & (values < ranges[..., 1:])
        allowed = tf.reduce_any(within & (wanted != "")[..., None], axis=1)
        allowed |= tf.reduce_all(wanted == "", axis=1)[:, None]
        return tf.gather(allowed, self._rows, axis=1)

    def count(self, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The most frequent names among chosen items, and their counts: bool [b, n] to [b, c], int32 [b, c]."""
        batch = tf.shape(items)[0]
        segment = self._rows[None] + tf.range(batch)[:, None] * self._count
        flat = tf.math.unsorted_segment_sum(
            tf.reshape(tf.cast(items, tf.int32), [-1]), tf.reshape(segment, [-1]), batch * self._count
        )
        below = tf.pad(tf.cumsum(tf.reshape(flat, [batch, self._count]), axis=1), [[0, 0], [1, 0]])
        ends = [tf.gather(below, self._ranges[:-1, side], axis=1) for side in (0, 1)]
        counts = ends[1] - ends[0]
        top = tf.math.top_k(counts, min(FACETS, counts.shape[1]))
        return tf.where(top.values > 0, tf.gather(self._names, top.indices), ""), top.values


def _ranges(
    ordered: list[tuple[str, ...]], shown: dict[tuple[str, ...], str]
) -> tuple[dict[tuple[str, ...], str], np.ndarray]:
    """Every level's spelling by its key, and its range of rows: [levels + 1, 2], the last one empty."""
    names: dict[tuple[str, ...], str] = {}
    first: dict[tuple[str, ...], int] = {}
    last: dict[tuple[str, ...], int] = {}
    for place, key in enumerate(ordered, 1):
        spelt = shown[key].strip("/ ")
        levels = [level.strip() for level in spelt.split("/")] if len(key) > 1 else [spelt]
        for depth in range(1, len(key) + 1):
            names.setdefault(key[:depth], "/".join(levels[:depth]))
            first.setdefault(key[:depth], place)
            last[key[:depth]] = place + 1
    return names, np.array([*((first[key], last[key]) for key in names), (0, 0)], np.int32)


def _keys(names: list[str]) -> list[str]:
    return [key.decode() for key in _key(tf.constant(names, tf.string, [len(names)])).numpy()]


def _key(names: tf.Tensor) -> tf.Tensor:
    """Names without case, and without space or `/` around them or space around `/`."""
    folded = tf.strings.regex_replace(tf_text.case_fold_utf8(names), r"\s*/\s*", "/")
    return tf.strings.regex_replace(folded, r"^[\s/]+|[\s/]+$", "")
