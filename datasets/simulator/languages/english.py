"""An English shop."""

from __future__ import annotations

import numpy as np

from aisle.datasets.simulator.languages.english_leaves import LEAVES, plural
from aisle.datasets.simulator.vocabulary import Vocabulary, Words

STYLES = ("minimalist", "vintage", "rustic", "floral", "modern", "playful")
CONSUMABLE_STYLES = ("organic", "traditional", "farmhouse", "delicate", "bold", "fun")
"""Stand for the same tastes, in the same order, as STYLES where goods are eaten or used up."""

COLOURS = ("white", "black", "blue", "green", "red", "yellow", "grey", "pink", "cream", "copper")
BRANDS = (
    "Ashford & Vale", "Birchline", "Cobalt House", "Dunmore", "Elm Street", "Fennwick", "Goodhollow",
    "Harrow Lane", "Inkwell", "Juniper Row", "Kestrel", "Larkfield", "Marlow", "Northbank", "Oakhurst",
    "Pembroke", "Quillon", "Redfern", "Saltmarsh", "Thistle & Co", "Underwood", "Velmont", "Westcliff",
    "Yarrow",
)  # fmt: skip

SIZES = ("small", "medium", "large", "set of 2", "set of 4", "gift boxed")
CONSUMABLE_SIZES = ("travel size", "100 g", "250 g", "500 g", "family pack", "refill")

COUNTRIES = ("United Kingdom", "Germany", "France", "Netherlands", "Ireland", "Spain", "United States")
COUNTRY_SHARES = (0.52, 0.12, 0.1, 0.08, 0.07, 0.06, 0.05)

REVIEWS = (
    "Broke within a week. I would not buy this {noun} again.",
    "Disappointing {noun}, and nothing like the picture.",
    "The {noun} is all right for the price, but no more than that.",
    "A lovely {noun}, exactly as described. Delivery was quick.",
    "Absolutely love this {noun}! Have already told all my friends.",
)


def misspell(before_name: str, name: str, rng: np.random.Generator) -> str:
    """Returns both, `name` with a letter left out, doubled, or swapped with the next, never the first one."""
    at = int(rng.integers(1, len(name) - 1))
    before, letter, following, after = name[:at], name[at], name[at + 1], name[at + 2 :]
    changed = (following, letter + letter + following, following + letter)[int(rng.integers(3))]
    return before_name + before + changed + after


WORDS = Words(
    styles=STYLES,
    consumable_styles=CONSUMABLE_STYLES,
    colours=COLOURS,
    sizes=SIZES,
    consumable_sizes=CONSUMABLE_SIZES,
    space=" ",
    query_space=" ",
    title="{brand} {style}{colour} {material} {noun}, {size}",
    repeated="{title}, no. {repeats}",
    description="Our {synonym} for every day: {style}, in {material}{colour}, by {brand}. Comes as {size}.",
    many=plural,
    misspell=misspell,
    reviews=REVIEWS,
    notes=("damaged", "?", "do not use", "wrong label"),
    former="Discontinued ",
)
VOCABULARY = Vocabulary(
    parts=((WORDS, LEAVES),),
    brands=BRANDS,
    countries=COUNTRIES,
    country_shares=COUNTRY_SHARES,
    former_country="Atlantis",
    currency=("\u00a3{price}", "{comma} EUR", "$ {price}"),
)
