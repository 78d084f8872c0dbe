"""What each part of the recommendations on Online Retail is worth: numbers, windows, titles, sources, cold items.

    python -m benchmarks.recommendation.retail_parts --source ../shared/data/online-retail [--seed 1] [--results docs/experiments.md]

Users, test and training are those of `retail.py`. The ranking head, one instead of several, is trained again without a
group of its numbers, on one window alone, and with BERT reading the titles.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator.measures.metrics import hits, recall, relevant_items
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.model.options import RankingOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.recommendation.retail import Shop
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import HEADER, K, Measured, row
from benchmarks.shared.results import table
from benchmarks.shared.served import BATCH, Answering, Trained, tensors

DEEP = 100
WHOLE = "all numbers"
ABLATIONS: dict[str, tuple[str, ...]] = {
    "without EASE": (
        *("ease", "ease_recent", "ease_decayed", "ease_orders"),
        *("ease_share", "ease_recent_share", "ease_decayed_share", "ease_orders_share"),
    ),
    "without what is ordered next": ("transitions", "transitions_share"),
    "without the spectrum": ("spectrum", "spectrum_share"),
    "without tags": ("tags", "tags_share"),
    "without baskets": ("baskets", "latest_basket", "baskets_share", "latest_basket_share"),
    "without own history": (
        *("count", "repeat_7", "repeat_15", "repeat_30", "repeat_60", "repeat_180"),
        *("repeat_orders", "latest_order"),
        *("last", "first", "gap", "overdue", "order_share"),
    ),
    "without the item's numbers": (
        *("popularity", "popularity_7", "popularity_28", "popularity_90", "popularity_all", "item_trend"),
        *("item_users", "item_repeat", "item_last", "item_first", "price_level"),
    ),
    "without the user's numbers": (
        *("user_orders", "user_orders_60", "user_items", "user_repeat", "user_basket"),
        *("user_last", "user_first"),
    ),
}
"""What the ranking head is not shown."""


FIGURES = (
    Figure("all_ndcg", lambda found: found["ablations"][WHOLE]["all"]["ndcg"], least=0.323),
    Figure("new_ndcg", lambda found: found["ablations"][WHOLE]["new"]["ndcg"], least=0.126),
    Figure("candidates_recall", lambda found: found["sources"]["all sources"]["all"], least=0.447),
    Figure("candidates_new_recall", lambda found: found["sources"]["all sources"]["new"], least=0.248),
)
"""One head of one seed is off by about 0.002 either way."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--seed", type=int, default=1)
    command.run(
        lambda told, scratch: measure(Shop.make(told.source, scratch), told.seed), {"retail-parts": markdown}
    )


def measure(shop: Shop, seed: int) -> dict[str, Any]:
    """What each part is worth; see `markdown` for the shape."""
    trained = shop.train(seed)
    retriever = trained.bundle().retriever
    return {
        "sources": source_recall(retriever, shop.protocol),
        "cold": cold_items(trained, retriever),
        "ablations": ablations(trained, shop.protocol),
        "text": text(trained, shop.protocol),
    }


def ablations(trained: Trained, protocol: Protocol) -> dict[str, Any]:
    """The whole pipeline without a part, by one head."""
    found = {
        name: Measured.of(protocol, trained.bundle(hidden, members=1).answers(protocol, "recommend", K))
        for name, hidden in {WHOLE: (), **ABLATIONS}.items()
    }
    alone = Trained.make(trained.labelled, trained.tower, trained.folder, trained.seed, windows=1)
    found["trained on the validation window alone"] = Measured.of(
        protocol, alone.bundle(members=1).answers(protocol, "recommend", K)
    )
    return {name: one.record() for name, one in found.items()}


def text(trained: Trained, protocol: Protocol) -> dict[str, Any]:
    """The whole pipeline with the BERT reading the history's and the candidate's titles."""
    import tensorflow as tf

    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.ranking.reading.making import make_head
    from aisle.model.ranking.reading.text_trainer import train_text
    from aisle.schema.bert.weights import bert_folder

    train, valid = (tensors(trained.examples[split]) for split in ("train", "eval"))
    options = RankingOptions(seed=trained.seed, text="always", members=1)
    features = train_features(train, valid, options, str(trained.folder / "ranking"))
    tf.keras.utils.set_random_seed(trained.seed)
    head = make_head(train, features, options, bert_folder())
    train_text(head, train, valid, options, str(trained.folder / "text"))
    ranker = RankingModule(features, head, options, Labels(False, True), True)
    started = time.monotonic()
    measured = Measured.of(
        protocol, Answering.of(trained.labelled, trained.tower, ranker).answers(protocol, "recommend", K)
    )
    return {**measured.record(), "answer_seconds": time.monotonic() - started}


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


def cold_items(trained: Trained, retriever: Any) -> dict[str, float]:
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
    """The tables of what each part is worth."""
    lines = [
        f"One head, one seed; it took {found['minutes']} minutes.",
        "",
        *HEADER,
        *(row(name, record) for name, record in found["ablations"].items()),
        row("all numbers, and BERT reading the titles", found["text"]),
        "",
        f"Recall at {DEEP} of the candidates, by source:",
        "",
        table(
            ("source", "all", "new"),
            ((name, f"{one['all']:.4f}", f"{one['new']:.4f}") for name, one in found["sources"].items()),
        ),
        "",
        "Items that first sell in the test's first week ({items}, ranked among {candidates} that had never sold), for "
        "the {users} known customers who bought one: Recall@20 {content:.3f} by the content path, {chance:.3f} by "
        "chance, {popularity:.3f} by popularity.".format(**found["cold"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
