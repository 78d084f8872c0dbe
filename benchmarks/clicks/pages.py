"""Results of searches of a simulated shop as the ranking head reads them, each with its clicks and their truth."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from aisle.components.labeler.labelled import Labelled
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.datasets.simulator.truth import click_truth
from aisle.model.options import CandidateOptions, TwoTowerOptions
from benchmarks.shared.served import make_retriever, tensors
from benchmarks.shared.training import read_clean_label, train_two_tower

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LOOKUP = ("query", "user_id", "item_id")


@dataclasses.dataclass(frozen=True)
class Pages:
    """Results of searches, n rows, those of a page beside each other.

    Attributes:
        rows: ranking examples as the Trainer reads them, by feature.
        page: [n] the page, from 0.
        attraction: [n] true probability of a click on what is looked at.
        click: [n] true probability of a click where it was shown (mean of the pages that showed it).
        conversion: [n] true probability of a purchase after a click.
    """

    rows: dict[str, Any]
    page: Ints
    attraction: Floats
    click: Floats
    conversion: Floats

    @property
    def clicked(self) -> Floats:
        """[n] observed clicks, 0 or 1."""
        return np.asarray(self.rows["clicked"], np.float64)

    @property
    def bought(self) -> Floats:
        """[n] observed purchases, 0 or 1; -1 where it isn't known yet."""
        return np.asarray(self.rows["conversion"], np.float64)

    @property
    def inverse(self) -> Floats:
        """[n] clipped inverse propensities as the Labeler estimated them; 1 at the top of a page."""
        weight = np.asarray(self.rows["weight"], np.float64)
        return np.asarray(weight / weight.min(), np.float64)


@dataclasses.dataclass(frozen=True)
class Searches:
    """A labelled shop's pages: training and validation are of one window (queries apart), the test follows it."""

    train: Pages
    valid: Pages
    test: Pages


def make_searches(options: SimulatorOptions, pages: int, scratch: pathlib.Path) -> Searches:
    """Simulates, cleans, labels, trains the two-tower and computes the candidates' numbers, as the pipeline does.

    Args:
        options: of the shop.
        pages: at most so many searches of each window.
        scratch: an empty folder.
    """
    write(simulate(options), scratch / "shop")
    labelled = read_clean_label(scratch / "shop")
    tower = train_two_tower(labelled, scratch, TwoTowerOptions(seed=options.seed + 1))
    return read_searches(labelled, tower, click_truth(options), pages, options.seed)


def read_searches(labelled: Labelled, tower: str, truth: pl.DataFrame, pages: int, seed: int) -> Searches:
    """The searches of both windows with their numbers as of each window's start."""
    window = _pages(labelled, tower, truth, "eval", pages, seed)
    return Searches(
        window["train"], window["eval"], _pages(labelled, tower, truth, "test", pages, seed)["test"]
    )


def _pages(
    labelled: Labelled, tower: str, truth: pl.DataFrame, window: str, most: int, seed: int
) -> dict[str, Pages]:
    from aisle.model.ranking import candidates
    from aisle.model.ranking.questions import draw, searches

    start = labelled.splits.test_start if window == "test" else labelled.splits.eval_start
    retriever, table = make_retriever(labelled, tower, start)
    ids = [item.decode() for item in retriever.item_ids.numpy()]
    frames = {"impressions": pl.DataFrame(pl.from_arrow(labelled.tables["impressions"]))}
    rng = np.random.default_rng(seed)
    found = searches(frames, window, {item: row for row, item in enumerate(ids)})
    questions = draw(found, most, rng)
    options = CandidateOptions()
    asked = candidates._ask(
        candidates._Asking(retriever, table.titles, options.depth), questions, options, rng
    )
    parts: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
    for question, (split, part) in zip(questions, asked, strict=True):
        parts.setdefault(split, []).append((question, part))
    return {split: _join(many, ids, truth) for split, many in parts.items()}


def _join(parts: list[tuple[Any, dict[str, Any]]], ids: list[str], truth: pl.DataFrame) -> Pages:
    """One table of many pages, the truth beside it."""
    from aisle.model.ranking.candidates import _table

    shown = pl.DataFrame(
        [(n, q.query, q.user, ids[row]) for n, (q, _) in enumerate(parts) for row in q.outcomes],
        schema=["page", *LOOKUP],
        orient="row",
    )
    # The cleaner writes one space where a misspelt query has two.
    means = (
        truth.with_columns(pl.col("query").str.replace_all(r"\s+", " "))
        .group_by(LOOKUP)
        .agg(
            pl.col("attraction", "conversion").mean(),
            (pl.col("attraction") * pl.col("examination")).mean().alias("click"),
        )
    )
    joined = shown.join(means, on=LOOKUP, how="left", maintain_order="left")
    if joined["attraction"].null_count():
        raise ValueError(f"{joined['attraction'].null_count()} of {joined.height} results have no truth")
    table: pa.Table = _table([part for _, part in parts])
    columns = (joined[name].to_numpy() for name in ("page", "attraction", "click", "conversion"))
    return Pages(tensors(table), *columns)
