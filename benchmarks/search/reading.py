"""What BERT's reading costs in other forms than the served one, which the search waits for with each query.

    python -m benchmarks.search.reading --source ../shared/data/search-relevance [--results docs/experiments.md]

Every form reads the same texts by the same weights, in a process of its own: queries one by one, as they come to a
server, and titles by batches, as when a model is made. How far its sentence vectors are from those of the first form is
told by the least cosine among them.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.shared.command import Command, Figure, in_fresh_process
from benchmarks.shared.results import table

TITLES, BATCH, LIMIT = 2_000, 64, 64
STEP = 8
"""XLA compiles for each length: texts are padded to multiples of this."""


@dataclasses.dataclass(frozen=True)
class Form:
    """A way to read.

    Attributes:
        name: in the table.
        sorted: whether batches are of texts of alike lengths.
        whole: whether every text is padded to LIMIT.
        bfloat16: whether layers compute in bfloat16.
        xla: whether it is compiled by XLA.
        onednn: whether TensorFlow uses oneDNN's kernels.
    """

    name: str
    sorted: bool = True
    whole: bool = False
    bfloat16: bool = False
    xla: bool = False
    onednn: bool = False


FORMS = (
    Form("float32, alike lengths together (as served)"),
    Form("batches in the order given", sorted=False),
    Form("every text padded to 64 pieces", sorted=False, whole=True),
    Form("bfloat16", bfloat16=True),
    Form("XLA, lengths in steps of 8", xla=True),
    Form("oneDNN's kernels", onednn=True),
    Form("oneDNN's kernels, bfloat16", onednn=True, bfloat16=True),
)


FIGURES = (
    Figure("query_ms", lambda found: found["rows"][0]["query_ms"]),
    Figure("titles_s", lambda found: found["rows"][0]["titles_s"]),
    Figure("least_cosine", lambda found: min(row["cosine"] for row in found["rows"]), least=0.999),
)
"""The form that is served, and how far the others read from it."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="judged searches")
    command.add_argument("--rounds", type=int, default=3, help="every query once a round (default 3)")
    command.run(lambda told, _: measure(told.source, told.rounds), {"reading": markdown})


def measure(source: pathlib.Path, rounds: int) -> dict[str, Any]:
    """A row for each form; see `markdown` for the shape."""
    rows, first = [], None
    for form in FORMS:
        row, vectors = in_fresh_process(read, form, source, rounds)
        first = vectors if first is None else first
        rows.append({"name": form.name, **row, "cosine": float((vectors * first).sum(1).min())})
        print(rows[-1], flush=True)
    return {"rows": rows}


def read(form: Form, source: pathlib.Path, rounds: int) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
    """The form's figures (see `markdown`), and the sentence vectors of the titles: float32 [TITLES, width]."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(form.onednn))
    import polars as pl
    import tensorflow as tf

    if form.bfloat16:
        tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    queries = pl.read_csv(source / "judgements.csv")["query"].unique(maintain_order=True).to_list()
    titles = pl.read_csv(source / "items.csv")["title"].drop_nulls().head(TITLES).to_list()
    reader = _reader(form)
    started = time.perf_counter()
    for query in queries:
        reader([query])  # Traces, or compiles, each shape.
    compiled = time.perf_counter() - started
    seconds = []
    for query in queries * rounds:
        started = time.perf_counter()
        reader([query])
        seconds.append(time.perf_counter() - started)
    order = (
        sorted(range(len(titles)), key=lambda row: len(titles[row])) if form.sorted else range(len(titles))
    )
    batches = [list(order)[start : start + BATCH] for start in range(0, len(titles), BATCH)]
    found = np.empty([len(titles), reader([""]).shape[1]], np.float32)
    spent = []
    for _ in range(2):  # The first traces.
        started = time.perf_counter()
        for rows in batches:
            found[rows] = reader([titles[row] for row in rows])
        spent.append(time.perf_counter() - started)
    return {
        "query_ms": float(np.median(seconds) * 1e3),
        "titles_s": spent[-1],
        "first_s": compiled,
    }, found


def _reader(form: Form) -> Any:
    """Texts to unit vectors, as `SentenceEncoder` reads them."""
    import tensorflow as tf

    from aisle.model.text.bert import Tokenizer, load_bert
    from aisle.schema.bert.weights import bert_folder

    folder = bert_folder()
    tokenizer, bert = Tokenizer(folder), load_bert(folder)
    spec = tf.TensorSpec([None, None], tf.int32)

    def mean(ids: tf.Tensor, types: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        hidden = bert(
            input_ids=ids, token_type_ids=types, attention_mask=mask, training=False
        ).last_hidden_state
        there = tf.cast(mask, tf.float32)[:, :, None]
        return tf.math.l2_normalize(tf.reduce_sum(tf.cast(hidden, tf.float32) * there, 1), 1)

    function = (
        tf.function(mean, jit_compile=True) if form.xla else tf.function(mean, input_signature=[spec] * 3)
    )
    tokenize = tf.function(
        lambda text: tokenizer.inputs(tokenizer.pieces(text, LIMIT - 2)),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )

    def read(texts: list[str]) -> npt.NDArray[np.float32]:
        inputs = tokenize(tf.constant(texts))
        length = inputs["input_ids"].shape[1]
        target = LIMIT if form.whole else -(-length // STEP) * STEP if form.xla else length
        names = ("input_ids", "token_type_ids", "attention_mask")
        padded = [tf.pad(inputs[name], [[0, 0], [0, target - length]]) for name in names]
        return np.asarray(function(*padded).numpy())

    return read


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    head = ["", "one query, ms (p50)", f"{TITLES:,} titles, s", "tracing or compiling for the queries, s"]
    rows = (
        (
            row["name"],
            f"{row['query_ms']:.2f}",
            f"{row['titles_s']:.1f}",
            f"{row['first_s']:.1f}",
            f"{row['cosine']:.4f}",
        )
        for row in found["rows"]
    )
    return table([*head, "least cosine"], rows)


if __name__ == "__main__":
    main()
