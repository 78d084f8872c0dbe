"""Makes the served model of what was trained, and writes it as of some moments."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import polars as pl
import pyarrow as pa
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.retrieval.domains.lent import lent_by, shelf_of
from aisle.model.retrieval.index_choice import choose_indexes
from aisle.model.retrieval.item_table import item_table
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import vector_sources
from aisle.model.retrieval.state import State, learnt_domains, make_state
from aisle.model.retrieval.tower import held_out, served
from aisle.model.reviews.sentiment import Sentiment, learn
from aisle.model.served.bundle import Bundle
from aisle.model.served.lean_graph import make_lean
from aisle.model.served.looks import Looks, looks_of
from aisle.model.served.saved_again import save_again
from aisle.model.served.teaching import write_teaching
from aisle.model.served.warmup import write_warmup
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lent import write_beside
from aisle.model.text.lexical.index import TextSearch
from aisle.schema import contract
from aisle.schema.bert.weights import bert_folder


def make_bundles(
    two_tower: str,
    ranking: str,
    bert: str,
    tables: dict[str, pa.Table],
    moments: dict[str, int],
    options: BundleOptions,
    taught: str = "",
) -> None:
    """Writes the served model as of some moments; its graph, which takes most of the time, is traced once.

    Args:
        two_tower: folder of the exported two-tower.
        ranking: folder of the exported ranking head.
        bert: a BERT folder, "" for the installed one.
        tables: the Labeler's tables by name; of reviews the `text` and whether they are `good`, where there are enough; and
            `pictures`, where there are any: `item_id`, `features`.
        moments: of the shop's state, microseconds UTC, by the folder that its SavedModel goes to; `TITLES_FILE` in its
            `assets.extra` maps ids to titles, `assets.extra/index.json` tells what the indexes find, and there are
            warm-up requests (see `warmup`). `TAUGHT_FILE` holds what the shop teaches others, and `TRANSFER_FILE` which
            parts of another shop's are on, where it began with one; `ENCODER_FOLDER` what the text encoder needs besides
            the weights, which the model has.
        options: of the served model.
        taught: the file of what another shop teaches; "" is none.
    """
    bert = bert or bert_folder()
    loaded, ranker = tf.saved_model.load(two_tower), tf.saved_model.load(ranking)
    frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in tables.items()}
    ids = [item.decode() for item in loaded.item_ids.numpy()]
    looks, of_pictures = _looks(loaded, frames, ids, options.picture_weight)
    tower = served(loaded)
    table = item_table(tower, frames["items"])
    # As of the earliest: what is tested knows nothing of its test.
    lent, gains = lent_by(taught, tower, table, bert, frames["interactions"])
    domains = learnt_domains(frames["items"], frames["interactions"], ids, min(moments.values()))

    known = (sorted(set(frames["interactions"]["user_id"]) - {""}), frames["tags"], domains, lent)

    def state(now: int) -> State:
        texts = tower.text_embeddings
        return make_state(frames["interactions"], frames["users"], ids, now, *known, texts=texts)

    text = TextSearch(Tokenizer(bert), table.titles, table.descriptions, ids)
    latest = state(max(moments.values()))
    retriever = Retriever(tower, text, table.prices, latest, moves=len(moments) > 1)
    index = choose_indexes(retriever, sorted(latest.known()), frames, options.exact_items)
    of_reviews = _of_reviews(frames.get(contract.SENTIMENT.name))
    bundle = Bundle(retriever, ranker, table, options, of_reviews, looks)

    def move_to(now: int) -> None:
        if len(moments) > 1:
            retriever.move_to(state(now))
        bundle.item_facts.move_to(now)

    titles = dict(zip(ids, table.titles, strict=True))
    for folder in _saved(bundle, moments, move_to):
        _write_beside(folder, titles, index, domains.figures(), of_pictures)
        write_warmup(folder, frames, ids, table.titles)
    write_teaching(moments, ranking, shelf_of(tower, table, bert), frames["interactions"], ids, gains)
    write_beside(moments, bert)


def _saved(bundle: Bundle, moments: dict[str, int], move_to: Callable[[int], None]) -> Iterator[str]:
    """Saves the bundle as of each moment, and yields the folder; only the first is traced."""
    saved = ""
    for folder, now in moments.items():
        move_to(now)
        if saved:
            save_again(bundle, saved, folder)
        else:
            bundle.save(folder)
            make_lean(folder)
            saved = folder
        yield folder


def _of_reviews(known: pl.DataFrame | None) -> Sentiment | None:
    """The sentiment by characters, which needs no encoder; None where there is nothing to learn it of."""
    return learn(known["text"].to_list(), known["good"].to_numpy()).alone if known is not None else None


def _looks(
    loaded: Any, frames: dict[str, pl.DataFrame], ids: list[str], weight: float | None
) -> tuple[Looks | None, dict[str, Any]]:
    """What items look like, and what is to be said of it; nothing of a shop without pictures."""
    sources = vector_sources() if "pictures" in frames else []
    # What chooses by the validation window must not have seen it.
    others = [getattr(held_out(loaded), source.items).numpy() for source in sources]
    found = looks_of(frames, ids, others, weight)
    return (found[0], found[1].figures()) if found else (None, {})


def _write_beside(
    folder: str,
    titles: dict[str, str],
    index: dict[str, Any],
    directions: list[dict[str, Any]],
    of_pictures: dict[str, Any],
) -> None:
    """Writes what a model says of itself without being asked."""
    extra = os.path.join(folder, contract.EXTRA_FOLDER)
    tf.io.gfile.makedirs(extra)
    files: dict[str, Any] = {contract.TITLES_FILE: titles, contract.INDEX_FILE: index}
    if directions:
        files[contract.DOMAINS_FILE] = directions
    if of_pictures:
        files[contract.PICTURES_FILE] = of_pictures
    for name, values in files.items():
        with tf.io.gfile.GFile(os.path.join(extra, name), "w") as file:
            file.write(json.dumps(values, ensure_ascii=False))
