"""What the gateway is asked, and what it answers: with `events`, the contract that its OpenAPI tells."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

import pydantic
from pydantic import BeforeValidator, Field

from aisle.gateway.events import AnyId, Id, Strict, Text
from aisle.serving import FoundBy, Part, ScoredItem, WordMatch

MAX_K = 1_000
MAX_ITEMS = 1_000
MAX_SLOTS = 20
MAX_TEXTS = 500

Price = Annotated[float, Field(ge=0, le=1e12)]
ItemIds = Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)]
Score = Annotated[float | None, BeforeValidator(lambda score: score if math.isfinite(score) else None)]
"""Of an item; none of one that the model doesn't know, or that is withdrawn."""


Sponsored = Annotated[
    bool,
    Field(description="Whether places of the list may be sold, where `--campaigns` names what to sell by."),
]


class Question(Strict):
    """Who asks; "" of both is anybody."""

    user_id: AnyId = ""
    session_id: AnyId = ""
    experiment: AnyId = Field(
        default="",
        description="That the visitor is part of; noted with what is shown. One of `--experiments` takes the key, unless the arm is theirs.",
    )
    arm: AnyId = Field(default="", description="Of the experiment.")


class Listing(Question):
    """A question for the best items."""

    k: int = Field(10, ge=1, le=MAX_K, description="Items at most.")


class Search(Listing):
    """A query; with a filter or with `facets` it is searched among what passes, and what was found is counted."""

    query: Text = ""
    category: Text = Field("", description="A path; what lies below it passes, too.")
    brand: list[Text] = Field([], max_length=100, description="Any of them.")
    price_min: Price | None = None
    price_max: Price | None = None
    in_stock: bool = False
    facets: bool = False
    sponsored: Sponsored = True

    @property
    def filtered(self) -> bool:
        """Whether anything of it needs the filtered search."""
        prices = (self.price_min, self.price_max) != (None, None)
        return bool(self.category or self.brand or prices or self.in_stock or self.facets)


class Recommend(Listing):
    """What to show a visitor."""

    exclude_seen: bool = False
    in_stock: bool = False
    sponsored: Sponsored = True


class Similar(Listing):
    """What is like an item."""

    item_id: Id
    in_stock: bool = False


class Slots(Question):
    """Places for sponsored items alone: of a search, or of recommendations where nothing is searched."""

    query: Text = ""
    slots: int = Field(1, ge=1, le=MAX_SLOTS, description="Items at most.")


class Rank(Question):
    """The scores of items for a query, "" for none, in the order of the items."""

    query: Text = ""
    item_ids: ItemIds


class Explain(Question):
    """Why a search scores items as it does."""

    query: Text
    item_ids: ItemIds


class Texts(Strict):
    """What buyers wrote."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


class Merge(Strict):
    """A visitor signs in: what the session did is the user's from now on."""

    session_id: Id
    user_id: Id


class _Read(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(from_attributes=True, frozen=True)


def _nothing(value: object) -> bool:
    return not value


class Item(_Read):
    """An item and its score."""

    item_id: str
    score: Score
    sponsored: bool = Field(
        default=False,
        exclude_if=_nothing,
        description="Whether its place was paid for: tell whoever sees it. Absent where it wasn't.",
    )
    campaign_id: str = Field(default="", exclude_if=_nothing, description="That pays, of what is sponsored.")


class FacetCount(_Read):
    """A value, and how many of what was found have it."""

    value: str
    count: int


class FacetCounts(_Read):
    """Of all that was found, most frequent first."""

    categories: list[FacetCount]
    brands: list[FacetCount]


class Assigned(_Read):
    """The experiment that an answer is part of, and its arm."""

    experiment: str
    arm: str = Field(description='"" where the rankings of both arms are interleaved.')
    arms: list[str] = Field(
        default=[],
        description='The arm whose ranking gave each item, where they are interleaved; "" of both.',
    )
    forced: bool = Field(
        default=False, description="Whether the question named the arm: a test, which isn't noted."
    )

    @property
    def noted(self) -> dict[str, str]:
        """The columns of what is shown; a test is no part of the experiment."""
        return (
            {"experiment": "", "arm": ""} if self.forced else {"experiment": self.experiment, "arm": self.arm}
        )


class Answer(_Read):
    """Items, best first (`rank`: as asked)."""

    request_id: str = Field(description="To be sent with the events that follow.")
    version: int | None = Field(description="Of the model; null of two, interleaved.")
    stale: bool = Field(
        description="Whether it may lack the visitor's last events or what changed of items: the store is down."
    )
    items: list[Item]
    facets: FacetCounts | None = None
    assigned: Assigned | None = Field(
        default=None, description="Where `--experiments` assigned whoever asked."
    )
    _considered: tuple[ScoredItem, ...] = ()

    @property
    def considered(self) -> tuple[ScoredItem, ...]:
        """The best items of the question, those of the answer first: whose places may be sold. Not answered."""
        return self._considered

    def considering(self, items: Iterable[ScoredItem]) -> Answer:
        """The same answer, which considered these."""
        self._considered = tuple(items)
        return self

    def part(self, first: int, count: int) -> Answer:
        """The items of one page, the first of which is at a place from 0."""
        assigned = self.assigned
        if assigned:
            assigned = assigned.model_copy(update={"arms": assigned.arms[first : first + count]})
        return self.model_copy(update={"items": self.items[first : first + count], "assigned": assigned})


class Why(_Read):
    """Of an item: what its score adds up from; see `aisle.serving.Explanation`."""

    item_id: str
    score: Score
    parts: list[Part]
    words: list[WordMatch]
    found_by: list[FoundBy]


class Explained(_Read):
    """Why each item scores as it does, in the order of the items."""

    request_id: str
    items: list[Why]


class Sentiments(_Read):
    """What texts say, in their order."""

    scores: list[float] = Field(description="How likely each is a good review by its words, between 0 and 1.")


class Recorded(_Read):
    """The events are safe."""

    event_ids: list[str]
    stale: bool = Field(description="Whether answers don't know them yet: the store is down.")


class Done(_Read):
    """It was done; `remains` says what is left of a user."""

    done: bool = True
    remains: list[str] = []


class Problem(_Read):
    """What came, what was expected, and how to mend it."""

    error: str
