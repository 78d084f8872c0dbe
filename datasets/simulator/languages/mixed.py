"""A shop in three languages at once: English brands, devices in Chinese and Japanese titles such as `iPhone15手机壳`."""

from __future__ import annotations

import dataclasses

from aisle.datasets.simulator.languages import chinese, english, japanese
from aisle.datasets.simulator.languages.english_leaves import LEAVES
from aisle.datasets.simulator.vocabulary import Leaf, Vocabulary

CHINESE = dataclasses.replace(
    chinese.WORDS,
    title="{brand} {material}{noun} {style}{colour} {size}",
    description="{brand} {synonym}，{style}风格，{material}{colour}。规格：{size}。",
)
"""The material, which of a case is the phone that it fits, stands right before the noun."""
JAPANESE = dataclasses.replace(
    japanese.WORDS,
    title="{brand} {material}{noun} {style}{colour} {size}",
    description="{brand} の{synonym}です。{style}、{material}{colour}。サイズ：{size}。",
)


def _priced(leaves: tuple[Leaf, ...], rate: float) -> tuple[Leaf, ...]:
    """Returns the leaves with their prices in this shop's currency."""
    return tuple(dataclasses.replace(leaf, price=leaf.price * rate) for leaf in leaves)


VOCABULARY = Vocabulary(
    parts=(
        (CHINESE, _priced(chinese.DEVICES + chinese.GOODS[:6], 0.18)),
        (JAPANESE, _priced(japanese.DEVICES + japanese.GOODS[-6:], 0.009)),
        (english.WORDS, LEAVES[:20]),
    ),
    brands=english.BRANDS,
    countries=("Singapore", "Malaysia", "中国香港", "日本", "United Kingdom", "United States", "Australia"),
    country_shares=(0.3, 0.15, 0.15, 0.15, 0.1, 0.1, 0.05),
    former_country="Atlantis",
    currency=("S${price}", "{comma} EUR", "￥{price}"),
    blank="\u3000",
)
