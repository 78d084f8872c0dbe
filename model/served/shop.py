"""What a served model is told of its shop, summed up of the tables before the models are loaded: a large shop has no room for both."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import polars as pl

from aisle.model.gain import Gain
from aisle.model.retrieval.domains.lent import lent_by, shelf_of
from aisle.model.retrieval.index_choice import searched_in
from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.state import State, learnt_domains, make_state
from aisle.model.retrieval.tower import texts_of
from aisle.model.served.teaching import taught_by
from aisle.model.served.warmup import warmup_requests
from aisle.model.spilled import Spilled
from aisle.model.training.memory import give_back
from aisle.model.transfer.taught import Taught


@dataclasses.dataclass(frozen=True)
class Shop:
    """A shop as of some moments.

    Example:
        .. code-block:: python

            shop = summed_up(frames, ids, table, {test_start, end}, models, folder)
            latest = shop.states[end].read()

    Attributes:
        states: by moment, each in a file.
        users: who took something by the latest moment, in order.
        searched: what was searched or judged.
        requests: for the warm-up of a server.
        teaches: what another shop may learn of it.
        gains: of what was taken of another shop beside the head.
        directions: what its domains say of each other.
        titles: by the items' ids, as JSON.
    """

    states: dict[int, Spilled[State]]
    users: list[str]
    searched: list[str]
    requests: list[bytes]
    teaches: Taught
    gains: list[Gain]
    directions: list[dict[str, Any]]
    titles: str


@dataclasses.dataclass(frozen=True)
class Models:
    """Where lies what the tables are summed up with.

    Example:
        >>> Models("two_tower", "ranking", "bert", taught="").ranking
        'ranking'

    Attributes:
        two_tower: folder of the exported two-tower.
        ranking: folder of the exported ranking head.
        bert: folder of the encoder.
        taught: the file of what another shop teaches; "" is none.
    """

    two_tower: str
    ranking: str
    bert: str
    taught: str


def summed_up(
    frames: dict[str, pl.DataFrame],
    ids: list[str],
    table: ItemTable,
    moments: set[int],
    models: Models,
    folder: pathlib.Path,
) -> Shop:
    """Sums the tables up.

    Args:
        frames: the Labeler's tables by name; they are taken out.
        ids: of the catalogue, in order.
        table: of the catalogue.
        moments: microseconds UTC.
        models: what was trained.
        folder: for files; it must be there until the states have been read.
    """
    texts = texts_of(models.two_tower, folder / "texts")
    shelf, interactions = shelf_of(texts, table, models.bert), frames.pop("interactions")
    lent, gains = lent_by(models.taught, shelf, interactions, ids)
    # As of the earliest: what is tested knows nothing of its test.
    domains = learnt_domains(frames["items"], interactions, ids, min(moments))
    requests = warmup_requests({"interactions": interactions, **frames}, ids, table.titles)
    searched, teaches = searched_in(frames), taught_by(models.ranking, shelf, interactions, ids)
    users, tags = frames["users"], frames["tags"]
    frames.clear()
    everyone = (sorted(set(interactions["user_id"]) - {""}), tags, domains, lent)
    states: dict[int, Spilled[State]] = {}
    known: set[str] = set()
    for moment in sorted(moments):
        give_back()
        state = make_state(interactions, users, ids, moment, *everyone, texts=texts)
        states[moment], known = Spilled(state, folder / f"{moment}.npz"), state.known()
        del state
    titles = json.dumps(dict(zip(ids, table.titles, strict=True)), ensure_ascii=False)
    return Shop(states, sorted(known), searched, requests, teaches, gains, domains.figures(), titles)
