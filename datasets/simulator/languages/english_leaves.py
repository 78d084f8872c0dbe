"""The category tree of an English shop: what each leaf sells, and how people call it."""

from __future__ import annotations

from aisle.datasets.simulator.vocabulary import Leaf, Noun


def _goods(*pairs: str) -> tuple[Noun, ...]:
    """Returns countable nouns from `name|synonym` pairs."""
    return tuple(_noun(pair, countable=True) for pair in pairs)


def _stuff(*pairs: str) -> tuple[Noun, ...]:
    """Returns uncountable nouns from `name|synonym` pairs."""
    return tuple(_noun(pair, countable=False) for pair in pairs)


def _noun(pair: str, countable: bool) -> Noun:
    name, _, synonym = pair.partition("|")
    return Noun(name, synonym, countable)


LEAVES: tuple[Leaf, ...] = (
    Leaf(
        "Home/Kitchen/Mugs",
        _goods("mug|coffee cup", "teapot|tea kettle"),
        ("ceramic", "enamel", "stoneware"),
        12,
    ),
    Leaf(
        "Home/Kitchen/Baking", _goods("cake tin|cake pan", "mixing bowl|baking bowl"), ("steel", "glass"), 18
    ),
    Leaf(
        "Home/Kitchen/Knives",
        _goods("chef knife|kitchen knife", "bread knife|serrated knife"),
        ("steel", "walnut"),
        38,
    ),
    Leaf(
        "Home/Lighting",
        _goods("table lamp|bedside light", "lantern|candle holder"),
        ("brass", "glass", "bamboo"),
        34,
    ),
    Leaf(
        "Home/Bedding",
        _goods("duvet cover|quilt cover", "pillowcase|pillow cover"),
        ("linen", "cotton", "satin"),
        42,
    ),
    Leaf(
        "Home/Decor",
        _goods("picture frame|photo frame", "cushion|throw pillow"),
        ("oak", "velvet", "metal"),
        19,
    ),
    Leaf(
        "Home/Christmas",
        _goods("bauble|tree ornament", "wreath|door garland"),
        ("glass", "felt", "pine"),
        9,
        0.1,
        12,
    ),
    Leaf(
        "Fashion/Scarves",
        _goods("scarf|neck wrap", "shawl|stole"),
        ("wool", "silk", "cashmere"),
        29,
        0.05,
        11,
    ),
    Leaf("Fashion/Bags", _goods("tote bag|shopper", "backpack|rucksack"), ("canvas", "leather", "jute"), 45),
    Leaf(
        "Fashion/Socks",
        _goods("ankle sock|trainer liner", "walking sock|hiking liner"),
        ("cotton", "merino"),
        8,
        0.2,
    ),
    Leaf(
        "Fashion/Jewellery",
        _goods("necklace|pendant", "bracelet|bangle"),
        ("silver", "gold", "pearl"),
        55,
        0.05,
        2,
    ),
    Leaf("Fashion/Hats", _goods("beanie|woolly hat", "sun hat|straw hat"), ("wool", "straw", "felt"), 22),
    Leaf(
        "Garden/Planters",
        _goods("plant pot|flower pot", "hanging basket|hanging planter"),
        ("terracotta", "zinc"),
        16,
        0.05,
        5,
    ),
    Leaf("Garden/Tools", _goods("trowel|hand spade", "pruner|secateur"), ("steel", "ash"), 21, 0.05, 4),
    Leaf(
        "Garden/Seeds",
        _stuff("tomato seeds|tomatoes to grow", "wildflower mix|meadow seeds"),
        ("heirloom", "early"),
        4,
        0.4,
        3,
    ),
    Leaf(
        "Garden/Birds",
        _goods("bird feeder|seed feeder", "bird house|nest box"),
        ("cedar", "metal"),
        17,
        0.05,
        1,
    ),
    Leaf(
        "Food/Coffee",
        _stuff("coffee beans|whole bean coffee", "ground coffee|filter coffee"),
        ("hazelnut", "dark roast", "light roast"),
        11,
        0.6,
    ),
    Leaf(
        "Food/Tea",
        _stuff("black tea|breakfast tea", "herbal tea|tisane"),
        ("peppermint", "bergamot", "ginger"),
        7,
        0.55,
    ),
    Leaf(
        "Food/Chocolate",
        _stuff("chocolate bar|choc slab", "truffles|pralines"),
        ("sea salt", "orange", "almond"),
        6,
        0.5,
        12,
    ),
    Leaf(
        "Food/Preserves",
        _stuff("jam|fruit spread", "chutney|relish"),
        ("strawberry", "fig", "mango"),
        5,
        0.45,
    ),
    Leaf(
        "Food/Pasta",
        _stuff("spaghetti|long pasta", "pasta sauce|sugo"),
        ("wholewheat", "tomato basil"),
        4,
        0.5,
    ),
    Leaf(
        "Beauty/Soap",
        _stuff("hand soap|hand wash", "soap bar|bath soap"),
        ("lavender", "citrus", "sandalwood"),
        7,
        0.5,
    ),
    Leaf(
        "Beauty/Skincare",
        _stuff("face cream|moisturiser", "cleanser|face wash"),
        ("aloe", "rose", "oat"),
        24,
        0.45,
    ),
    Leaf("Beauty/Hair", _stuff("shampoo|hair wash", "conditioner|hair rinse"), ("argan", "coconut"), 12, 0.5),
    Leaf(
        "Beauty/Candles",
        _stuff("scented candle|aroma candle", "room spray|home fragrance"),
        ("vanilla", "cedarwood", "jasmine"),
        19,
        0.3,
        12,
    ),
    Leaf(
        "Stationery/Notebooks",
        _goods("notebook|journal", "sketchbook|drawing pad"),
        ("kraft", "leather", "linen"),
        11,
        0.15,
        9,
    ),
    Leaf(
        "Stationery/Pens",
        _goods("fountain pen|ink pen", "pencil case|pen pouch"),
        ("brass", "resin"),
        26,
        0.1,
        9,
    ),
    Leaf(
        "Stationery/Cards",
        _goods("greeting card|birthday card", "gift box|present box"),
        ("letterpress", "recycled"),
        4,
        0.25,
    ),
    Leaf(
        "Kids/Toys",
        _goods("building block set|brick set", "jigsaw puzzle|jigsaw"),
        ("wooden", "cardboard"),
        23,
        0.05,
        12,
    ),
    Leaf(
        "Kids/Soft Toys",
        _goods("teddy bear|cuddly bear", "plush rabbit|soft bunny"),
        ("plush", "cotton"),
        18,
        0.05,
        12,
    ),
    Leaf(
        "Kids/Party", _goods("party banner|bunting", "balloon pack|party balloon"), ("paper", "foil"), 6, 0.15
    ),
    Leaf("Pets/Dogs", _goods("dog bed|puppy bed", "dog lead|leash"), ("fleece", "rope", "leather"), 31),
    Leaf("Pets/Cats", _goods("scratching post|cat tree", "cat toy|kitten toy"), ("sisal", "felt"), 20),
    Leaf(
        "Pets/Food",
        _stuff("dog treats|dog biscuits", "cat food|kitten food"),
        ("chicken", "salmon", "duck"),
        9,
        0.6,
    ),
    Leaf(
        "Outdoor/Camping",
        _goods("sleeping bag|camp bed roll", "camping stove|gas burner"),
        ("down", "titanium"),
        72,
        0.05,
        7,
    ),
    Leaf(
        "Outdoor/Bottles",
        _goods("water bottle|drinking flask", "lunch box|food container"),
        ("steel", "bamboo"),
        19,
        0.1,
        8,
    ),
)


def plural(noun: Noun, name: str) -> str:
    """Returns the English plural of `name`, one of the noun's two names, if the noun is countable."""
    if not noun.countable:
        return name
    for ending, plural_ending in (
        ("fe", "ves"),
        ("rf", "rves"),
        ("x", "xes"),
        ("ch", "ches"),
        ("sh", "shes"),
    ):
        if name.endswith(ending):
            return name.removesuffix(ending) + plural_ending
    return f"{name}s"
