"""What is made of the events of some visitors, and what is kept of it for the order of all."""

from __future__ import annotations

import dataclasses
import pathlib

import polars as pl

from aisle.components.labeler.interactions import LIKING_ORDER, make_interactions, shown_likings
from aisle.components.labeler.interactions import ORDER as INTERACTION_ORDER
from aisle.components.labeler.meaning.intents import QUERY_AND_ITEM, query_votes
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.pieces import Survey
from aisle.components.labeler.parts.ranges import Ordered, Sum, range_of, send
from aisle.components.labeler.queries import count_examples
from aisle.components.labeler.searches.attribution import Joins, attribute
from aisle.components.labeler.searches.impressions import ORDER as IMPRESSION_ORDER
from aisle.components.labeler.searches.impressions import Outcomes, from_zero, label_results
from aisle.components.labeler.searches.position_bias import NONE
from aisle.components.labeler.searches.regression_em import ITEM_AND_WEIGHT, sum_unasked
from aisle.components.labeler.searches.sponsored import marked
from aisle.components.labeler.summary import tally_interactions
from aisle.components.plans.spool import Spool

_KNOWN = pl.col("user_id") != ""


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a part adds to the counts of all, see `Labelled` and `Tally`."""

    joins: Joins
    outcomes: Outcomes
    zero: bool
    interactions: pl.DataFrame
    examples: dict[str, int]


class Visits:
    """Labels the events of some visitors after those of others.

    Attributes:
        interactions: in the order of time.
        asked: those that examples are made of, in ranges of users; of nobody's, in ranges of when their basket began.
        liking: the events that show a liking, in ranges of users.
        results: of searches (`label_results`), in the order of time.
        votes: what was taken for queries (`query_votes`).
        unasked: what was taken without one (`sum_unasked`), where the position bias is asked for.
    """

    def __init__(self, folder: pathlib.Path, survey: Survey, options: LabelerOptions) -> None:
        """Args: `folder`: where files are made; `survey`: what all events say; `options`: windows and limits."""
        self._survey, self._options = survey, options
        times, users = len(survey.times) + 1, len(survey.users) + 1
        self.interactions = Ordered(folder / "interactions", times, INTERACTION_ORDER)
        self.asked = Spool(folder / "asked", times + users)
        self.liking = Ordered(folder / "liking", users, LIKING_ORDER)
        self.results = Ordered(folder / "results", times, IMPRESSION_ORDER)
        self.counts: list[Counts] = []
        self.votes, self.unasked = Sum(QUERY_AND_ITEM), Sum(ITEM_AND_WEIGHT)

    def visit(self, events: pl.DataFrame) -> None:
        """Labels events.

        Args:
            events: all that some visitors did (`Visitors.parts`), by `row`.
        """
        splits = self._survey.splits
        events = marked(events, self._options)
        found = attribute(events, self._options, self._survey.shows)
        interactions = make_interactions(found.taken, splits)
        results, outcomes = label_results(found, splits, self._options)
        time = range_of(pl.col("timestamp"), self._survey.times)
        self.interactions.add(interactions, time)
        self._count(interactions.filter(~pl.col("sponsored")))
        self.results.add(results, time)
        self._by_user(interactions, shown_likings(events))
        self.counts.append(
            Counts(
                found.joins(),
                outcomes,
                from_zero(found.shown),
                tally_interactions(interactions),
                count_examples(interactions),
            )
        )

    def _count(self, organic: pl.DataFrame) -> None:
        self.votes.add(query_votes(organic))
        if self._options.position_bias != NONE:
            self.unasked.add(sum_unasked(organic))

    def _by_user(self, interactions: pl.DataFrame, liking: pl.DataFrame) -> None:
        user = range_of(pl.col("user_id"), self._survey.users)
        self.liking.add(liking, user)
        asked = interactions.filter(_KNOWN | (pl.col("query") != ""))
        began = pl.col("timestamp").min().over("user_id", "session_id", "query")
        # Nobody stands before all users.
        nobody = range_of(began, self._survey.times)
        place = pl.when(_KNOWN).then(user + len(self._survey.times) + 1).otherwise(nobody)
        send(asked, place, self.asked)
