"""Pictures of a simulated shop's items, drawn: what an item is, how it looks, and how well it is made."""

from __future__ import annotations

import colorsys
import io
import pathlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.catalogue import BRAND, COLOUR, STYLE, Catalogue

FOLDER = "pictures"
"""Of the data folder; the column `image` of the items names files in it."""
IMAGE = "image"
SIDE = 96
_CORNERS = 3
_MARGIN = 14
_SPOTS = 12
"""Flaws of what is made worst."""
_GOLDEN = 0.381966
"""Hues that are this far apart stay apart, however many there are."""

_RGB = tuple[int, int, int]


def with_pictures(items: pl.DataFrame) -> pl.DataFrame:
    """The items with the column that names their pictures."""
    return items.with_columns(pl.format(f"{FOLDER}/{{}}.png", pl.col("item_id")).alias(IMAGE))


def draw_pictures(catalogue: Catalogue, folder: pathlib.Path, seed: int) -> int:
    """Draws a picture of each item into `folder/pictures`; the same arguments draw the same bytes.

    The form says what kind of thing it is, its colour and stripes how it looks, the frame who makes it, and spots how badly it is
    made: that everyone sees, and no title says it.

    Returns:
        How many were drawn.
    """
    (folder / FOLDER).mkdir()
    rng = np.random.default_rng([seed, 3])
    names = catalogue.table["item_id"].to_list()
    flaws = np.round(_SPOTS * (1 - _ranks(catalogue.quality))).astype(int)
    for row, name in enumerate(names):
        data = _drawn(catalogue, row, int(flaws[row]), rng)
        (folder / FOLDER / f"{name}.png").write_bytes(data)
    return len(names)


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where each value stands among all, 0 to 1."""
    places = np.argsort(np.argsort(values))
    ranks: NDArray[np.float64] = places / max(len(values) - 1, 1)
    return ranks


def _drawn(catalogue: Catalogue, row: int, flaws: int, rng: np.random.Generator) -> bytes:
    """The picture of an item, as PNG."""
    from PIL import Image, ImageDraw

    style, colour, brand = (int(catalogue.attributes[row, place]) for place in (STYLE, COLOUR, BRAND))
    image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIDE - 1, SIDE - 1), outline=_tone(brand, 0.5), width=4)
    radius = SIDE / 2 - _MARGIN
    form = Image.new("L", image.size)
    corners = _CORNERS + int(catalogue.leaf[row]) % 6
    turn = 10 * (int(catalogue.noun[row]) % 12)
    ImageDraw.Draw(form).regular_polygon((SIDE / 2, SIDE / 2, radius), corners, rotation=turn, fill=255)
    filled = Image.new("RGB", image.size, _tone(colour, 0.85) if colour >= 0 else (150, 150, 150))
    stripes = ImageDraw.Draw(filled)
    for start in range(0, 2 * SIDE, 8 + 4 * (style % 4)):
        ends = (start, 0, start - SIDE, SIDE) if style % 2 else (start, 0, start, SIDE)
        stripes.line(ends, fill=_tone(style + 7, 0.6), width=2 + style % 3)
    for x, y in rng.integers(_MARGIN, SIDE - _MARGIN, (flaws, 2)):
        stripes.ellipse((int(x) - 3, int(y) - 3, int(x) + 3, int(y) + 3), fill=(40, 30, 20))
    image.paste(filled, mask=form)
    with io.BytesIO() as file:
        image.save(file, "PNG")
        return file.getvalue()


def _tone(number: int, value: float) -> _RGB:
    """A colour of a number."""
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.75, value)
    return round(255 * red), round(255 * green), round(255 * blue)
