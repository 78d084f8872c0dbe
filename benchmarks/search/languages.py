"""Search in Chinese: known items of a marketplace's titles, and what is read of real queries.

    python -m benchmarks.search.languages --check --source ../shared/data [--results docs/results.md]

Each of 1,500 queries is two words of one title, which is to be found among all: the mean reciprocal rank (a tie counts
half) by words alone, by meaning alone and as the served model blends them, nothing trained. Several titles may hold
both words: `chance` is what a search reaches that finds just these, and can't tell them apart. The encoder is
multilingual-e5-small, pruned to the titles' pieces (the extra `multilingual`), or the one that AISLE_BERT names.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.search.served_search import make_retriever, title_tower
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

_BATCH = 50

FIGURES = (
    Figure("mrr", lambda found: found["mrr"], least=0.975),
    Figure("words", lambda found: found["words"]),
    Figure("chance", lambda found: found["chance"]),
    Figure("unknown", lambda found: found["unknown"], most=0.01),
    Figure("readings", lambda found: found["readings"], least=1_000),
)
"""As served, by words alone, and of the real queries the share of unknown pieces and how many are told apart."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="the data sets")
    command.run(lambda told, scratch: measure(told.source / "zh-search", scratch), {"languages": markdown})


def measure(source: pathlib.Path, scratch: pathlib.Path) -> dict[str, Any]:
    """The figures of a folder `zh-search`; see `markdown`."""
    import polars as pl

    from aisle.model.text.bert import Tokenizer
    from aisle.schema.bert.weights import bert_folder

    items, known = (pl.read_csv(source / name) for name in ("items.csv", "known_items.csv"))
    ids, titles, queries = items["item_id"].to_list(), items["title"].to_list(), known["query"].to_list()
    if "AISLE_BERT" not in os.environ:
        os.environ["AISLE_BERT"] = _prepared(titles, scratch / "bert")
    retriever, _ = make_retriever(ids, titles, title_tower(ids, titles))
    place = {item: row for row, item in enumerate(ids)}
    wanted = np.array([place[item] for item in known["item_id"]])
    scores = _scores(retriever, queries)
    real = (source / "taobao_queries.txt").read_text(encoding="utf-8").splitlines()
    return {
        **{name: reciprocal_rank(found, wanted) for name, found in scores.items()},
        "chance": chance(titles, queries, wanted.tolist()),
        **readings(Tokenizer(bert_folder()), retriever.context, real),
    }


def _prepared(titles: Sequence[str], folder: pathlib.Path) -> str:
    """Writes the multilingual encoder with the titles' pieces, and returns where."""
    from aisle.model.text.multilingual import prepare

    prepare(str(folder), titles)
    return str(folder)


def _scores(retriever: Any, queries: Sequence[str]) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """Every item's scores for each query: by `words`, by `meaning`, and as served (`mrr`), float32 [q, n] each."""
    import tensorflow as tf

    from aisle.model.retrieval.sources import offers

    parts: dict[str, list[npt.NDArray[np.floating[Any]]]] = {"words": [], "meaning": [], "mrr": []}
    for start in range(0, len(queries), _BATCH):
        asked = queries[start : start + _BATCH]
        context = _context(retriever, asked)
        nothing = tf.zeros([len(asked), retriever.count], tf.bool)
        parts["words"].append(context.scores["lexical"].numpy())
        parts["meaning"].append(context.vectors["dense"].numpy() @ retriever.tower.text_embeddings.numpy().T)
        parts["mrr"].append(retriever.blend(context, offers("search"), nothing).numpy())
    return {name: np.concatenate(found) for name, found in parts.items()}


def _context(retriever: Any, queries: Sequence[str]) -> Any:
    """What the retriever says of queries that nobody in particular asks."""
    import tensorflow as tf

    nobody, no_history = tf.fill([len(queries)], ""), tf.zeros([len(queries), 0], tf.string)
    return retriever.context(tf.constant(queries), nobody, no_history)


def readings(tokenizer: Any, context: Any, queries: list[str]) -> dict[str, Any]:
    """The share of a tokenizer's pieces of queries that are unknown, and how many queries it tells apart."""
    import tensorflow as tf

    nobody = tf.fill([len(queries)], "")
    read = context(tf.constant(queries), nobody, tf.zeros([len(queries), 0], tf.string)).query
    pieces = tokenizer.pieces(read, 64)
    return {
        "unknown": float((pieces.values.numpy() == tokenizer.unknown).mean()),
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


def chance(titles: Sequence[str], queries: Sequence[str], wanted: Sequence[int]) -> float:
    """The mean reciprocal rank where all titles that hold both words of a query come first, by chance.

    Where a query may be parted into two words of its title in several ways, the one counts that the fewest titles hold.

    Args:
        titles: of the catalogue.
        queries: two words each, with nothing between them.
        wanted: the row of the title that each was made of.
    """
    texts = [title.lower() for title in titles]
    found = []
    for query, row in zip((query.lower() for query in queries), wanted, strict=True):
        parted = [(query[:place], query[place:]) for place in range(1, len(query))]
        held = [
            sum(one in text and other in text for text in texts)
            for one, other in parted
            if one in texts[row] and other in texts[row]
        ]
        count = min(held, default=1)
        found.append(sum(1 / rank for rank in range(1, count + 1)) / count)
    return float(np.mean(found))


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    head = ("MRR by words", "by meaning", "as served", "by chance among titles with both words")
    cells = [f"{found[name]:.4f}" for name in ("words", "meaning", "mrr", "chance")]
    read = (f"{found['unknown']:.2%}", f"{found['readings']:,} of {found['queries']:,}")
    return table((*head, "unknown pieces", "distinct readings"), [(*cells, *read)])


if __name__ == "__main__":
    main()
