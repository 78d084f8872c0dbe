"""Search in Chinese: known items of a marketplace's titles, and what is read of real queries.

    python -m benchmarks.search.languages --check --source ../shared/data [--json languages.json]

Each of 1,500 queries is two words of one title, which is to be found among all: the mean reciprocal rank (a tie counts
half) by words alone, by meaning alone and as the served model blends them, nothing trained. The encoder is the one
that AISLE_BERT names, or the installed one.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.search.served_search import make_retriever, title_tower

GOALS = {"mrr": 0.975, "unknown": 0.01, "readings": 1_000}
"""The least that `mrr` and `readings` may be, and what `unknown` must stay below."""
_BATCH = 50


def main() -> None:
    """Parses the arguments, measures, prints; exits with 1 where `--check` finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder of the data sets")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("languages.json"))
    arguments = parser.parse_args()
    found = measure(arguments.source / "zh-search")
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(markdown(found))
    print(json.dumps(found))
    missed = missed_goals(found)
    if arguments.check and missed:
        sys.exit(f"missed: {', '.join(missed)}")


def missed_goals(found: dict[str, Any]) -> list[str]:
    """The goals that figures miss."""
    reached = {
        "mrr": found["mrr"] >= GOALS["mrr"],
        "unknown": found["unknown"] < GOALS["unknown"],
        "readings": found["readings"] >= GOALS["readings"],
    }
    return [f"{name} {found[name]} (goal {GOALS[name]})" for name, is_so in reached.items() if not is_so]


def measure(source: pathlib.Path) -> dict[str, Any]:
    """The figures of a folder `zh-search`; see `markdown`."""
    import polars as pl
    import tensorflow as tf

    from aisle.model.retrieval.sources import offers
    from aisle.model.text.bert import Tokenizer
    from aisle.schema.weights import bert_folder

    items, known = (pl.read_csv(source / name) for name in ("items.csv", "known_items.csv"))
    ids, titles = items["item_id"].to_list(), items["title"].to_list()
    retriever, _ = make_retriever(ids, titles, title_tower(ids, titles))
    wanted = np.array([ids.index(item) for item in known["item_id"]])
    scores: dict[str, list[npt.NDArray[np.floating[Any]]]] = {"words": [], "meaning": [], "mrr": []}
    nobody = tf.fill([_BATCH], "")
    for start in range(0, len(known), _BATCH):
        queries = known["query"][start : start + _BATCH].to_list()
        context = retriever.context(
            tf.constant(queries), nobody[: len(queries)], tf.zeros([len(queries), 0], tf.string)
        )
        nothing = tf.zeros([len(queries), len(ids)], tf.bool)
        scores["words"].append(context.scores["lexical"].numpy())
        scores["meaning"].append(context.vectors["dense"].numpy() @ retriever.tower.text_embeddings.numpy().T)
        scores["mrr"].append(retriever.blend(context, offers("search"), nothing).numpy())
    real = (source / "taobao_queries.txt").read_text(encoding="utf-8").splitlines()
    return {
        **{name: reciprocal_rank(np.concatenate(parts), wanted) for name, parts in scores.items()},
        **readings(Tokenizer(bert_folder()), retriever.context, real),
    }


def readings(tokenizer: Any, context: Any, queries: list[str]) -> dict[str, Any]:
    """The share of a tokenizer's pieces of queries that are unknown, and how many queries it tells apart."""
    import tensorflow as tf

    nobody = tf.fill([len(queries)], "")
    read = context(tf.constant(queries), nobody, tf.zeros([len(queries), 0], tf.string)).query
    pieces = tokenizer.pieces(read, 64)
    unknown = [place for place, piece in enumerate(tokenizer.vocabulary) if piece in ("[UNK]", "<unk>")]
    return {
        "unknown": float(np.isin(pieces.values.numpy(), unknown).mean()),
        "distinct_pieces": len({tuple(row) for row in pieces.to_list()}),
        "readings": len(set(read.numpy().tolist())),
        "queries": len(set(queries)),
    }


def reciprocal_rank(scores: npt.NDArray[np.floating[Any]], wanted: npt.NDArray[np.int64]) -> float:
    """The mean reciprocal rank of the wanted items, [q], by scores, [q, n]; of those alike half stand before."""
    own = np.take_along_axis(scores, wanted[:, None], 1)
    alike = np.isclose(scores, own, rtol=0, atol=1e-6)
    rank = 1 + ((scores > own) & ~alike).sum(1) + (alike.sum(1) - 1) / 2
    return float((1 / rank).mean())


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    return "\n".join(
        (
            "| MRR by words | by meaning | as served | unknown pieces | distinct readings |",
            "|---|---|---|---|---|",
            f"| {found['words']:.4f} | {found['meaning']:.4f} | {found['mrr']:.4f} | {found['unknown']:.1%} | "
            f"{found['readings']:,} of {found['queries']:,} |",
        )
    )


if __name__ == "__main__":
    main()
