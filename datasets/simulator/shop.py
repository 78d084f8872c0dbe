"""Simulates a shop: a catalogue, its users, and everything they see and do, as canonical tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from aisle.datasets.simulator.behaviour import CART, IMPRESSION, NONE, PURCHASE, RETURN, Events, make_events
from aisle.datasets.simulator.campaigns import Campaigns, make_campaigns
from aisle.datasets.simulator.catalogue import Catalogue, Ints, make_catalogue
from aisle.datasets.simulator.experiment import Planted, exposures, treat
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.people import People, make_people
from aisle.datasets.simulator.pictures.drawing import with_pictures
from aisle.datasets.simulator.relevance import Queries, make_judgements, make_queries
from aisle.datasets.simulator.slates import Impressions, make_impressions
from aisle.datasets.simulator.visits import Pages, make_pages
from aisle.datasets.simulator.vocabulary import NOUNS_PER_LEAF, Vocabulary
from aisle.schema.events import names

STARS = 5
"""The best rating."""


@dataclasses.dataclass(frozen=True)
class Shop:
    """A simulated shop's clean tables; faults are planted when it is written.

    Attributes:
        options: what it was simulated with.
        items: the canonical table of items.
        users: the canonical table of users.
        events: the canonical table of events, ascending by timestamp.
        judgements: graded items for the most frequent queries.
        planted: the experiment that it has run; events then have the columns `request_id`, `experiment` and `arm`, too.
        campaigns: what its advertisers ask for; None where nobody advertises.
    """

    options: SimulatorOptions
    items: pl.DataFrame
    users: pl.DataFrame
    events: pl.DataFrame
    judgements: pl.DataFrame
    planted: Planted | None = None
    campaigns: Campaigns | None = None


def simulate(options: SimulatorOptions, planted: Planted | None = None) -> Shop:
    """Returns the shop these options describe, which may have run an experiment; the same options give the same shop.

    Users have latent tastes (categories, a style, a price level) that decide what they search for, click,
    buy, buy again, return and praise. The shop shows items by query, popularity and noise; a click needs
    the user to look at its position first (`behaviour.EXAMINATION`).

    Raises:
        InputError: the shop has no day before the experiment.
    """
    world = make_world(options)
    events_rng, judges_rng = (np.random.default_rng(seed) for seed in _seeds(options)[5:])
    people, pages = world.people, world.pages
    treatment = treat(planted, options, people, pages)
    events = make_events(options, world.catalogue, people, pages, world.shown, treatment, events_rng)
    table = _event_table(world, events)
    if planted:
        impression = events.kind == IMPRESSION
        table = table.hstack(exposures(planted, treatment, events.user, events.page, impression))
    return Shop(
        options=options,
        items=with_pictures(world.catalogue.table) if options.pictures else world.catalogue.table,
        users=world.people.table,
        events=table,
        judgements=make_judgements(world.catalogue, world.pages, judges_rng),
        planted=planted,
        campaigns=campaigns_of(options, world) if options.campaigns else None,
    )


def campaigns_of(options: SimulatorOptions, world: World) -> Campaigns:
    """What advertisers of this world ask for; it draws from a stream of its own, so that no other table changes by it."""
    rng = np.random.default_rng([options.seed, 2])
    return make_campaigns(
        options, world.catalogue, world.people, world.pages, world.queries, world.shown, rng
    )


@dataclasses.dataclass(frozen=True)
class World:
    """What a shop's tables come of: its items, its users' tastes, what they wanted and what they were shown."""

    catalogue: Catalogue
    people: People
    pages: Pages
    queries: Queries
    shown: Impressions


def make_world(options: SimulatorOptions) -> World:
    """Returns what lies behind the tables of `simulate(options)`."""
    pages_rng, queries_rng, slates_rng = (np.random.default_rng(seed) for seed in _seeds(options)[2:5])
    catalogue, people = make_sides(options)
    pages = make_pages(options, catalogue, people, pages_rng)
    queries = make_queries(catalogue.vocabulary, pages, queries_rng)
    return World(catalogue, people, pages, queries, make_impressions(catalogue, pages, slates_rng))


def make_sides(options: SimulatorOptions) -> tuple[Catalogue, People]:
    """Returns what a world sells, and to whom."""
    catalogue_rng, people_rng = (np.random.default_rng(seed) for seed in _seeds(options)[:2])
    return make_catalogue(options, catalogue_rng), make_people(options, people_rng)


def _seeds(options: SimulatorOptions) -> list[np.random.SeedSequence]:
    """A stream of its own for the catalogue, people, pages, queries, slates, events and judges."""
    return np.random.SeedSequence(options.seed).spawn(7)


def _event_table(world: World, events: Events) -> pl.DataFrame:
    """Returns the canonical `events` table."""
    catalogue, people, pages, queries = world.catalogue, world.people, world.pages, world.queries
    on_page = events.page != NONE
    anonymous = on_page & pages.anonymous[events.page]
    query = np.where(on_page, queries.of_page[events.page], NONE)
    priced = np.isin(events.kind, (CART, PURCHASE, RETURN))
    return pl.DataFrame(
        {
            "timestamp": pl.from_epoch(pl.Series(events.time), time_unit="s"),
            "event": _gather(pl.Series(names()), events.kind),
            "item_id": _gather(catalogue.table["item_id"], events.item),
            "user_id": _gather(people.table["user_id"], np.where(anonymous, NONE, events.user)),
            "session_id": _gather(_session_ids(events), events.visit),
            "query": _gather(pl.Series(queries.texts, dtype=pl.String), query),
            "position": _known(events.position),
            "quantity": _known(events.quantity),
            "price": pl.Series(np.where(priced, catalogue.price[events.item], np.nan)).fill_nan(None),
            "rating": _known(events.rating),
            "text": _gather(_review_texts(catalogue.vocabulary), _review(catalogue, events)),
        }
    )


def _session_ids(events: Events) -> pl.Series:
    """Returns the id of every visit, numbered in order of its first event; unused where it has none."""
    visits, first = np.unique(events.visit, return_index=True)
    rank = np.zeros(int(visits.max(initial=0)) + 1, dtype=np.int64)
    rank[visits[np.argsort(first)]] = np.arange(len(visits))
    return pl.select(pl.lit("s") + pl.Series(rank).cast(pl.String).str.zfill(6)).to_series()


def _review_texts(vocabulary: Vocabulary) -> pl.Series:
    """Returns what is written about each noun with each number of stars: row noun * STARS + stars - 1."""
    texts = [
        template.format(noun=noun.name)
        for number, noun in enumerate(vocabulary.nouns)
        for template in vocabulary.words[number // NOUNS_PER_LEAF].reviews
    ]
    return pl.Series(texts)


def _review(catalogue: Catalogue, events: Events) -> Ints:
    """Returns the row of `_review_texts` of each event; NONE for what is no review."""
    row = catalogue.noun[events.item] * STARS + events.rating - 1
    found: Ints = np.where(events.rating == NONE, NONE, row)
    return found


def _gather(values: pl.Series, index: Ints) -> pl.Series:
    """Returns the values at `index`, null where it is NONE."""
    if values.is_empty():
        return pl.Series([None] * len(index), dtype=values.dtype)
    return values.gather(_known(index))


def _known(values: Ints) -> pl.Series:
    """Returns the numbers, null where they are NONE."""
    return pl.select(pl.when(pl.Series(values) != NONE).then(pl.Series(values))).to_series()
