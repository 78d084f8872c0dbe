"""BERT where a recommendation has little else to go by: short histories, items with few sales; by slice, not as a mean.

    python -m benchmarks.recommendation.bert_slices --source ../shared/data/online-retail [--heads 1 2 3] [--results docs/experiments.md]
    python -m benchmarks.recommendation.bert_slices [--users 1500 --items 800 --days 90] [--seed 1]

Online Retail, or a simulated shop. Heads with numbers of BERT's embeddings of titles, and a cross-encoder that reads the latest titles
beside a candidate's, against a head that reads none, on the same candidates. Slices are the shop's quartiles, of users by how many
items they had taken, of items by how often they had been taken. What is kept is chosen on the 30 days before the test, as if the data had
ended with them; `--test` measures on the test. Intervals are 95 %, by a paired bootstrap over users: they hold no other training's chance.
"""

from __future__ import annotations

import argparse
import os
import pathlib
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from aisle.model.options import TwoTowerOptions
from benchmarks.labels.worth import TOWER_STEPS, add_shop, told_shop
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import train_two_tower

EXPECTED = {
    "cosine of titles": ("+0.001", "+0.003", "+0.005"),
    "titles to spectrum, a linear map": ("0", "+0.001", "+0.005"),
    "titles to spectrum, by the like": ("0", "+0.001", "+0.005"),
    "titles to spectrum, both": ("0", "+0.001", "+0.005"),
    "cross-encoder, best 20 in another order": ("-0.002", "+0.003", "+0.003"),
    "cross-encoder, for short histories alone": ("+0.001", "+0.003", "0"),
    "cross-encoder's logit, a number of the best 20": ("+0.001", "+0.003", "+0.003"),
}
"""Of nDCG of all, of what is new of users with the shortest histories, and of what is new of the least sold items: written down before."""
_READER = tuple(EXPECTED)[-3:]

FIGURES = (
    Figure("baseline_all_ndcg", lambda found: found["slices"]["all"]["base"]["ndcg"]),
    Figure("baseline_new_ndcg", lambda found: found["slices"]["new"]["base"]["ndcg"]),
    Figure("surely_better", lambda found: float(sum(_sure(found, +1).values()))),
    Figure("surely_worse", lambda found: float(sum(_sure(found, -1).values()))),
)
"""The last two count slices of all variants: of as many as there are, one in forty is either by chance."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    add_shop(command)
    command.add_argument(
        "--heads",
        type=int,
        nargs="+",
        default=[1],
        help="seeds of the heads of numbers; figures are their mean",
    )
    command.add_argument(
        "--unread", action="store_true", help="leave out the cross-encoder, which takes most of the time"
    )
    command.run(measured, {"bert-slices": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Every variant by slice; see `markdown` for the shape."""
    import tensorflow as tf

    from benchmarks.recommendation.titles.numbers import register

    labelled, _ = told_shop(told, scratch)
    options = TwoTowerOptions(seed=told.seed, steps=TOWER_STEPS, order="never")
    tower = train_two_tower(labelled, scratch, options)
    register(tf.saved_model.load(tower))
    # What derives from the registry comes after what is added to it.
    from benchmarks.recommendation.titles.trial import Trial
    from benchmarks.shared.served import Trained

    trial = Trial.make(Trained.make(labelled, tower, scratch, told.seed))
    return compared(trial, told.heads, not told.unread) | {"test": told.test}


def compared(trial: Any, heads: list[int], reads: bool) -> Found:
    """The heads of numbers of a `Trial` and, where one `reads`, the cross-encoder beside the first of them, by slice."""
    from benchmarks.recommendation.titles.numbers import NUMBERS
    from benchmarks.recommendation.titles.slices import Worth
    from benchmarks.recommendation.titles.trial import Read

    base = Worth.mean([trial.worth(trial.head((), seed)) for seed in heads])
    records = {
        name: Worth.mean([trial.worth(trial.head(NUMBERS[name], seed)) for seed in heads]).record(base)
        for name in EXPECTED
        if name not in _READER
    }
    reader = None
    if reads:
        head = trial.head((), heads[0])
        alone, read = trial.worth(head), Read.make(trial, head)
        filled = trial.head(NUMBERS["read together"], heads[0], read.examples)
        told = (
            read.reordered(trial, head, False),
            read.reordered(trial, head, True),
            trial.worth(filled, read.lists),
        )
        records |= {name: one.record(alone) for name, one in zip(_READER, told, strict=True)}
        reader = {"pairs": read.pairs, "losses": read.losses, "weight": read.weight, "of_few": read.of_few}
    there, means = trial.found_at_all(), base.record(base)
    return {
        "variants": list(records),
        "heads": len(heads),
        "reader": reader,
        "slices": {
            one.name: {
                "users": one.users,
                "candidates": there[one.name],
                "base": {metric: own["mean"] for metric, own in means[one.name].items()},
                **{name: record[one.name] for name, record in records.items()},
            }
            for one in trial.slices
        },
    }


def _sure(found: Found, sign: int) -> dict[str, int]:
    """In how many slices each variant's nDCG surely gains, or loses."""
    return {
        name: sum(min(sign * end for end in one[name]["ndcg"]["ci"]) > 0 for one in found["slices"].values())
        for name in found["variants"]
    }


def markdown(found: Found) -> str:
    """What each variant changes in each slice, nDCG@20 and Recall@20, and what was expected."""
    better, worse = _sure(found, +1), _sure(found, -1)
    variants, reader = found["variants"], found["reader"]
    said = f"One two-tower and one draw of candidates; heads of numbers: {found['heads']}. It took {found['minutes']} minutes."
    if reader:
        said += (
            f" The cross-encoder, beside the first head, learnt from {reader['pairs']:,} pairs and counts "
            f"{reader['weight']:.2f} beside the head's log odds, {reader['of_few']:.2f} for short histories."
        )
    heads = ("variant", "expected of all", "of short histories, new", "of the least sold, new")
    rows = ((name, *EXPECTED[name], better[name], worse[name]) for name in variants)
    lines = [said, "", table((*heads, "surely better in", "surely worse in"), rows)]
    for metric, name in (("ndcg", "nDCG@20"), ("recall", "Recall@20")):
        cells = (
            (
                *(slice_, f"{one['users']:,}", f"{one['candidates']:.2f}", f"{one['base'][metric]:.4f}"),
                *(
                    with_interval(one[variant][metric]["gain"], one[variant][metric]["ci"])
                    for variant in variants
                ),
            )
            for slice_, one in found["slices"].items()
        )
        lines += ["", table((name, "users", "among the candidates", "without titles", *variants), cells)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
