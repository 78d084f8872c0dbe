"""The serving contract: the model's name, its signatures and their tensors.

One SavedModel answers all of them; see docs/serving.md. Dtypes are named as NumPy names them
(`bytes` is a TensorFlow string), shapes by letters: b requests, k answers, h history items, r recent events,
m items or brands, n examples, c facet values, p parts of a score, q words of the query,
s sources of candidates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

MODEL_NAME = "aisle"
"""The name TF Serving knows the model by, and the folder its versions lie in."""

EXTRA_FOLDER = "assets.extra"
"""In a SavedModel's folder: files beside the graph, which servers leave alone unless they know their names."""
WARMUP_FILE = "tf_serving_warmup_requests"
"""In `EXTRA_FOLDER`: requests that a server answers by itself before it shows a version."""
INDEX_FILE = "index.json"
"""In the model's `assets.extra`: which indexes it has, and what they find of what there is."""
DOMAINS_FILE = "domains.json"
"""In the model's `assets.extra`, of a shop of several domains: how much each says of each other one."""
PICTURES_FILE = "pictures.json"
"""In the model's `assets.extra`, of a shop with pictures: how much they count in what is similar, and by what."""
TAUGHT_FILE = "taught.npz"
"""In the model's `assets.extra`: what the shop teaches another one, weights and statistics without an id."""
ENCODER_FOLDER = "encoder"
"""In `EXTRA_FOLDER`: what the model's text encoder needs besides its weights, for another shop."""
TRANSFER_FILE = "transfer.json"
"""In the `assets.extra` of a model that began with another shop's: which of its parts are on, and what they won."""
TITLES_FILE = "titles.json"
"""In the model's `assets.extra`: the titles of its items by their ids, for whoever has the folder."""

ITEM_IDS = "item_ids"
SCORES = "scores"
TITLE_TEXTS = "titles"
CUT_OFF = "cut_off"
CATEGORY_FACETS, CATEGORY_COUNTS = "category_facets", "category_counts"
BRAND_FACETS, BRAND_COUNTS = "brand_facets", "brand_counts"
PARTS, CONTRIBUTIONS = "parts", "contributions"
WORDS, WORD_CONTRIBUTIONS, MATCHED_WORDS = "words", "word_contributions", "matched_words"
SOURCES, SOURCE_RANKS = "sources", "source_ranks"
KNOWN, PRICES, SOLD_OUT, CATEGORIES, BRANDS = "known", "prices", "sold_out", "categories", "brands"
AS_OF = "as_of"
WORD_PARTS = ("words", "weakest")
"""The parts of a score that the query's words bring, each its own share."""


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a signature: its name, dtype and shape ("" is a scalar).

    An `optional` input may be left out of a request: the model has a default for it, `empty`.
    """

    name: str
    dtype: str
    shape: str
    optional: bool = False

    @property
    def empty(self) -> np.ndarray:
        """One row of nothing, or of 0 where it is one number; the row is every request's: [1] or [1, 0]."""
        shape = (1, *(0 for _ in self.shape.split(",")[1:]))
        return np.zeros(shape, "S1" if self.dtype == "bytes" else self.dtype)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A callable of the served model."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def required(self) -> tuple[Tensor, ...]:
        """The inputs that every request has."""
        return tuple(tensor for tensor in self.inputs if not tensor.optional)


RECENT_ITEMS, RECENT_EVENTS, RECENT_AGES, NOW = "recent_items", "recent_events", "recent_ages", "now"
RECENT = (
    Tensor(RECENT_ITEMS, "bytes", "b,r", optional=True),
    Tensor(RECENT_EVENTS, "bytes", "b,r", optional=True),
    Tensor(RECENT_AGES, "float32", "b,r", optional=True),
    Tensor(NOW, "float64", "b", optional=True),
)
"""What a user did of late, added to what the version knows: items, kinds of events, seconds before `now`, which is in seconds
since 1970. The version leaves out what it has learnt itself, by its cut-off; where `now` is 0 it can't."""
_LISTS = (Tensor(ITEM_IDS, "bytes", "b,k"), Tensor(SCORES, "float32", "b,k"))
_K = Tensor("k", "int32", "")
_RECOMMEND_INPUTS = (
    Tensor("user_id", "bytes", "b"),
    Tensor("history", "bytes", "b,h"),
    Tensor("exclude_seen", "bool", ""),
    _K,
    *RECENT,
)

SERVING_DEFAULT = Signature(
    "serving_default", (Tensor("examples", "bytes", "n"),), (Tensor(SCORES, "float32", "n"),)
)
SEARCH = Signature(
    "search", (Tensor("query", "bytes", "b"), Tensor("user_id", "bytes", "b"), _K, *RECENT), _LISTS
)
FILTERED_SEARCH = Signature(
    "filtered_search",
    (
        Tensor("query", "bytes", "b"),
        Tensor("user_id", "bytes", "b"),
        Tensor("category", "bytes", "b"),
        Tensor("brand", "bytes", "b,m"),
        Tensor("price_min", "float32", "b"),
        Tensor("price_max", "float32", "b"),
        Tensor("in_stock", "bool", ""),
        _K,
        *RECENT,
    ),
    (
        *_LISTS,
        Tensor(CATEGORY_FACETS, "bytes", "b,c"),
        Tensor(CATEGORY_COUNTS, "int32", "b,c"),
        Tensor(BRAND_FACETS, "bytes", "b,c"),
        Tensor(BRAND_COUNTS, "int32", "b,c"),
    ),
)
"""`search` among items that pass a filter, with facets; apart, since a server demands every input of a signature."""
RECOMMEND = Signature("recommend", _RECOMMEND_INPUTS, _LISTS)
RECOMMEND_WITHIN = Signature(
    "recommend_within",
    (*_RECOMMEND_INPUTS[:3], Tensor("domain", "bytes", "b"), *_RECOMMEND_INPUTS[3:]),
    _LISTS,
)
"""`recommend` among the items of a domain ("" is any). Only the model of a shop whose items name several domains has it."""
SIMILAR = Signature("similar", (Tensor("item_id", "bytes", "b"), _K, *RECENT), _LISTS)
_RANK_INPUTS = (
    Tensor("query", "bytes", "b"),
    Tensor("user_id", "bytes", "b"),
    Tensor("item_ids", "bytes", "b,m"),
    *RECENT,
)
RANK = Signature("rank", _RANK_INPUTS, (Tensor(SCORES, "float32", "b,m"),))
EXPLAIN = Signature(
    "explain",
    _RANK_INPUTS,
    (
        Tensor(SCORES, "float32", "b,m"),
        Tensor(PARTS, "bytes", "p"),
        Tensor(CONTRIBUTIONS, "float32", "b,m,p"),
        Tensor(WORDS, "bytes", "b,q"),
        Tensor(WORD_CONTRIBUTIONS, "float32", "b,m,q"),
        Tensor(MATCHED_WORDS, "bytes", "b,m,q"),
        Tensor(SOURCES, "bytes", "s"),
        Tensor(SOURCE_RANKS, "int32", "b,m,s"),
    ),
)
"""Why a search ranks items as it does: what adds up to each one's score; see docs/explaining.md."""
RETRIEVE = Signature("retrieve", _RECOMMEND_INPUTS, _LISTS)
"""`recommend` by the two-tower alone, without the ranking head: for evaluation and as a fallback."""
TITLES = Signature(
    "titles",
    (Tensor(ITEM_IDS, "bytes", "b,m"),),
    (Tensor(TITLE_TEXTS, "bytes", "b,m"), Tensor(CUT_OFF, "int64", "b")),
)
"""What a version tells of itself: the titles of items, "" of unknown ones, and its cut-off, the time (microseconds since 1970,
the same in each row) up to which it has learnt all events. Optional: a model that was pushed by an older version has no such
signature, or one without the cut-off."""
FACTS = Signature(
    "facts",
    (Tensor(ITEM_IDS, "bytes", "b,m"),),
    (
        Tensor(KNOWN, "bool", "b,m"),
        Tensor(PRICES, "float32", "b,m"),
        Tensor(SOLD_OUT, "bool", "b,m"),
        Tensor(CATEGORIES, "bytes", "b,m"),
        Tensor(BRANDS, "bytes", "b,m"),
        Tensor(AS_OF, "int64", ""),
    ),
)
"""What a version knows of items that filters go by (NaN and "" where unknown), and the moment that it knows the shop as
of, in microseconds UTC: what changed since is the caller's to know. Optional, as `titles` is."""
SENTIMENT = Signature("sentiment", (Tensor("text", "bytes", "b"),), (Tensor(SCORES, "float32", "b"),))
"""How likely a review is a good one by its words, between 0 and 1. Only where the shop has enough reviews to learn that of."""

SIMILAR_BY_IMAGE = Signature("similar_by_image", (Tensor("image", "bytes", "b"), _K), _LISTS)
"""The items whose pictures are most like a given one: the bytes of a JPEG or PNG. Only where the shop has pictures."""

SIGNATURES: tuple[Signature, ...] = (
    SERVING_DEFAULT,
    SEARCH,
    FILTERED_SEARCH,
    RECOMMEND,
    RECOMMEND_WITHIN,
    SIMILAR,
    RANK,
    EXPLAIN,
    RETRIEVE,
    TITLES,
    FACTS,
    SENTIMENT,
    SIMILAR_BY_IMAGE,
)


def with_defaults(signature: Signature, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, with `empty` for each optional one that is left out: a SavedModel called in Python needs them all."""
    return {tensor.name: tensor.empty for tensor in signature.inputs if tensor.optional} | dict(inputs)
