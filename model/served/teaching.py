"""What a served model carries for other shops, and what it says of the parts that it took from another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import polars as pl
import tensorflow as tf

from aisle.model.gain import Gain
from aisle.model.retrieval.domains.lent import teach
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.taught import Taught
from aisle.model.transfer.told import tell, told
from aisle.schema.contract import EXTRA_FOLDER, TAUGHT_FILE


def taught_by(ranking: str, shelf: Shelf, interactions: pl.DataFrame, items: list[str]) -> Taught:
    """What the shop teaches.

    Args:
        ranking: the folder of the exported ranking head, which has left there what it teaches.
        shelf: the catalogue's content.
        interactions: the Labeler's.
        items: the catalogue's ids, in order.
    """
    of_head = os.path.join(ranking, EXTRA_FOLDER, TAUGHT_FILE)
    head = Taught.read(of_head).head if tf.io.gfile.exists(of_head) else None
    return teach(head, shelf, interactions, items)


def write_teaching(folders: Iterable[str], ranking: str, taught: Taught, gains: Sequence[Gain]) -> None:
    """Writes into the `assets.extra` of each folder what the shop teaches, and which parts of another shop's are on.

    Args:
        folders: of the served model.
        ranking: the folder of the exported ranking head, which says there what it took.
        taught: what the shop teaches.
        gains: of what was taken beside the head.
    """
    for folder in folders:
        taught.write(folder)
        tell(folder, [*told(ranking), *gains])
