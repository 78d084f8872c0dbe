"""Statistics that Beam's workers add up, each of some rows: as `in_memory` does of all.

The stock executor moves the rows themselves through Beam. Here a worker is told which rows of which file to read, and leaves
what they add to the statistics in a folder that all workers see; what all of them left is merged in the order of the rows, so
that the statistics don't depend on who counted what.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.plans.on_beam import on_workers
from aisle.components.plans.shared import SharedFolder
from aisle.components.statistics_gen.in_memory import merged_statistics, partial_statistics, rows_between
from aisle.components.storage import open_file

PIECE_ROWS = 1 << 20
"""Of a table that has no more, the process that asks adds up all: a second's work."""

Piece = tuple[str, int, int]
"""A Parquet file, the number of the first row in it, and that of the first behind."""


def pieces_of(paths: Sequence[str], rows: int) -> list[Piece]:
    """Cuts Parquet files into pieces of at most so many rows, in their order."""
    pieces: list[Piece] = []
    for path in paths:
        with open_file(path) as file:
            count = pq.ParquetFile(file).metadata.num_rows
        pieces += [(path, first, min(first + rows, count)) for first in range(0, count, rows)]
    return pieces


def spread_statistics(
    pieces: Sequence[Piece], options: tfdv.StatsOptions, pipeline: Callable[[], Any], folder: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Computes the statistics of pieces by workers.

    Args:
        pieces: at least one.
        options: for which `in_memory.needs_beam` is false.
        pipeline: makes a Beam pipeline, which runs when its context ends.
        folder: one that all workers see, for this alone; it is removed in the end.
    """
    shared = SharedFolder(folder)
    try:
        on_workers(shared, pipeline, (len(pieces), functools.partial(_add_up, folder, list(pieces), options)))
        return merged_statistics((shared.load(_name(number)) for number in range(len(pieces))), options)
    finally:
        shared.remove()


def _add_up(folder: str, pieces: list[Piece], options: tfdv.StatsOptions, number: int) -> None:
    """Leaves what a piece adds to the statistics."""
    SharedFolder(folder).store(_name(number), partial_statistics(rows_between(*pieces[number]), options))


def _name(number: int) -> str:
    return f"statistics-{number}"
