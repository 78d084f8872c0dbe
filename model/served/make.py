"""Makes the served model of what was trained, and writes it as of some moments."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import polars as pl
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.retrieval.index_choice import choose_indexes
from aisle.model.retrieval.item_table import ItemTable, table_of
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import vector_sources
from aisle.model.retrieval.tower import catalogue_of, load_served, vectors_of
from aisle.model.reviews.sentiment import Sentiment, learn
from aisle.model.served.bundle import Bundle
from aisle.model.served.looks import Looks, looks_of
from aisle.model.served.saving.lean_graph import make_lean
from aisle.model.served.saving.parts import let_go, variables_of, write_graph, write_variables
from aisle.model.served.shop import Models, Shop, summed_up
from aisle.model.served.teaching import write_teaching
from aisle.model.served.warmup import write_warmup
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lent import write_beside
from aisle.model.text.lexical.index import TextSearch
from aisle.model.training.memory import give_back
from aisle.schema import contract
from aisle.schema.bert.weights import bert_folder


def make_bundles(
    two_tower: str,
    ranking: str,
    bert: str,
    frames: dict[str, pl.DataFrame],
    moments: dict[str, int],
    options: BundleOptions,
    taught: str = "",
) -> None:
    """Writes the served model as of some moments; its graph, which takes most of the time, is traced once.

    Args:
        two_tower: folder of the exported two-tower.
        ranking: folder of the exported ranking head.
        bert: a BERT folder, "" for the installed one.
        frames: the Labeler's tables by name, which are taken out; of reviews the `text` and whether they are `good`, where there
            are enough; and `pictures`, where there are any: `item_id`, `features`.
        moments: of the shop's state, microseconds UTC, by the folder that its SavedModel goes to; `TITLES_FILE` in its
            `assets.extra` maps ids to titles, `assets.extra/index.json` tells what the indexes find, and there are
            warm-up requests (see `warmup`). `TAUGHT_FILE` holds what the shop teaches others, and `TRANSFER_FILE` which
            parts of another shop's are on, where it began with one; `ENCODER_FOLDER` what the text encoder needs besides
            the weights, which the model has.
        options: of the served model.
        taught: the file of what another shop teaches; "" is none.
    """
    bert, ids = bert or bert_folder(), catalogue_of(two_tower)
    table = table_of(ids, frames["items"])
    looks, of_pictures = _looks(two_tower, frames, ids, options.picture_weight)
    of_reviews = _of_reviews(frames.pop(contract.SENTIMENT.name, None))
    with tempfile.TemporaryDirectory() as scratch:
        models = Models(two_tower, ranking, bert, taught)
        shop = summed_up(frames, ids, table, {*moments.values()}, models, pathlib.Path(scratch))
        text = TextSearch(Tokenizer(bert), table.titles, table.descriptions, ids)
        del ids
        give_back()
        retriever = _retriever(two_tower, text, table, shop, len(moments) > 1)
        index = choose_indexes(retriever, shop.users, shop.searched, options.exact_items)
        bundle = Bundle(retriever, tf.saved_model.load(ranking), table, options, of_reviews, looks)
        del text, table, looks
        give_back()
        _save(bundle, moments, shop, os.path.join(scratch, "graph"))
    for folder in moments:
        _write_beside(folder, shop, index, of_pictures)
    write_teaching(moments, ranking, shop.teaches, shop.gains)
    write_beside(moments, bert)


def _retriever(two_tower: str, text: TextSearch, table: ItemTable, shop: Shop, moves: bool) -> Retriever:
    """The retriever as of the latest moment."""
    latest = shop.states[max(shop.states)].read()
    return Retriever(load_served(two_tower), text, table.prices, latest, moves)


def _save(bundle: Bundle, moments: dict[str, int], shop: Shop, scratch: str) -> None:
    """Saves the bundle as of each moment; it is traced once, in a folder that there isn't yet, and can't be asked afterwards."""
    there = max(shop.states)
    for folder, now in moments.items():
        if now != there:
            # Of a large shop two states take more than there is room for.
            let_go(bundle.retriever.moving())
            bundle.retriever.move_to(shop.states[now].read())
            give_back()
        there = now
        bundle.item_facts.move_to(now)
        write_variables(bundle, folder)
    let_go(variables_of(bundle))
    give_back()
    bundle.save(scratch)
    make_lean(scratch)
    for folder in moments:
        write_graph(scratch, folder)


def _of_reviews(known: pl.DataFrame | None) -> Sentiment | None:
    """The sentiment by characters, which needs no encoder; None where there is nothing to learn it of."""
    return learn(known["text"].to_list(), known["good"].to_numpy()).alone if known is not None else None


def _looks(
    two_tower: str, frames: dict[str, pl.DataFrame], ids: list[str], weight: float | None
) -> tuple[Looks | None, dict[str, Any]]:
    """What items look like, and what is to be said of it; nothing of a shop without pictures."""
    sources = vector_sources() if "pictures" in frames else []
    # What chooses by the validation window must not have seen it.
    others = [vectors_of(two_tower, source.items) for source in sources]
    found = looks_of(frames, ids, others, weight)
    frames.pop("pictures", None)
    return (found[0], found[1].figures()) if found else (None, {})


def _write_beside(folder: str, shop: Shop, index: dict[str, Any], of_pictures: dict[str, Any]) -> None:
    """Writes what a model says of itself without being asked."""
    extra = os.path.join(folder, contract.EXTRA_FOLDER)
    tf.io.gfile.makedirs(extra)
    files = {contract.TITLES_FILE: shop.titles, contract.INDEX_FILE: _json(index)}
    if shop.directions:
        files[contract.DOMAINS_FILE] = _json(shop.directions)
    if of_pictures:
        files[contract.PICTURES_FILE] = _json(of_pictures)
    for name, text in files.items():
        with tf.io.gfile.GFile(os.path.join(extra, name), "w") as file:
            file.write(text)
    write_warmup(folder, shop.requests)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
