"""The serving contract: the model's name, its signatures and their tensors.

One SavedModel answers all of them; see docs/serving.md. Dtypes are named as NumPy names them
(`bytes` is a TensorFlow string), shapes by letters: b requests, k answers, h history items,
m items or brands, n examples, c facet values, p parts of a score, q words of the query,
s sources of candidates.
"""

from __future__ import annotations

import dataclasses

MODEL_NAME = "aisle"
"""The name TF Serving knows the model by, and the folder its versions lie in."""

EXTRA_FOLDER = "assets.extra"
"""In a SavedModel's folder: files beside the graph, which servers leave alone unless they know their names."""
WARMUP_FILE = "tf_serving_warmup_requests"
"""In `EXTRA_FOLDER`: requests that a server answers by itself before it shows a version."""
INDEX_FILE = "index.json"
"""In the model's `assets.extra`: which indexes it has, and what they find of what there is."""
TITLES_FILE = "titles.json"
"""In the model's `assets.extra`: the titles of its items by their ids, for whoever has the folder."""

ITEM_IDS = "item_ids"
SCORES = "scores"
TITLE_TEXTS = "titles"
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
    """An input or output of a signature: its name, dtype and shape ("" is a scalar)."""

    name: str
    dtype: str
    shape: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """A callable of the served model."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


_LISTS = (Tensor(ITEM_IDS, "bytes", "b,k"), Tensor(SCORES, "float32", "b,k"))
_K = Tensor("k", "int32", "")
_RECOMMEND_INPUTS = (
    Tensor("user_id", "bytes", "b"),
    Tensor("history", "bytes", "b,h"),
    Tensor("exclude_seen", "bool", ""),
    _K,
)

SERVING_DEFAULT = Signature(
    "serving_default", (Tensor("examples", "bytes", "n"),), (Tensor(SCORES, "float32", "n"),)
)
SEARCH = Signature("search", (Tensor("query", "bytes", "b"), Tensor("user_id", "bytes", "b"), _K), _LISTS)
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
SIMILAR = Signature("similar", (Tensor("item_id", "bytes", "b"), _K), _LISTS)
_RANK_INPUTS = (
    Tensor("query", "bytes", "b"),
    Tensor("user_id", "bytes", "b"),
    Tensor("item_ids", "bytes", "b,m"),
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
TITLES = Signature("titles", (Tensor(ITEM_IDS, "bytes", "b,m"),), (Tensor(TITLE_TEXTS, "bytes", "b,m"),))
"""The titles of items, "" of unknown ones. Optional: a model that was pushed by an older version has no such signature."""
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

SIGNATURES: tuple[Signature, ...] = (
    SERVING_DEFAULT,
    SEARCH,
    FILTERED_SEARCH,
    RECOMMEND,
    SIMILAR,
    RANK,
    EXPLAIN,
    RETRIEVE,
    TITLES,
    FACTS,
)
