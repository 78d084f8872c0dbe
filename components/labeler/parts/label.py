"""Labels events that are too many to be held, in parts by visitor: what comes out is that of `label`, to the byte."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import polars as pl
import pyarrow as pa

from aisle.components.labeler.judged.judgements import decided, ruled
from aisle.components.labeler.label import require
from aisle.components.labeler.labelled import Held, Labelled, Stored, Tally
from aisle.components.labeler.meaning.intents import query_intents
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.pieces import Pieces, Survey
from aisle.components.labeler.parts.ranges import Sum, kept
from aisle.components.labeler.parts.visit import Counts, Visits
from aisle.components.labeler.queries import item_examples, judged_examples, query_examples
from aisle.components.labeler.searches.attribution import Joins
from aisle.components.labeler.searches.impressions import Outcomes, placed
from aisle.components.labeler.searches.position_bias import (
    NONE,
    PAIR_AND_POSITION,
    PositionBias,
    bias_of_sums,
    sum_results,
    weigh,
)
from aisle.components.labeler.summary import IMPRESSION_KINDS, INTERACTION_KINDS, tally_impressions
from aisle.components.plans.ahead import ahead
from aisle.components.plans.spool import Spool
from aisle.schema.splits import ITEMS, TEST


def label_in_parts(tables: Mapping[str, pa.Table], events: Pieces, options: LabelerOptions) -> Labelled:
    """Labels and splits cleaned tables as `label` does.

    Args:
        tables: cleaned canonical tables by name, but the events; `items` is there.
        events: the events.
        options: windows and lengths.

    Raises:
        InputError: there is nothing to learn from, or too little.
    """
    held = Held.of(tables)
    survey = Survey.of(events, options)
    visits = Visits(events.folder, survey, options)
    for part in _by_visitor(events, survey):
        visits.visit(part)
    judged = judged_examples(held.judgements)
    examples = _count_all([*(part.examples for part in visits.counts), _counts_of(judged)])
    require(examples, options, survey.named)
    return _Told(held, events, survey, visits, options).labelled(examples, judged)


@dataclasses.dataclass(frozen=True)
class _Told:
    """All visits, and how what they left is brought together."""

    held: Held
    events: Pieces
    survey: Survey
    visits: Visits
    options: LabelerOptions

    def labelled(self, examples: dict[str, int], judged: Mapping[str, pa.Table]) -> Labelled:
        """Returns the result; `examples`: how many there are, `judged`: those of judgements."""
        counts, items = self.visits.counts, self.held.items
        shown, tallies = Sum(PAIR_AND_POSITION), Sum(IMPRESSION_KINDS)
        results, bias = self._placed(shown, counts, tallies), PositionBias(NONE, "", ())
        if self.options.position_bias != NONE:
            # All results tell the bias that each of them is weighed by.
            results = kept(results, self.events.folder / "placed", len(self.survey.times) + 1)
            bias = bias_of_sums(shown.total(), self.visits.unasked.total(), items, self.options)
        taken = Sum(INTERACTION_KINDS)
        for part in counts:
            taken.add(part.interactions)
        intents = query_intents(self.visits.votes.total(), items, self.options)
        return Labelled(
            tables=self.held.tables(intents, self.options),
            examples={ITEMS: item_examples(items)},
            splits=self.survey.splits,
            outcomes=Outcomes.combined([part.outcomes for part in counts]),
            joins=Joins.combined([part.joins for part in counts]),
            bias=bias,
            intents=intents,
            agreement=self.held.agreement(),
            tally=Tally(taken.total(), tallies.total, examples),
            stored=Stored(
                {
                    "interactions": map(pl.DataFrame.to_arrow, self.visits.interactions),
                    "events": map(pl.DataFrame.to_arrow, self.visits.liking),
                    "impressions": ahead(map(pl.DataFrame.to_arrow, self._weighed(results, bias))),
                },
                self._examples(judged),
            ),
        )

    def _placed(self, shown: Sum, counts: Iterable[Counts], tallies: Sum) -> Iterator[pl.DataFrame]:
        """Yields the results in order with what labels them, counts them, and what was shown and clicked where that is asked for."""
        zero = any(part.zero for part in counts)
        for rows in self.visits.results:
            results = placed(rows, zero)
            if self.options.position_bias != NONE:
                shown.add(sum_results(results))
            impressions = decided(results, self.held.judgements, self.options.precedence)
            tallies.add(tally_impressions(impressions))
            yield impressions

    def _weighed(self, results: Iterable[pl.DataFrame], bias: PositionBias) -> Iterator[pl.DataFrame]:
        """Yields results with their weights."""
        for rows in results:
            yield ruled(weigh(rows, bias, self.options.max_weight))

    def _examples(self, judged: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.Table]]:
        """Yields the examples of queries, then those of judgements."""
        for rows in self.visits.asked:
            country = self.held.country(rows["user_id"])
            made = query_examples(rows, country, self.options.history, self.survey.splits.test_start)
            yield from ((split, table) for split, table in made.items() if split != TEST)
        yield from ((split, table) for split, table in judged.items() if split != TEST)


def _by_visitor(events: Pieces, survey: Survey) -> Iterator[pl.DataFrame]:
    """Yields the events of some visitors after those of others."""
    parts = Spool(events.folder / "visitors", events.count)
    for piece in ahead(events.numbered()):
        parts.add(piece, survey.visitors.parts(piece, events.count))
    # Sorted already: each piece's rows follow those of the one before.
    yield from parts


def _counts_of(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    return {split: table.num_rows for split, table in tables.items()}


def _count_all(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Adds up how many examples there are of each split; the towers never see those of the test."""
    total: dict[str, int] = {}
    for part in parts:
        for split, count in part.items():
            total[split] = total.get(split, 0) + count
    total.pop(TEST, None)
    return total
