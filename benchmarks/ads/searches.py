"""Searches of a simulated shop after its model was made: what the served head says of each candidate, and what is true of it."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.model.options import BundleOptions, RankingOptions, TwoTowerOptions
from benchmarks.shared.served import Trained, make_retriever, tensors
from benchmarks.shared.training import read_clean_label, train_two_tower

if TYPE_CHECKING:
    from aisle.datasets.simulator.shop import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BATCH = 256
DEPTH = 40
"""So many of a search's answers may be sponsored."""
RANKED = 100
"""So many of what a search finds are ranked by the head; a served model ranks more."""
TEST_DAYS, EVAL_DAYS, SHARE = 20, 12, 0.34
"""Days of the windows, and the share of the time that either may take."""


@dataclasses.dataclass(frozen=True)
class Searches:
    """Searches in the order of time, s of them, with c candidates each, best first.

    Attributes:
        time: [s] seconds since the epoch.
        items: [s, c] the candidates' rows in the catalogue; -1 where there is none.
        scores: [s, c] what the served model says of them.
        attraction: [s, c] the true chance of a click once a candidate is looked at.
        conversion: [s, c] the true chance of a purchase after a click.
        brands: [items] of the catalogue.
    """

    time: Ints
    items: Ints
    scores: Floats
    attraction: Floats
    conversion: Floats
    brands: npt.NDArray[np.str_]

    def take(self, rows: npt.NDArray) -> Searches:
        """Some searches."""
        cut = (self.items[rows], self.scores[rows], self.attraction[rows], self.conversion[rows])
        return Searches(self.time[rows], *cut, self.brands)


def make_searches(options: SimulatorOptions, events: int, most: int, scratch: pathlib.Path) -> Searches:
    """Trains on a shop up to its last weeks, and asks the model what was searched in these.

    Args:
        options: of the shop.
        events: more visitors come in the last weeks than the tables tell of, as many as would make so many events.
        most: searches.
        scratch: an empty folder.
    """
    write(simulate(options), scratch / "shop")
    told = LabelerOptions(test_days=TEST_DAYS, eval_days=EVAL_DAYS, max_share=SHARE)
    labelled = read_clean_label(scratch / "shop", told)
    bundle = served(labelled, scratch, options.seed)
    return searched(options, events, most, labelled.splits.test_start // 1_000_000, bundle)


def served(labelled: Labelled, scratch: pathlib.Path, seed: int) -> Any:
    """The bundle as of the start of the test; its head reads numbers, and learnt from searches, too."""
    import tensorflow as tf

    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.served.bundle import Bundle

    tower = train_two_tower(labelled, scratch, TwoTowerOptions(seed=seed + 1))
    examples = Trained.make(labelled, tower, scratch, seed).examples
    train, valid = (tensors(examples[split]) for split in ("train", "eval"))
    options = RankingOptions(seed=seed, text="never")
    tf.keras.utils.set_random_seed(seed)
    features = train_features(train, valid, options, str(scratch / "ranking"))
    ranker = RankingModule(features, None, options, Labels(search=True, conversion=True), False)
    ranker.calibrate(valid)
    retriever, table = make_retriever(labelled, tower)
    return Bundle(retriever, ranker, table, BundleOptions(depth=RANKED))


def searched(options: SimulatorOptions, events: int, most: int, since: int, bundle: Any) -> Searches:
    """What more visitors of the same shop search from a moment on, in seconds since the epoch, and what they find."""
    from aisle.datasets.simulator.relevance import make_queries
    from aisle.datasets.simulator.shop import World, make_world
    from aisle.datasets.simulator.visits import make_pages

    world, rng = make_world(options), np.random.default_rng([options.seed, 19])
    pages = make_pages(options.model_copy(update={"events": events}), world.catalogue, world.people, rng)
    queries = make_queries(world.catalogue.vocabulary, pages, rng)
    rows = np.flatnonzero(pages.searched & (pages.time >= since))
    rows = np.sort(rng.permutation(rows)[:most])
    rows = rows[np.argsort(pages.time[rows], kind="stable")]
    more = World(world.catalogue, world.people, pages, queries, world.shown)
    items, scores = _asked(more, rows, bundle)
    return Searches(
        pages.time[rows],
        items,
        scores,
        *_truth(more, rows, items),
        np.array(world.catalogue.table["brand"].to_list(), str),
    )


def _asked(world: World, rows: Ints, bundle: Any) -> tuple[Ints, Floats]:
    """The catalogue's rows that the model finds for some pages, and what it says of them: [s, c] each."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def ask(query: tf.Tensor, user: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = bundle.search(query, user, tf.constant(DEPTH))
        return found["item_ids"], found["scores"]

    place = {item: row for row, item in enumerate(world.catalogue.table["item_id"].to_list())}
    users = world.people.table["user_id"].to_numpy()
    items = np.full((len(rows), DEPTH), -1)
    scores = np.full((len(rows), DEPTH), -np.inf)
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        query = [world.queries.texts[one] for one in world.queries.of_page[part]]
        user = np.where(world.pages.anonymous[part], "", users[world.pages.user[part]]).tolist()
        found, told = ask(tf.constant(query), tf.constant(user))
        items[start : start + BATCH] = [
            [place.get(one.decode(), -1) for one in some] for some in found.numpy()
        ]
        scores[start : start + BATCH] = told.numpy()
    return items, scores


def _truth(world: World, rows: Ints, items: Ints) -> tuple[Floats, Floats]:
    """The chance of a click once looked at, and of a purchase after it: [s, c] each."""
    from aisle.datasets.simulator.behaviour import CHECKOUT, attraction, cart_probability
    from aisle.datasets.simulator.relevance import grades
    from aisle.datasets.simulator.slates import CHUNK, Impressions

    pages, catalogue = world.pages, world.catalogue
    known, everything = np.maximum(items, 0), np.arange(len(catalogue.leaf))
    grade = np.concatenate(
        [
            np.take_along_axis(
                grades(pages.noun[part], pages.attribute[part], pages.word[part], catalogue, everything),
                known[start : start + CHUNK],
                axis=1,
            )
            for start in range(0, len(rows), CHUNK)
            for part in [rows[start : start + CHUNK]]
        ]
    )
    page, item = np.repeat(rows, items.shape[1]), known.ravel()
    shown = Impressions(page, item, np.ones_like(page), grade.ravel())
    clicked = attraction(catalogue, world.people, pages, shown)
    bought = CHECKOUT * cart_probability(catalogue, world.people, pages.user[page], item)
    return clicked.reshape(items.shape).astype(float), bought.reshape(items.shape).astype(float)
