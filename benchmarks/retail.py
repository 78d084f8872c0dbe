"""Recommendation on Online Retail: the whole pipeline, its parts, and what they must beat, on the same users.

    python benchmarks/retail.py --source ../shared/data/online-retail [--seeds 1 2 3] [--results docs/results.md]

Train is what was bought before 2011-10-09, test what known customers bought in the 30 days after: all of it, or what
was new to them. Each system answers 20 items. Every model trains by the pipeline's own code with its default
configuration, once for each seed; what was chosen was chosen on the validation window, which ends where the test
begins. Ablations train the ranking head again without a group of its numbers, or without windows.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from baselines import SYSTEMS
from results import write_section
from training import fit_two_tower, read_clean_label, transform

from aisle.components.evaluator.metrics import (
    Floats,
    Ints,
    bootstrap_interval,
    coverage,
    hits,
    ndcg,
    paired_interval,
    recall,
    relevant_items,
)
from aisle.components.evaluator.protocol import Protocol, make_protocol, positions
from aisle.components.labeler.label import Labelled
from aisle.model.options import BundleOptions, CandidateOptions, RankingOptions, TwoTowerOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY

K = 20
DEEP = 100
BATCH = 64
WHOLE, TWO_TOWER = "aisle, whole pipeline", "aisle, two-tower alone"
MEMBERS = RankingOptions().members
ABLATIONS: dict[str, tuple[str, ...]] = {
    "without EASE": (
        *("ease", "ease_recent", "ease_decayed", "ease_share", "ease_recent_share", "ease_decayed_share"),
    ),
    "without the cosine of users": ("users_cosine", "users_cosine_share"),
    "without baskets": ("baskets", "latest_basket", "baskets_share", "latest_basket_share"),
    "without own history": (
        *("count", "repeat_7", "repeat_15", "repeat_30", "repeat_60", "repeat_180", "latest_order"),
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


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder of UCI Online Retail")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--parts", action="store_true", help="the ablations and the sources, of the first seed"
    )
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("retail.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        shop = Shop.make(arguments.source, pathlib.Path(scratch))
        found = parts(shop, arguments.seeds[0]) if arguments.parts else measure(shop, arguments.seeds)
    found["minutes"] = round((time.monotonic() - started) / 60, 1)
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    table = parts_markdown(found) if arguments.parts else markdown(found)
    print(table)
    if arguments.results:
        write_section(arguments.results, "retail-parts" if arguments.parts else "retail", table)


@dataclasses.dataclass(frozen=True)
class Shop:
    """The labelled shop, its test, and the transformed examples of the two-tower."""

    labelled: Labelled
    protocol: Protocol
    transformed: tuple[str, str]
    scratch: pathlib.Path

    @staticmethod
    def make(source: pathlib.Path, scratch: pathlib.Path) -> Shop:
        """Converts, cleans, labels and transforms."""
        from aisle.datasets import online_retail

        online_retail.convert(source, scratch / "shop")
        labelled = read_clean_label(scratch / "shop")
        splits = dataclasses.asdict(labelled.splits)
        protocol = make_protocol(labelled.tables["items"], labelled.tables["interactions"], splits)
        return Shop(labelled, protocol, transform(labelled, scratch), scratch)

    def train(self, seed: int) -> Trained:
        """Trains the two-tower and draws candidates."""
        folder = self.scratch / f"seed-{seed}"
        tower = fit_two_tower(self.transformed, folder, TwoTowerOptions(seed=seed))
        return Trained.make(self.labelled, tower, folder, seed)


def measure(shop: Shop, seeds: list[int]) -> dict[str, Any]:
    """Every system; see `markdown` for the shape."""
    protocol = shop.protocol
    systems = {}
    for name, answer in SYSTEMS.items():
        systems[name] = Measured.of(protocol, lambda new, a=answer: a(protocol, new, K))
        print(f"{name}: {systems[name]}", flush=True)
    ours: dict[str, list[Measured]] = {WHOLE: [], TWO_TOWER: []}
    for seed in seeds:
        bundle = shop.train(seed).bundle()
        ours[TWO_TOWER].append(Measured.of(protocol, bundle.answers(protocol, "retrieve")))
        ours[WHOLE].append(Measured.of(protocol, bundle.answers(protocol, "recommend")))
        print(f"seed {seed}: {ours[WHOLE][-1]}; two-tower alone {ours[TWO_TOWER][-1]}", flush=True)
    best = {part: max(systems.values(), key=lambda s: s.mean(part, "ndcg")) for part in ("all", "new")}
    return {
        "users": {part: ours[WHOLE][0].users(part) for part in ("all", "new")},
        "systems": {
            **{name: one.record() for name, one in systems.items()},
            **{name: average(many) for name, many in ours.items()},
        },
        "gain": {part: gain(ours[WHOLE], best[part], part) for part in ("all", "new")},
        "seeds": [one.record() for one in ours[WHOLE]],
    }


def parts(shop: Shop, seed: int) -> dict[str, Any]:
    """What each part is worth; see `parts_markdown` for the shape."""
    trained = shop.train(seed)
    bundle = trained.bundle()
    return {
        "sources": bundle.source_recall(shop.protocol),
        "cold": cold_items(trained, bundle.retriever),
        "ablations": trained.ablations(shop.protocol),
        "text": trained.text(shop.protocol),
    }


@dataclasses.dataclass(frozen=True)
class Measured:
    """Recall and nDCG by user of one system, for all and for new items: {part: {metric: [users]}}."""

    values: dict[str, dict[str, Floats]]
    covered: float

    @staticmethod
    def of(protocol: Protocol, answer: Callable[[bool], Ints | None]) -> Measured:
        """Measures `answer(exclude_seen)`: item indices [users, K], None where a system gives none."""
        values: dict[str, dict[str, Floats]] = {}
        covered = 0.0
        for part, new in (("all", False), ("new", True)):
            answers = answer(new)
            if answers is None:
                continue
            truth = protocol.new if new else protocol.truth
            hit, relevant = hits(answers, truth), relevant_items(truth)
            values[part] = {"recall": recall(hit, relevant), "ndcg": ndcg(hit, relevant)}
            covered = covered or coverage(answers, len(protocol.item_ids))
        return Measured(values, covered)

    def mean(self, part: str, metric: str) -> float:
        """The mean over users, -1 where the system gives no answer."""
        return float(np.nanmean(self.values[part][metric])) if part in self.values else -1.0

    def users(self, part: str) -> int:
        """How many users there are."""
        return int((~np.isnan(self.values[part]["ndcg"])).sum())

    def record(self) -> dict[str, Any]:
        """The means and the interval of nDCG, by part."""
        return {
            part: {
                **{metric: float(np.nanmean(values)) for metric, values in metrics.items()},
                "ndcg_ci": bootstrap_interval(metrics["ndcg"]),
            }
            for part, metrics in self.values.items()
        } | {"coverage": self.covered}

    def __str__(self) -> str:
        return ", ".join(
            f"{part} R@{K} {self.mean(part, 'recall'):.4f} nDCG@{K} {self.mean(part, 'ndcg'):.4f}"
            for part in self.values
        )


def average(measured: list[Measured]) -> dict[str, Any]:
    """The record of the mean over seeds, user by user, with the seeds' own nDCG."""
    joined = Measured(
        {
            part: {
                metric: np.mean([one.values[part][metric] for one in measured], 0)
                for metric in ("recall", "ndcg")
            }
            for part in ("all", "new")
        },
        float(np.mean([one.covered for one in measured])),
    )
    seeds = {part: [one.mean(part, "ndcg") for one in measured] for part in ("all", "new")}
    return joined.record() | {"seeds": seeds}


def gain(ours: list[Measured], best: Measured, part: str) -> dict[str, Any]:
    """NDCG of the mean over seeds less the best baseline's, with its paired bootstrap interval."""
    one = np.mean([measured.values[part]["ndcg"] for measured in ours], 0)
    other = best.values[part]["ndcg"]
    share = float(np.nanmean(one) / np.nanmean(other) - 1)
    return {"ndcg": float(np.nanmean(one - other)), "share": share, "ci": paired_interval(one, other)}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained two-tower with the candidates that the ranking head learns from."""

    labelled: Labelled
    tower: str
    examples: dict[str, pa.Table]
    folder: pathlib.Path
    seed: int

    @staticmethod
    def make(labelled: Labelled, tower: str, folder: pathlib.Path, seed: int, **given: int) -> Trained:
        """Draws candidates."""
        from aisle.model.candidates import make_candidates

        splits = dataclasses.asdict(labelled.splits)
        options = CandidateOptions(seed=seed, test_users=0, **given)
        return Trained(
            labelled, tower, make_candidates(tower, "", labelled.tables, splits, options), folder, seed
        )

    def bundle(self, hidden: Iterable[str] = (), members: int = MEMBERS) -> Answering:
        """The served model as of the start of the test, its head trained without the numbers `hidden`."""
        from aisle.model.ranking_trainer import Labels, RankingModule, train_features

        train, valid = (tensors(self.examples[split], hidden) for split in ("train", "eval"))
        options = RankingOptions(seed=self.seed, text="never", members=members)
        head = train_features(train, valid, options, str(self.folder / "ranking"))
        ranker = RankingModule(head, None, None, options, Labels(False, True), False)  # type: ignore[arg-type]
        return Answering(self, ranker)

    def ablations(self, protocol: Protocol) -> dict[str, Any]:
        """The whole pipeline without a part, by one head."""
        found = {
            name: Measured.of(protocol, self.bundle(hidden, members=1).answers(protocol, "recommend"))
            for name, hidden in {"all numbers": (), **ABLATIONS}.items()
        }
        alone = Trained.make(self.labelled, self.tower, self.folder, self.seed, windows=1)
        found["trained on the validation window alone"] = Measured.of(
            protocol, alone.bundle(members=1).answers(protocol, "recommend")
        )
        return {name: one.record() for name, one in found.items()}

    def text(self, protocol: Protocol) -> dict[str, Any]:
        """The whole pipeline with the BERT reading the history's and the candidate's titles."""
        import tensorflow as tf

        from aisle.model import ranking_trainer
        from aisle.model.text import Tokenizer, load_bert
        from aisle.schema.weights import bert_folder

        train, valid = (tensors(self.examples[split]) for split in ("train", "eval"))
        options = RankingOptions(seed=self.seed, text="always", members=1)
        head = ranking_trainer.RankingHead(
            load_bert(bert_folder(), options.layers),
            ranking_trainer.train_features(train, valid, options, str(self.folder / "ranking")),
        )
        tokenizer = Tokenizer(bert_folder())
        tf.keras.utils.set_random_seed(self.seed)
        ranking_trainer.train_text(head, train, valid, tokenizer, options, str(self.folder / "text"))
        labels = ranking_trainer.Labels(False, True)
        ranker = ranking_trainer.RankingModule(head.features, head, tokenizer, options, labels, True)
        started = time.monotonic()
        measured = Measured.of(protocol, Answering(self, ranker).answers(protocol, "recommend"))
        return {**measured.record(), "answer_seconds": time.monotonic() - started}


class Answering:
    """The served model's functions as of the start of the test, in this process."""

    def __init__(self, trained: Trained, ranker: object) -> None:
        import polars as pl
        import tensorflow as tf

        from aisle.model.bundle import Bundle
        from aisle.model.candidates import catalogue
        from aisle.model.retriever import Retriever
        from aisle.model.state import make_state
        from aisle.model.text import Tokenizer
        from aisle.schema.weights import bert_folder

        tower = tf.saved_model.load(trained.tower)
        frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in trained.labelled.tables.items()}
        titles, prices = catalogue(tower, frames["items"])
        ids = [item.decode() for item in tower.item_ids.numpy()]
        state = make_state(frames["interactions"], frames["users"], ids, trained.labelled.splits.test_start)
        self.retriever = Retriever(tower, Tokenizer(bert_folder()), titles, prices, state)
        self._bundle = Bundle(self.retriever, ranker, titles, BundleOptions())
        self._asked: Any = None

    def answers(self, protocol: Protocol, name: str) -> Callable[[bool], Ints]:
        """The signature `name` as a function of `exclude_seen`, for every user of the protocol."""
        import tensorflow as tf

        signature = tf.function(getattr(self._bundle, name), reduce_retracing=True)

        def call(new: bool) -> Ints:
            users = protocol.user_ids.to_pylist()
            found = []
            for start in range(0, len(users), BATCH):
                user = tf.constant(users[start : start + BATCH])
                none = tf.zeros([len(user), 0], tf.string)
                found.append(
                    signature(user, none, tf.constant(new), tf.constant(K))["item_ids"].numpy().ravel()
                )
            ids = pa.array(np.concatenate(found), pa.binary()).cast(pa.string())
            return positions(ids, protocol.item_ids).reshape(-1, K)

        return call

    def recommend(
        self, users: list[str], histories: list[list[str]], exclude_seen: bool, k: int
    ) -> list[list[str]]:
        """The item ids for each user with the history that the request brings, oldest first."""
        import tensorflow as tf

        if self._asked is None:
            self._asked = tf.function(self._bundle.recommend, reduce_retracing=True)
        given = tf.ragged.constant(histories, dtype=tf.string).to_tensor("")
        found = self._asked(tf.constant(users), given, tf.constant(exclude_seen), tf.constant(k))
        return [[item.decode() for item in row if item] for row in found["item_ids"].numpy()]

    def source_recall(self, protocol: Protocol) -> dict[str, Any]:
        """Recall at 100 of each source, of their union, and of the union without each."""
        import tensorflow as tf

        from aisle.model.retriever import RECOMMEND_SOURCES, Source

        tower = Source("two_tower", 60, 1.0, signed=True)
        wide = {s.score: (dataclasses.replace(s, bound=DEEP),) for s in (*RECOMMEND_SOURCES, tower)}
        sets: dict[str, tuple[Source, ...]] = {**wide, "all sources": RECOMMEND_SOURCES}
        sets["all sources and two_tower"] = (*RECOMMEND_SOURCES, tower)
        for one in RECOMMEND_SOURCES:
            sets[f"all but {one.score}"] = tuple(s for s in RECOMMEND_SOURCES if s is not one)

        @tf.function(reduce_retracing=True)
        def top(user: tf.Tensor, new: tf.Tensor) -> list[tf.Tensor]:
            context = self.retriever.context(
                tf.zeros_like(user), user, tf.zeros([tf.shape(user)[0], 0], tf.string)
            )
            exclude = self.retriever.seen(context) & new
            fused = [tf.math.top_k(self.retriever.fuse(context, s, exclude), DEEP) for s in sets.values()]
            return [tf.where(f.values > 0, tf.gather(self.retriever.item_ids, f.indices), "") for f in fused]

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
        scores = retriever.context(tf.constant([""]), one, tf.zeros([1, 0], tf.string)).scores["two_tower"]
        best = rows[np.argsort(-scores.numpy()[0, rows])[:K]]
        found.append(len({ids[row] for row in best} & set(items)) / min(K, len(items)))
        chance.append(min(1.0, K / len(rows)) * len(items) / min(K, len(items)))
    return {
        "users": len(baskets), "items": len(week), "candidates": len(rows),
        "content": float(np.mean(found)), "popularity": 0.0, "chance": float(np.mean(chance)),
    }  # fmt: skip


def tensors(table: pa.Table, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """Ranking examples as tensors, as the Trainer reads them; what is hidden is unknown (NaN)."""
    import tensorflow as tf

    columns = {name: table[name].combine_chunks().flatten() for name in table.column_names}
    rows = {
        name: tf.constant(values.to_pylist() if pa.types.is_binary(values.type) else values.to_numpy(False))
        for name, values in columns.items()
    }
    return rows | {name: tf.fill(tf.shape(rows[name]), np.float32(np.nan)) for name in hidden}


def markdown(found: dict[str, Any]) -> str:
    """The tables people read."""
    lines = [
        f"{found['users']['all']:,} users, {found['users']['new']:,} of them with something new; aisle's rows are the "
        f"mean of {len(found['seeds'])} seeds. It took {found['minutes']} minutes.",
        "",
        *_HEADER,
        *(_row(name, record) for name, record in found["systems"].items()),
        "",
        *(
            f"nDCG@{K} of {part} items is {one['share']:+.1%} of the best of the others: {one['ndcg']:+.4f} "
            f"[{one['ci'][0]:+.4f}, {one['ci'][1]:+.4f}] (95 %, paired bootstrap over users). By seed: "
            + ", ".join(f"{value:.4f}" for value in found["systems"][WHOLE]["seeds"][part])
            + ".\n"
            for part, one in found["gain"].items()
        ),
    ]
    return "\n".join(lines).rstrip()


def parts_markdown(found: dict[str, Any]) -> str:
    """The tables of what each part is worth."""
    lines = [
        f"One head, one seed; it took {found['minutes']} minutes.",
        "",
        *_HEADER,
        *(_row(name, record) for name, record in found["ablations"].items()),
        _row("all numbers, and BERT reading the titles", found["text"]),
        "",
        f"Recall at {DEEP} of the candidates, by source:",
        "",
        "| source | all | new |",
        "|---|---|---|",
        *(f"| {name} | {one['all']:.4f} | {one['new']:.4f} |" for name, one in found["sources"].items()),
        "",
        "Items that first sell in the test's first week ({items}, ranked among {candidates} that had never sold), for "
        "the {users} known customers who bought one: Recall@20 {content:.3f} by the content path, {chance:.3f} by "
        "chance, {popularity:.3f} by popularity.".format(**found["cold"]),
    ]
    return "\n".join(lines)


_HEADER = (
    f"| | all R@{K} | all nDCG@{K} | new R@{K} | new nDCG@{K} | coverage |",
    "|---|---|---|---|---|---|",
)


def _row(name: str, record: dict[str, Any]) -> str:
    cells = [
        f"{record[part][metric]:.4f}" if part in record else "–"
        for part in ("all", "new")
        for metric in ("recall", "ndcg")
    ]
    return f"| {name} | {' | '.join(cells)} | {record['coverage']:.3f} |"


if __name__ == "__main__":
    main()
