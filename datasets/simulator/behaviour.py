"""What users do with what they are shown: clicks, carts, purchases, and what follows from a purchase."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.datasets.simulator.catalogue import STYLE, Catalogue, Floats, Ints
from aisle.datasets.simulator.experiment import Treatment
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.people import People
from aisle.datasets.simulator.slates import PAGE_SIZE, Impressions
from aisle.datasets.simulator.visits import Pages
from aisle.schema.events import KINDS

IMPRESSION, CLICK, CART, PURCHASE, RETURN, REVIEW = range(len(KINDS))

EXAMINATION_EXPONENT = -0.8
EXAMINATION = np.arange(1, PAGE_SIZE + 1, dtype=np.float64) ** EXAMINATION_EXPONENT
"""The probability that a user looks at each position (Joachims et al. 2005: people read from the top)."""
CHECKOUT = 0.6
"""The probability that what is in the cart is bought."""
REPEAT_DAYS = 16.0
"""The mean time until something used up is bought again."""
MOST_REPEATS = 12
RETURN_SHARE = 0.05
REVIEW_SHARE = 0.15
NONE = -1


@dataclasses.dataclass(frozen=True)
class Events:
    """Events by column; e is the number of events. NONE where a column has no value.

    Attributes:
        time: [e] seconds since the epoch.
        kind: [e] an index into KINDS.
        item: [e] the item.
        user: [e] the user, also where not logged in.
        visit: [e] the visit.
        page: [e] the page; NONE for what happens without one.
        position: [e] where on the page.
        quantity: [e] how many.
        rating: [e] stars, 1 to 5.
    """

    time: Ints
    kind: Ints
    item: Ints
    user: Ints
    visit: Ints
    page: Ints
    position: Ints
    quantity: Ints
    rating: Ints

    def take(self, rows: Ints | NDArray[np.bool_]) -> Events:
        """Returns the events at `rows`."""
        return Events(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def concatenate(parts: list[Events]) -> Events:
    """Returns the events of all `parts`, one after the other."""
    names = [field.name for field in dataclasses.fields(Events)]
    return Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def liking(catalogue: Catalogue, people: People, user: Ints, item: Ints) -> Floats:
    """Returns [n] how much each user likes each item: what a good recommender has to find out."""
    affinity = people.affinity[user, catalogue.leaf[item]]
    interest = np.log((affinity + 0.01) / 0.01) / np.log(101)  # 0 for none, 1 for nothing else
    style = people.style[user, catalogue.attributes[item, STYLE]]
    strain = people.thrift[user] * np.abs(people.tier[user] - catalogue.tier[item])
    liked: Floats = (2.5 * interest + 2.0 * style - strain + catalogue.quality[item]).astype(np.float32)
    return liked


def attraction(catalogue: Catalogue, people: People, pages: Pages, shown: Impressions) -> Floats:
    """Returns [m] the probability that what is shown is clicked once it is looked at."""
    liked = liking(catalogue, people, pages.user[shown.page], shown.item) + 0.9 * shown.grade
    found: Floats = _sigmoid(1.3 * (liked - np.where(pages.searched[shown.page], 3.6, 2.2)))
    return found


def cart_probability(catalogue: Catalogue, people: People, user: Ints, item: Ints) -> Floats:
    """Returns [n] the probability that what was clicked is put into the cart.

    The query has done its work once the item's page is opened: what is bought is what is liked.
    """
    found: Floats = _sigmoid(1.5 * (liking(catalogue, people, user, item) - 1.2))
    return found


def make_events(
    options: SimulatorOptions,
    catalogue: Catalogue,
    people: People,
    pages: Pages,
    shown: Impressions,
    treatment: Treatment,
    rng: np.random.Generator,
) -> Events:
    """Returns all events in ascending order of time, within the simulated days."""
    impressions = events_of(
        time=pages.time[shown.page],
        kind=IMPRESSION,
        item=shown.item,
        user=pages.user[shown.page],
        visit=pages.visit[shown.page],
        page=shown.page,
        position=shown.position,
    )
    attractive = attraction(catalogue, people, pages, shown)
    examined = rng.random(len(attractive)) < EXAMINATION[shown.position - 1]
    clicked = examined & (rng.random(len(attractive)) < attractive)
    clicks = _after(impressions.take(clicked), CLICK, 3, 60, rng)
    wanted = cart_probability(catalogue, people, clicks.user, clicks.item)
    carts = _after(clicks.take(rng.random(len(wanted)) < wanted), CART, 10, 40, rng)
    carts = dataclasses.replace(carts, quantity=quantity_of(catalogue, carts.item, rng))
    checkout = CHECKOUT * page_factor(treatment, pages, carts)
    bought = _after(carts.take(rng.random(len(carts.time)) < checkout), PURCHASE, 20, 60, rng)
    # What follows later needs a user who was logged in.
    known = bought.take(~pages.anonymous[bought.page])
    again = repeats(options, catalogue, people, known, int(pages.visit.max(initial=-1)) + 1, treatment, rng)
    later = _aftermath(catalogue, people, concatenate([known, again.take(again.kind == PURCHASE)]), rng)
    events = concatenate([impressions, clicks, carts, bought, again, *later])
    events = events.take(events.time < options.end_seconds)
    return events.take(np.lexsort((events.position, events.kind, events.visit, events.time)))


def events_of(
    time: Ints,
    kind: int,
    item: Ints,
    user: Ints,
    visit: Ints,
    page: Ints | None = None,
    position: Ints | None = None,
    quantity: Ints | None = None,
) -> Events:
    """Returns events of one kind; NONE in every column not given."""
    none = np.full(len(time), NONE)
    return Events(
        time=time,
        kind=np.full(len(time), kind),
        item=item,
        user=user,
        visit=visit,
        page=none if page is None else page,
        position=none if position is None else position,
        quantity=none if quantity is None else quantity,
        rating=none,
    )


def _after(events: Events, kind: int, low: int, high: int, rng: np.random.Generator) -> Events:
    """Returns an event of `kind` for each of `events`, `low` to `high` seconds later."""
    wait = rng.integers(low, high, size=len(events.time))
    return dataclasses.replace(events, time=events.time + wait, kind=np.full(len(wait), kind))


def page_factor(treatment: Treatment, pages: Pages, events: Events) -> NDArray[np.float64]:
    """Returns [n] the factor by which an experiment changes the chance to buy of events on pages; 1 of who isn't logged in."""
    return np.where(pages.anonymous[events.page], 1.0, treatment.at(events.user, events.time))


def repeats(
    options: SimulatorOptions,
    catalogue: Catalogue,
    people: People,
    bought: Events,
    first_visit: int,
    treatment: Treatment,
    rng: np.random.Generator,
) -> Events:
    """Returns the visits in which users buy their own items again: a click, a cart, a purchase each.

    A purchase is repeated with the leaf's probability, more readily by loyal users who like the item;
    a repeat may be repeated in turn. An experiment changes the first purchase after the exposure, of a page or again: what
    follows from that follows as ever, so that its factor is that of all that is bought.
    """
    habit = np.array([leaf.repeat for leaf in catalogue.vocabulary.leaves])
    parts = [bought.take(np.arange(0))]
    before = bought
    for _ in range(MOST_REPEATS):
        readiness = habit[catalogue.leaf[before.item]] * (0.6 + 0.8 * people.loyalty[before.user])
        readiness *= _sigmoid(liking(catalogue, people, before.user, before.item))
        # What is bought again before the exposure is bought as ever: a draw up to the larger chance waits for its time.
        most = np.where(before.time < treatment.since[before.user], treatment.factor[before.user], 1.0)
        draw = rng.random(len(readiness))
        drawn = draw < readiness * np.maximum(most, 1.0)
        again, readiness, draw, most = before.take(drawn), readiness[drawn], draw[drawn], most[drawn]
        wait = rng.gamma(4, REPEAT_DAYS / 4, len(again.time)) * 86_400
        time = again.time + np.maximum(wait.astype(np.int64), 86_400)
        exposed = time >= treatment.since[again.user]
        kept = (time + 200 < options.end_seconds) & (draw < readiness * np.where(exposed, most, 1.0))
        again, time = again.take(kept), time[kept]
        visit = first_visit + np.arange(len(time))
        first_visit += len(time)
        quantity = np.maximum(again.quantity, quantity_of(catalogue, again.item, rng))
        clicks = events_of(time, CLICK, again.item, again.user, visit)
        carts = dataclasses.replace(_after(clicks, CART, 10, 40, rng), quantity=quantity)
        before = _after(carts, PURCHASE, 20, 60, rng)
        parts += [clicks, carts, before]
    return concatenate(parts)


def _aftermath(
    catalogue: Catalogue, people: People, purchases: Events, rng: np.random.Generator
) -> tuple[Events, Events]:
    """Returns the returns and the reviews of `purchases`: what was liked less is sent back and panned."""
    count = len(purchases.time)
    purchases = dataclasses.replace(purchases, page=np.full(count, NONE), position=np.full(count, NONE))
    liked = liking(catalogue, people, purchases.user, purchases.item)
    sent_back = rng.random(count) < 2 * RETURN_SHARE * _sigmoid(1.5 - liked)
    returned = _after(purchases.take(sent_back), RETURN, 3 * 86_400, 15 * 86_400, rng)
    written = rng.random(count) < REVIEW_SHARE
    reviews = _after(purchases.take(written), REVIEW, 2 * 86_400, 20 * 86_400, rng)
    stars = np.clip(np.rint(2.6 + 0.7 * liked[written] + rng.normal(0, 0.7, len(reviews.time))), 1, 5)
    unsold = np.full(len(reviews.time), NONE)
    return returned, dataclasses.replace(reviews, rating=stars.astype(np.int64), quantity=unsold)


def quantity_of(catalogue: Catalogue, item: Ints, rng: np.random.Generator) -> Ints:
    """Returns how many of each item are put in the cart: mostly one, several of what is cheap."""
    several: Ints = 1 + rng.poisson(np.clip(3 / catalogue.price[item], 0.02, 0.8))
    return several


def _sigmoid(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Returns the logistic function of `logits`."""
    probability: NDArray[np.floating[Any]] = 1 / (1 + np.exp(-logits))
    return probability
