"""Next item on Amazon Beauty, leave one out: the whole pipeline and what it must beat, on the same users.

    python -m benchmarks.recommendation.beauty --source ../shared/data/beauty [--seeds 1 2 3] [--results docs/results.md]

Each user's last item tests and the one before it validates; all items are ranked, those the user had are masked.
Every parameter is fitted on the sequences without their last two items; two weights, that of the two-tower beside the
head and of the order within it, by how they foretell the validation item of some users. The history at the test holds the
validation item too, and comes with the request. With `--validate` the last item is left out altogether, and the one before it
is foretold: what was chosen was chosen there. `--peer EPOCHS` trains RecTools' SASRec beside, in an environment of its own.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from aisle.components.evaluator.measures.metrics import bootstrap_interval, paired_interval
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.model.options import TwoTowerOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.recommendation import sasrec
from benchmarks.recommendation.baselines import ease_weights
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.served import Trained
from benchmarks.shared.training import fit_two_tower, read_clean_label, transform

K = 10
RECENCY = 0.7
POPULARITY, KNN, EASE = "popularity", f"item-kNN, recency {RECENCY}^k", f"EASE, recency {RECENCY}^k"
ALONE, OURS = "aisle, two-tower alone", "aisle, whole pipeline"
PEER = "SASRec, sampled softmax (RecTools)"
EASE_L2 = 100.0
BATCH = 64
WEIGHED = 4000
"""Users whose validation items weigh head and two-tower against each other."""

Floats = npt.NDArray[np.float64]
Score = Callable[[sparse.csr_matrix], Any]
"""Recency-weighted histories [users, items] to scores [users, items]."""


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Who took what, oldest first, as indices of `items`; the last item is to be foretold, the one before is known.

    Attributes:
        users: ids.
        items: ids.
        taken: an array of item indices for each user.
        fitted: how many of the first of each may be learnt from.
    """

    users: list[str]
    items: list[str]
    taken: list[npt.NDArray[np.int64]]
    fitted: list[int]

    def matrix(self, known: list[int], recency: float = 1.0) -> sparse.csr_matrix:
        """The first `known` items of each user, the latest 1 and each before it `recency` as much: [users, items]."""
        rows = np.repeat(np.arange(len(known)), known)
        columns = np.concatenate([taken[:k] for taken, k in zip(self.taken, known, strict=True)])
        ago = np.concatenate([np.arange(k)[::-1] for k in known])
        shape = (len(self.users), len(self.items))
        return sparse.csr_matrix((recency**ago, (rows, columns)), shape=shape)

    @property
    def history(self) -> list[int]:
        """How many items of each are known when the next is asked for."""
        return [len(taken) - 1 for taken in self.taken]


FIGURES = (
    Figure("hr", lambda found: found["ours"]["hr"], least=0.104),
    Figure("ndcg", lambda found: found["ours"]["ndcg"], least=0.0625),
    Figure("alone_hr", lambda found: found["alone"]["hr"], least=0.092),
    Figure("alone_ndcg", lambda found: found["alone"]["ndcg"], least=0.0565),
    Figure("hr_gain_lower_end", lambda found: found["gain"]["hr"]["interval"][0], least=0.0),
    Figure("ndcg_gain_lower_end", lambda found: found["gain"]["ndcg"]["interval"][0], least=0.0),
)
"""The gains are the lower ends of their intervals; the figures those of docs/results.md less what a seed may do."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="Amazon Beauty", seeds=(1, 2, 3))
    command.add_argument("--validate", action="store_true", help="foretell the validation item instead")
    command.add_argument(
        "--peer", type=int, default=0, metavar="EPOCHS", help="of RecTools' SASRec; 0 asks it not"
    )
    command.run(
        lambda told, scratch: measure(told.source, scratch, told.seeds, told.validate, told.peer),
        {"beauty": markdown},
    )


def measure(
    source: pathlib.Path, scratch: pathlib.Path, seeds: list[int], validate: bool, peer: int = 0
) -> dict[str, Any]:
    """Every system; see `markdown` for the shape."""
    from aisle.datasets import sequences as adapter

    counts = adapter.convert(source, scratch / "shop")
    # A day before the end begins what tests, two days before that what validates.
    labelled = read_clean_label(scratch / "shop", LabelerOptions(test_days=1, eval_days=2))
    sequences = read_sequences(labelled, validate)
    ranks = {}
    for name, make in _BASELINES.items():
        ranks[name] = ranks_of(sequences, make(sequences))
        print(f"{name}: {record(ranks[name])}", flush=True)
    if peer and (found := sasrec.asked(sequences.taken, sequences.fitted, K, scratch, peer)) is not None:
        ranks[PEER] = found
        print(f"{PEER}: {record(found)}", flush=True)
    transformed = transform(labelled, scratch)
    ours, alone = [], []
    for seed in seeds:
        folder = scratch / f"seed-{seed}"
        # By the protocol nothing learns from the item that validates.
        tower = fit_two_tower(transformed, folder, TwoTowerOptions(seed=seed, refit=False))
        alone.append(record(_alone(sequences, tower)))
        print(f"seed {seed}, {ALONE}: {alone[-1]}", flush=True)
        ours.append(_pipeline(labelled, tower, folder, seed, sequences))
        print(f"seed {seed}: {record(ours[-1])}", flush=True)
    one = np.mean([hit_value(rank) for rank in ours], 0)
    best = max(ranks.values(), key=lambda rank: hit_value(rank)[1].mean())
    return {
        "items": len(sequences.items), "users": len(sequences.users), "events": counts["events"],
        "validated": validate,
        "systems": {name: record(rank) for name, rank in ranks.items()},
        "alone": {metric: float(np.mean([one[metric] for one in alone])) for metric in ("hr", "ndcg")},
        "ours": {"hr": float(one[0].mean()), "ndcg": float(one[1].mean()),
                 "ndcg_ci": bootstrap_interval(one[1])},
        "seeds": [record(rank) for rank in ours],
        "gain": {metric: {"value": float((ours_ - theirs).mean()), "interval": paired_interval(ours_, theirs)}
                 for metric, ours_, theirs in zip(("hr", "ndcg"), one, hit_value(best), strict=True)},
    }  # fmt: skip


def read_sequences(labelled: Labelled, validate: bool) -> Sequences:
    """The cleaned interactions by user; with `validate` without the last item of each."""
    import polars as pl

    rows = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"])).sort("user_id", "timestamp")
    items = pl.DataFrame(pl.from_arrow(labelled.tables["items"]))["item_id"].to_list()
    index = {item: number for number, item in enumerate(items)}
    groups = rows.group_by("user_id", maintain_order=True).agg("item_id")
    taken = [np.array([index[item] for item in user]) for user in groups["item_id"].to_list()]
    fitted = [len(user) - 2 for user in taken]
    if validate:
        taken = [user[:-1] for user in taken]
    return Sequences(groups["user_id"].to_list(), items, taken, fitted)


def _pipeline(
    labelled: Labelled, tower: str, folder: pathlib.Path, seed: int, sequences: Sequences
) -> npt.NDArray[np.int64]:
    """The ranks by the pipeline's models, all as of the start of the validation window."""
    window = labelled.splits.test_start - labelled.splits.eval_start
    splits = dataclasses.replace(
        labelled.splits,
        test_start=labelled.splits.eval_start,
        eval_start=labelled.splits.eval_start - window,
    )
    assert window == 2 * MICROSECONDS_PER_DAY
    # Each window holds an item of every user; the items before the last four are learnt from by the sources alone.
    given = {"windows": 2, "users": 10_000}
    trained = Trained.make(dataclasses.replace(labelled, splits=splits), tower, folder, seed, **given)
    # The two-tower has learnt those windows, but not the validation item.
    asked = Trained.make(labelled, tower, folder, seed, windows=1, users=WEIGHED, recents=0).examples
    unseen = pa.concat_tables([asked["train"], asked["eval"]])
    return ranks_served(sequences, trained.bundle(unseen=unseen).recommend)


def ranks_served(sequences: Sequences, recommend: Callable[..., list[list[str]]]) -> npt.NDArray[np.int64]:
    """The place of each user's last item among the K answered, K where it isn't there.

    What the user had is masked here: a request's history is shorter than some sequences.
    """
    ranks = np.full(len(sequences.users), K)
    longest = max(sequences.history)
    for start in range(0, len(sequences.users), BATCH):
        part = range(start, min(start + BATCH, len(sequences.users)))
        histories = [[sequences.items[i] for i in sequences.taken[u][:-1]] for u in part]
        answers = recommend([sequences.users[u] for u in part], histories, True, K + longest)
        for user, history, answer in zip(part, histories, answers, strict=True):
            seen = set(history)
            best = [item for item in answer if item not in seen][:K]
            target = sequences.items[sequences.taken[user][-1]]
            ranks[user] = best.index(target) if target in best else K
    return ranks


def ranks_of(sequences: Sequences, score: Score) -> npt.NDArray[np.int64]:
    """The place of each user's last item among all they had not had, by their histories weighted by recency."""
    recent = sequences.matrix(sequences.history, RECENCY)
    return _ranks(sequences, lambda users: score(recent[users]))


def _ranks(sequences: Sequences, score: Callable[[slice], Any], block: int = 2000) -> npt.NDArray[np.int64]:
    """The same by scores [users, items] of some users at a time."""
    had = sequences.matrix(sequences.history)
    ranks = []
    for start in range(0, len(sequences.users), block):
        users = slice(start, start + block)
        scores = np.array(score(users))
        scores[had[users].nonzero()] = -np.inf
        target = [taken[-1] for taken in sequences.taken[users]]
        own = scores[np.arange(len(target)), target]
        ranks.append((scores > own[:, None]).sum(1))
    return np.concatenate(ranks)


def _alone(sequences: Sequences, folder: str) -> npt.NDArray[np.int64]:
    """The ranks by the two-tower's vectors; as the times are made up, each item of a history is of today."""
    import tensorflow as tf

    tower = tf.saved_model.load(folder)
    named = {item.decode(): row for row, item in enumerate(tower.item_ids.numpy())}
    items = tower.item_embeddings.numpy()[[named[item] for item in sequences.items]]
    nothing = tf.zeros([1, tower.text_embeddings.shape[1]])

    def score(users: slice) -> Floats:
        taken = [[sequences.items[item] for item in some[:-1]] for some in sequences.taken[users]]
        # Padded in front, as the served graph does.
        history = tf.reverse(
            tf.ragged.constant([some[::-1] for some in taken], tf.string, 1).to_tensor(""), [1]
        )
        ones, none = tf.ones(tf.shape(history)), tf.fill([len(taken)], "")
        known = tf.constant(sequences.users[users])
        vectors = tower.embed_query(known, none, tf.repeat(nothing, len(taken), 0), history, 0.0 * ones, ones)
        return np.asarray(vectors.numpy() @ items.T)

    return _ranks(sequences, score)


def _popularity(sequences: Sequences) -> Score:
    counts = np.asarray(sequences.matrix(sequences.fitted).sum(0)).ravel()
    return lambda histories: np.tile(counts, (histories.shape[0], 1))


def _knn(sequences: Sequences) -> Score:
    taken = sequences.matrix(sequences.fitted)
    unit = taken @ sparse.diags(1.0 / np.sqrt(np.maximum(np.asarray(taken.sum(0)).ravel(), 1.0)))
    similar = (unit.T @ unit).tolil()
    similar.setdiag(0.0)
    near = similar.tocsr()
    return lambda histories: (histories @ near).toarray()


def _ease(sequences: Sequences) -> Score:
    weights = ease_weights(sequences.matrix(sequences.fitted), EASE_L2)
    return lambda histories: histories @ weights


_BASELINES: dict[str, Callable[[Sequences], Score]] = {POPULARITY: _popularity, KNN: _knn, EASE: _ease}


def hit_value(ranks: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Hit rate and nDCG at K of each user: with one relevant item nDCG is 1 / log2(rank + 2)."""
    hit = (ranks < K).astype(np.float64)
    return hit, hit / np.log2(ranks + 2.0)


def record(ranks: npt.NDArray[np.int64]) -> dict[str, float]:
    """The means."""
    hit, value = hit_value(ranks)
    return {"hr": float(hit.mean()), "ndcg": float(value.mean())}


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    gain = found["gain"]
    what = "the validation item" if found["validated"] else "the last item"
    seeds = len(found["seeds"])
    of = "of one seed" if seeds == 1 else f"the mean of {seeds} seeds"
    rows = [*found["systems"].items(), (ALONE, found["alone"]), (OURS, found["ours"])]
    return "\n".join([
        f"{found['users']:,} users, {found['items']:,} items, {found['events']:,} events; foretold is {what}; aisle's "
        f"row is {of}. It took {found['minutes']} minutes.",
        "",
        table(
            ("", f"HR@{K}", f"NDCG@{K}"),
            ((name, f"{one['hr']:.4f}", f"{one['ndcg']:.4f}") for name, one in rows),
        ),
        "",
        f"Beside the best of the others HR@{K} is {with_interval(**gain['hr'])} and NDCG@{K} "
        f"{with_interval(**gain['ndcg'])} (95 %, paired bootstrap over users). By seed: "
        + ", ".join(f"{one['hr']:.4f} / {one['ndcg']:.4f}" for one in found["seeds"])
        + ".",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
