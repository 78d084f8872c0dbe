"""Writes a real SavedModel of four items that answers every signature of the contract.

    python tests/serving/tiny_model.py FOLDER

writes two versions of it to FOLDER/aisle and their labels to FOLDER/models.config, which a TF Serving can serve.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Collection

import tensorflow as tf

from aisle.model.served.saving.optional_inputs import write_defaults
from aisle.schema.contract import RECENT

CUT_OFF = 1_700_000_000_000_000
TITLES = {"a": "red shirt", "b": "blue shirt", "c": "green hat", "d": "shoe"}


def _strings(*shape: int | None, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.string, name)


_K = tf.TensorSpec([], tf.int32, "k")
_RECENT = [
    tf.TensorSpec(
        [None] * len(tensor.shape.split(",")),
        tf.string if tensor.dtype == "bytes" else tensor.dtype,
        tensor.name,
    )
    for tensor in RECENT
]
_HISTORY = [
    _strings(None, name="user_id"),
    _strings(None, None, name="history"),
    tf.TensorSpec([], tf.bool, "exclude_seen"),
    _K,
    *_RECENT,
]


def _price(examples: tf.Tensor) -> tf.Tensor:
    """The feature `price` of serialized examples, 0 where it is missing: float32 [n]."""
    return tf.io.parse_example(examples, {"price": tf.io.FixedLenFeature([], tf.float32, 0.0)})["price"]


def _calm(text: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(text, "!", "")


class TinyModel(tf.Module):
    """Lists the items in their order, best first, with scores 4, 3, 2, 1 times `factor`, and one more a recent event."""

    def __init__(self, factor: float, titles: dict[str, str]) -> None:
        super().__init__()
        self.ids = tf.constant(list(titles))
        names = tf.lookup.KeyValueTensorInitializer(self.ids, tf.constant(list(titles.values())))
        self.names = tf.lookup.StaticHashTable(names, "")
        self.values = tf.constant([4.0, 3.0, 2.0, 1.0]) * factor

    def _list(self, rows: tf.Tensor, k: tf.Tensor, recent: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        tf.debugging.assert_non_negative(k, "k is negative")
        b = tf.size(rows)
        more = tf.math.count_nonzero(recent[0] != "", 1, keepdims=True, dtype=tf.float32)
        ids, values = tf.tile(self.ids[None, :k], [b, 1]), tf.tile(self.values[None, :k], [b, 1]) + more
        empty = [[0, 0], [0, tf.maximum(k, 4) - 4]]
        return {
            "item_ids": tf.pad(ids, empty, constant_values=""),
            "scores": tf.pad(values, empty, constant_values=float("-inf")),
        }

    @tf.function(input_signature=[_strings(None, name="examples")])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": _price(examples)}

    @tf.function(input_signature=[_strings(None, name="query"), _strings(None, name="user_id"), _K, *_RECENT])
    def search(
        self, query: tf.Tensor, user_id: tf.Tensor, k: tf.Tensor, *recent: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return self._list(query, k, recent)

    @tf.function(
        input_signature=[
            _strings(None, name="query"),
            _strings(None, name="user_id"),
            _strings(None, name="category"),
            _strings(None, None, name="brand"),
            tf.TensorSpec([None], tf.float32, "price_min"),
            tf.TensorSpec([None], tf.float32, "price_max"),
            tf.TensorSpec([], tf.bool, "in_stock"),
            _K,
            *_RECENT,
        ]
    )
    def filtered_search(
        self,
        query: tf.Tensor,
        user_id: tf.Tensor,
        category: tf.Tensor,
        brand: tf.Tensor,
        price_min: tf.Tensor,
        price_max: tf.Tensor,
        in_stock: tf.Tensor,
        k: tf.Tensor,
        *recent: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Its facets tell what was asked; nobody asks of it what is in no category."""
        prices = tf.strings.as_string(tf.stack([price_min, price_max], 1), precision=2)
        asked = tf.concat([brand, prices, tf.strings.as_string(in_stock)[None, None]], 1)
        return {
            **self._list(query, k, recent),
            "category_facets": tf.stack([category, tf.zeros_like(category)], 1),
            "category_counts": tf.constant([[3, 0]]),
            "brand_facets": asked,
            "brand_counts": tf.ones_like(asked, tf.int32),
        }

    @tf.function(input_signature=_HISTORY)
    def recommend(
        self,
        user_id: tf.Tensor,
        history: tf.Tensor,
        exclude_seen: tf.Tensor,
        k: tf.Tensor,
        *recent: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        return self._list(user_id, k, recent)

    @tf.function(input_signature=[*_HISTORY[:3], _strings(None, name="domain"), *_HISTORY[3:]])
    def recommend_within(
        self,
        user_id: tf.Tensor,
        history: tf.Tensor,
        exclude_seen: tf.Tensor,
        domain: tf.Tensor,
        k: tf.Tensor,
        *recent: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Its domain has as many items as its name has letters."""
        answer = self._list(user_id, k, recent)
        beyond = tf.range(tf.shape(answer["scores"])[1]) >= tf.strings.length(domain)[:, None]
        return {
            "item_ids": tf.where(beyond, "", answer["item_ids"]),
            "scores": tf.where(beyond, float("-inf"), answer["scores"]),
        }

    @tf.function(input_signature=[_strings(None, name="item_id"), _K, *_RECENT])
    def similar(self, item_id: tf.Tensor, k: tf.Tensor, *recent: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._list(item_id, k, recent)

    @tf.function(
        input_signature=[
            _strings(None, name="query"),
            _strings(None, name="user_id"),
            _strings(None, None, name="item_ids"),
            *_RECENT,
        ]
    )
    def rank(
        self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor, *recent: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return {"scores": tf.cast(tf.strings.length(item_ids), tf.float32)}

    @tf.function(input_signature=[_strings(None, None, name="item_ids")])
    def titles(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "titles": self.names.lookup(item_ids),
            "cut_off": tf.fill([tf.shape(item_ids)[0]], tf.constant(CUT_OFF, tf.int64)),
        }

    @tf.function(input_signature=[_strings(None, None, name="item_ids")])
    def facts(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """Each costs 3, is sold out where its title is short, and is of a category and a brand called as it is."""
        titles = self.names.lookup(item_ids)
        known = titles != ""
        return {
            "known": known,
            "prices": tf.where(known, 3.0, float("nan")),
            "sold_out": known & (tf.strings.length(titles) < 5),
            "categories": titles,
            "brands": titles,
            "as_of": tf.constant(1_700_000_000_000_000, tf.int64),
        }

    @tf.function(input_signature=[_strings(None, name="image"), _K])
    def similar_by_image(self, image: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._list(image, k, (image[:, None][:, :0],))

    @tf.function(input_signature=[_strings(None, name="text")])
    def sentiment(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The more exclamation marks, the better."""
        return {
            "scores": 1 - 0.5 ** tf.cast(tf.strings.length(text) - tf.strings.length(_calm(text)), tf.float32)
        }

    @tf.function(
        input_signature=[
            _strings(None, name="query"),
            _strings(None, name="user_id"),
            _strings(None, None, name="item_ids"),
            *_RECENT,
        ]
    )
    def explain(
        self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor, *recent: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """One word, which every item's id meets; 2.5 of it and -0.5 of a number make 2."""
        scores = tf.fill(tf.shape(item_ids), 2.0)
        return {
            "scores": scores,
            "parts": tf.constant(["words", "weakest", "feature.price"]),
            "contributions": tf.stack([scores * 0.5, scores * 0.75, scores * -0.25], -1),
            "words": query[:, None],
            "word_contributions": scores[..., None] * 1.25,
            "matched_words": item_ids[..., None],
            "sources": tf.constant(["dense", "lexical"]),
            "source_ranks": tf.tile(tf.constant([[[3, 0]]]), [1, tf.shape(item_ids)[1], 1]),
        }


def save_tiny_model(
    folder: pathlib.Path, factor: float = 1.0, titles: dict[str, str] = TITLES, without: Collection[str] = ()
) -> None:
    """Writes the model and its `assets.extra/titles.json`.

    Args:
        folder: of the version.
        factor: of the scores.
        titles: of its items, by their ids.
        without: signatures that it lacks.
    """
    model = TinyModel(factor, titles)
    names = (
        "serving_default",
        "search",
        "filtered_search",
        "recommend",
        "recommend_within",
        "similar",
        "rank",
        "explain",
        "titles",
        "facts",
        "sentiment",
        "similar_by_image",
    )
    signatures = {name: getattr(model, name) for name in names} | {"retrieve": model.recommend}
    signatures = {name: function for name, function in signatures.items() if name not in without}
    tf.saved_model.save(model, str(folder), signatures=signatures)
    write_defaults(str(folder))
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "titles.json").write_text(json.dumps(titles))


def save_versions(folder: pathlib.Path) -> pathlib.Path:
    """Writes versions 9, labelled stable, whose scores are doubled, and 10; returns the folder that holds them."""
    from aisle.serving.releases.pushed import promote

    base = folder / "aisle"
    save_tiny_model(base / "9", factor=2.0)
    save_tiny_model(base / "10")
    promote(base, 9, "stable")
    return base


if __name__ == "__main__":
    save_versions(pathlib.Path(sys.argv[1]))
