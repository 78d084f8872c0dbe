"""The adjectives, brands, places and phrases of a simulated shop."""

from __future__ import annotations

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
BRANDS_PER_DEPARTMENT = 8

SIZES = ("small", "medium", "large", "set of 2", "set of 4", "gift boxed")
CONSUMABLE_SIZES = ("travel size", "100 g", "250 g", "500 g", "family pack", "refill")

COUNTRIES = ("United Kingdom", "Germany", "France", "Netherlands", "Ireland", "Spain", "United States")
COUNTRY_SHARES = (0.52, 0.12, 0.1, 0.08, 0.07, 0.06, 0.05)
GENDERS = ("female", "male", "other")

REVIEWS: tuple[tuple[str, str], ...] = (
    ("Broke within a week. I would not buy this", " again."),
    ("Disappointing", ", and nothing like the picture."),
    ("The", " is all right for the price, but no more than that."),
    ("A lovely", ", exactly as described. Delivery was quick."),
    ("Absolutely love this", "! Have already told all my friends."),
)
"""What is written with one to five stars, around the product's noun."""
