"""Pictures of a simulated shop: each item's own, the same for a seed, and telling what its title doesn't."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl
from PIL import Image

from aisle.datasets.simulator import SimulatorOptions
from aisle.datasets.simulator.pictures.drawing import SIDE, draw_pictures, with_pictures
from aisle.datasets.simulator.shop import make_sides

OPTIONS = SimulatorOptions(users=10, items=60, days=5, seed=4, pictures=True)
CATALOGUE = make_sides(OPTIONS)[0]


def _pixels(folder: pathlib.Path) -> dict[str, np.ndarray]:
    return {path.stem: np.asarray(Image.open(path), int) for path in (folder / "pictures").iterdir()}


def test_each_item_names_a_picture_that_is_there_and_all_differ(tmp_path: pathlib.Path) -> None:
    assert draw_pictures(CATALOGUE, tmp_path, 4) == 60
    items = with_pictures(CATALOGUE.table)
    files = [(tmp_path / name).read_bytes() for name in items["image"]]
    assert len(set(files)) == 60
    assert all(pixels.shape == (SIDE, SIDE, 3) for pixels in _pixels(tmp_path).values())
    assert items.drop("image").equals(CATALOGUE.table)


def test_a_seed_draws_the_same_bytes(tmp_path: pathlib.Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_pictures(CATALOGUE, tmp_path / name, 4)
    assert all(
        (one == other).all()
        for one, other in zip(_pixels(tmp_path / "a").values(), _pixels(tmp_path / "b").values(), strict=True)
    )


def test_what_is_made_badly_has_spots(tmp_path: pathlib.Path) -> None:
    draw_pictures(CATALOGUE, tmp_path, 4)
    drawn = _pixels(tmp_path)
    dark = [(drawn[item].sum(2) < 100).sum() for item in CATALOGUE.table["item_id"]]
    told = pl.DataFrame({"dark": dark, "quality": CATALOGUE.quality})
    assert told.select(pl.corr("dark", "quality", method="spearman")).item() < -0.8
