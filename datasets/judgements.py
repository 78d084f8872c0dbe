"""Human relevance judgements of search results as canonical tables: renamed only, never cleaned."""

from __future__ import annotations

import pathlib

from aisle.datasets.destination import Counts, new_folder
from aisle.datasets.source import read_text_csv
from aisle.schema.errors import InputError

ITEM_COLUMNS = ("item_id", "title", "description")
JUDGEMENT_COLUMNS = ("query", "item_id", "grade", "grade_variance")


def convert(src: pathlib.Path, dest: pathlib.Path) -> Counts:
    """Writes `items.csv` and `judgements.csv` (with the extra column `grade_variance`).

    Args:
        src: a folder with `items.csv` and `judgements.csv`.
        dest: the folder to write into; it must hold no table yet.

    Returns:
        The rows written by table.

    Raises:
        InputError: if `src` lacks a file or a column, or `dest` can't be used.
    """
    paths = {name: src / f"{name}.csv" for name in ("items", "judgements")}
    for path in paths.values():
        if not path.is_file():
            raise InputError(f"{path} doesn't exist; expected a folder with items.csv and judgements.csv")
    items = read_text_csv(paths["items"], ITEM_COLUMNS)
    judgements = read_text_csv(paths["judgements"], JUDGEMENT_COLUMNS)
    new_folder(dest)
    items.write_csv(dest / "items.csv")
    judgements.write_csv(dest / "judgements.csv")
    return {"items": len(items), "judgements": len(judgements)}
