"""What two-tower training, Candidates and Bundle read, of a shop of any size, without the steps before the Labeler.

Events are drawn clean (`many_events`) and labelled by the Labeler's own work. TF-Transform's graph is that of a small shop with
the vocabularies of the large one put in its place, and its examples are written here: the same ids, for a dozen columns.
"""

from __future__ import annotations

import functools
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data.many_events import write_shop

Vocabularies = dict[str, pa.Array]


def write_input(folder: pathlib.Path, events: int, items: int) -> dict[str, int]:
    """Writes `cleaned`, as the Cleaner does, `interactions`, as the Labeler does, and `examples` and `graph`, as Transform does.

    Args:
        folder: an empty one.
        events: about how many.
        items: how many.

    Returns:
        How many `events`, `interactions` and `queries` (of training and validation) there are.
    """
    from aisle.components.examples import write_example_pieces
    from aisle.components.labeler.options import LabelerOptions
    from aisle.components.labeler.parts.label import label_in_parts
    from aisle.components.labeler.parts.pieces import Pieces
    from aisle.components.labeler.storage import write_interactions

    drawn = write_shop(folder / "tables", events, items, dirt=0.0)
    options = LabelerOptions()
    tables = {name: pq.read_table(folder / "tables" / f"{name}.parquet") for name in ("items", "users")}
    (folder / "parts").mkdir()
    pieces = Pieces(drawn, functools.partial(_events, folder / "tables"), folder / "parts", options.part_rows)
    labelled = label_in_parts(tables, pieces, options)
    write_interactions(str(folder / "interactions"), labelled)
    queries = [(split, piece) for split, piece in labelled.example_pieces() if split in ("train", "eval")]
    shutil.rmtree(folder / "parts")
    write_cleaned(folder / "tables", folder / "cleaned")
    shutil.rmtree(folder / "tables")
    catalogue = labelled.examples["items"]
    known = _vocabularies(catalogue, [piece for _, piece in queries])
    _write_graph(folder, known)
    transformed = [
        ("items", _items(catalogue, known)),
        *((split, _queries(piece, known)) for split, piece in queries),
    ]
    write_example_pieces(artifact(folder / "examples"), transformed)
    interactions = pq.read_metadata(folder / "interactions" / "interactions.parquet").num_rows
    return {
        "events": drawn,
        "interactions": interactions,
        "queries": sum(piece.num_rows for _, piece in queries),
    }


def write_cleaned(drawn: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes tables of `many_events` as a Tables artifact. Args: `drawn`, `folder`: where they are, and are to be."""
    from aisle.components.tables import write_tables

    tables = {name: pq.read_table(drawn / f"{name}.parquet") for name in ("items", "users")}
    columns = pq.read_schema(min((drawn / "events").iterdir())).names
    write_tables(str(folder), tables, {"events": _events(drawn, columns)})


def write_head(folder: pathlib.Path) -> None:
    """Writes a ranking head that has learnt nothing, and draws the vectors of what it reads of titles.

    Args:
        folder: of the Model artifact.
    """
    import tensorflow as tf

    from aisle.model.options import RankingOptions
    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.numbers import Ensemble, FeatureHead
    from aisle.model.ranking.reading.late_interaction import LateInteraction
    from aisle.model.ranking.reading.text_head import RankingHead
    from aisle.model.retrieval.features import CANDIDATE_FEATURES
    from aisle.model.text.bert import Tokenizer, load_bert
    from aisle.schema.bert.weights import bert_folder

    class Drawn(RankingModule):
        def _read_title(self, title: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            pieces = self.tokenizer.pieces(title, options.title_pieces)
            many = 1 + tf.cast(pieces.row_lengths(), tf.int32)
            shape = [tf.size(title), tf.reduce_max(many), options.word_width]
            return tf.math.l2_normalize(tf.random.normal(shape, seed=1), -1), many

    options, bert, count = RankingOptions(), bert_folder(), len(CANDIDATE_FEATURES)
    features = Ensemble([FeatureHead(np.zeros([count, 2]))])
    features(tf.zeros([1, count]))  # Its weights are made when it is asked.
    reader = LateInteraction(load_bert(bert), Tokenizer(bert), options.word_width)
    reader.fit_projection(tf.constant(["red mug"]))
    head = RankingHead(reader, features, clicked=True)
    module = Drawn(features, head, options, Labels(search=True, conversion=True), reads_history=False)
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures={"serving_default": module.serve})


def artifact(folder: pathlib.Path) -> Any:
    """An Examples artifact that lies in a folder."""
    from tfx.types import standard_artifacts

    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    return examples


def _events(tables: pathlib.Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of the events, their time among them, as the Cleaner leaves them: times are microseconds."""
    for path in sorted((tables / "events").iterdir()):
        rows = pq.read_table(path, columns=[name for name in pq.read_schema(path).names if name in columns])
        place = rows.column_names.index("timestamp")
        yield rows.set_column(place, "timestamp", rows["timestamp"].cast(pa.int64()))


def _write_graph(folder: pathlib.Path, known: Vocabularies) -> None:
    """Transform's graph of a small simulated shop, with other vocabularies."""
    from aisle.datasets import simulator
    from benchmarks.shared.training import read_clean_label, transform

    small = folder / "small"
    options = simulator.SimulatorOptions(users=300, items=200, days=120, events=5_000)
    simulator.write(simulator.simulate(options), small / "shop")
    graph = transform(read_clean_label(small / "shop"), small)[1]
    shutil.move(graph, folder / "graph")
    shutil.rmtree(small)
    for name, values in known.items():
        path = folder / "graph" / "transform_fn" / "assets" / name
        path.write_text("".join(f"{value}\n" for value in values.to_pylist()), encoding="utf-8")


def _vocabularies(catalogue: pa.Table, queries: list[pa.Table]) -> Vocabularies:
    """The values of each vocabulary, the commonest first; users count from two queries on, as in `preprocessing_fn`."""

    def column(name: str) -> pa.Array:
        return pa.concat_arrays([pc.list_flatten(piece[name]).combine_chunks() for piece in queries])

    return {
        "items": _commonest(column("targets")),
        "users": _commonest(column("user_id"), least=2),
        "countries": _commonest(column("country")),
        "categories": _commonest(pc.list_flatten(catalogue["category"]).combine_chunks()),
        "brands": pa.array(["brand"]),
    }


def _commonest(values: pa.Array, least: int = 1) -> pa.Array:
    counted = pc.value_counts(values)
    counts = counted.field("counts").to_numpy()
    order = np.argsort(-counts, kind="stable")
    found = counted.field("values").take(pa.array(order[counts[order] >= least]))
    return found.filter(pc.not_equal(found, ""))


def _items(items: pa.Table, known: Vocabularies) -> pa.Table:
    many = items.num_rows
    return pa.table(
        {
            "item_id": _ids(items["item_id"], known["items"]),
            "category": _ids(items["category"], known["categories"]),
            "brand": _each(pa.array(np.full(many, len(known["brands"])))),
            "price": _standard(items["price"]),
            "item": items["item_id"],
            "title": items["title"],
            "description": _each(pa.array([""] * many)),
        }
    )


def _queries(queries: pa.Table, known: Vocabularies) -> pa.Table:
    names = {"user_id": "users", "country": "countries", "history": "items"}
    kept = ("history_age", "history_weight", "query", "query_age", "targets")
    return pa.table(
        {
            **{name: _ids(queries[name], known[vocabulary]) for name, vocabulary in names.items()},
            **{name: queries[name] for name in kept},
        }
    )


def _standard(prices: pa.ChunkedArray) -> pa.Array:
    """The logarithms of prices, of mean 0 and variance 1."""
    logged = np.log1p(pc.list_flatten(prices).to_numpy())
    return _each(pa.array(((logged - logged.mean()) / logged.std()).astype(np.float32)))


def _ids(column: pa.ChunkedArray, vocabulary: pa.Array) -> pa.Array:
    """Lists of texts as lists of their places in a vocabulary; its size stands for all others."""
    lists = column.combine_chunks()
    places = pc.index_in(lists.flatten().cast(vocabulary.type), value_set=vocabulary)
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pc.fill_null(places, len(vocabulary)).cast(pa.int64()))


def _each(values: pa.Array) -> pa.Array:
    """One value a list."""
    return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32)), values)
