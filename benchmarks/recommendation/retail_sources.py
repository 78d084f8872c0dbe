"""What finds the candidates on Online Retail: each retrieval source, all of them, and items that had never sold.

    python -m benchmarks.recommendation.retail_sources --source ../shared/data/online-retail [--seed 1] [--results docs/experiments.md]

Users, test and training are those of `retail.py`. What each part of the ranking is worth is measured by `retail_parts.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator.measures.metrics import hits, recall, relevant_items
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.recommendation.retail import Shop
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import K
from benchmarks.shared.results import table
from benchmarks.shared.served import BATCH, Trained

DEEP = 100

FIGURES = (
    Figure("candidates_recall", lambda found: found["sources"]["all sources"]["all"], least=0.447),
    Figure("candidates_new_recall", lambda found: found["sources"]["all sources"]["new"], least=0.248),
    Figure(
        "unsold_by_chance", lambda found: found["unsold"]["content"] / found["unsold"]["chance"], least=2.0
    ),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--seed", type=int, default=1)
    command.run(
        lambda told, scratch: measure(Shop.make(told.source, scratch), told.seed),
        {"retail-sources": markdown},
    )


def measure(shop: Shop, seed: int) -> dict[str, Any]:
    """What each source finds, and what is found of what never sold; see `markdown` for the shape."""
    trained = shop.train(seed)
    retriever = trained.bundle(members=1).retriever
    return {"sources": source_recall(retriever, shop.protocol), "unsold": unsold_items(trained, retriever)}


def source_recall(retriever: Any, protocol: Protocol) -> dict[str, Any]:
    """Recall at 100 of each source, of their union, and of the union without each."""
    import tensorflow as tf

    from aisle.model.retrieval.sources import offers
    from aisle.model.retrieval.sources.source import Offer

    served, tower = offers("recommend"), Offer("two_tower", 60, 1.0, signed=True)
    wide = {s.score: (dataclasses.replace(s, bound=DEEP),) for s in (*served, tower)}
    sets: dict[str, tuple[Offer, ...]] = {**wide, "all sources": served}
    sets["all sources and two_tower"] = (*served, tower)
    for one in served:
        sets[f"all but {one.score}"] = tuple(s for s in served if s is not one)

    @tf.function(reduce_retracing=True)
    def top(user: tf.Tensor, new: tf.Tensor) -> list[tf.Tensor]:
        context = retriever.context(tf.zeros_like(user), user, tf.zeros([tf.shape(user)[0], 0], tf.string))
        exclude = retriever.seen(context) & new
        fused = [tf.math.top_k(retriever.fuse(context, s, exclude), DEEP) for s in sets.values()]
        return [tf.where(f.values > 0, tf.gather(retriever.item_ids, f.indices), "") for f in fused]

    users = protocol.user_ids.to_pylist()
    found: dict[str, Any] = {name: {} for name in sets}
    for part, new in (("all", False), ("new", True)):
        blocks = [
            top(tf.constant(users[start : start + BATCH]), tf.constant(new))
            for start in range(0, len(users), BATCH)
        ]
        truth = protocol.new if new else protocol.truth
        for number, name in enumerate(sets):
            ids = np.concatenate([block[number].numpy().ravel() for block in blocks])
            answers = positions(pa.array(ids, pa.binary()).cast(pa.string()), protocol.item_ids)
            hit = hits(answers.reshape(-1, DEEP), truth)
            found[name][part] = float(np.nanmean(recall(hit, relevant_items(truth))))
    return found


def unsold_items(trained: Trained, retriever: Any) -> dict[str, float]:
    """Items that first sell in the test's first week, ranked among all that never sold before it.

    Returns:
        `users` (known, who bought such an item in the test), `items` of that week, `candidates`, and Recall@20 of the
        content path (the two-tower, which knows an unsold item by its text, category and price alone), of popularity
        (nothing, as none has a sale) and of chance.
    """
    import polars as pl
    import tensorflow as tf

    start = trained.labelled.splits.test_start
    sold = pl.DataFrame(pl.from_arrow(trained.labelled.tables["interactions"]))
    first = sold.group_by("item_id").agg(pl.col("timestamp").min().alias("first"))
    week = set(first.filter(pl.col("first").is_between(start, start + 7 * MICROSECONDS_PER_DAY))["item_id"])
    before = set(first.filter(pl.col("first") < start)["item_id"])
    ids = [item.decode() for item in retriever.item_ids.numpy()]
    rows = np.array([row for row, item in enumerate(ids) if item not in before])
    known = sold.filter((pl.col("timestamp") < start) & (pl.col("user_id") != ""))["user_id"].unique()
    bought = sold.filter((pl.col("timestamp") >= start) & pl.col("item_id").is_in(list(week)))
    bought = bought.filter(pl.col("user_id").is_in(known.to_list()))
    baskets = bought.group_by("user_id", maintain_order=True).agg(pl.col("item_id").unique())
    found, chance = [], []
    for user, items in baskets.iter_rows():
        one = tf.constant([user])
        context = retriever.context(tf.constant([""]), one, tf.zeros([1, 0], tf.string))
        scores = context.dense["two_tower"].of(tf.constant(rows[None], tf.int32))
        best = rows[np.argsort(-scores.numpy()[0])[:K]]
        found.append(len({ids[row] for row in best} & set(items)) / min(K, len(items)))
        chance.append(min(1.0, K / len(rows)) * len(items) / min(K, len(items)))
    return {
        "users": len(baskets), "items": len(week), "candidates": len(rows),
        "content": float(np.mean(found)), "popularity": 0.0, "chance": float(np.mean(chance)),
    }  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """The table of the sources, and a line of what had never sold."""
    lines = [
        f"One seed; it took {found['minutes']} minutes. Recall at {DEEP} of the candidates, by source:",
        "",
        table(
            ("source", "all", "new"),
            ((name, f"{one['all']:.4f}", f"{one['new']:.4f}") for name, one in found["sources"].items()),
        ),
        "",
        "Items that first sell in the test's first week ({items}, ranked among {candidates} that had never sold), for "
        "the {users} known customers who bought one: Recall@20 {content:.3f} by the content path, {chance:.3f} by "
        "chance, {popularity:.3f} by popularity.".format(**found["unsold"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
