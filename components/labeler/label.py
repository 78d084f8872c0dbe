"""From cleaned tables to everything the models learn from and are tested on."""

from __future__ import annotations

import dataclasses

import polars as pl
import pyarrow as pa

from aisle.components.labeler.interactions import Splits, choose_splits, liking_events, make_interactions
from aisle.components.labeler.judged.agreement import Agreement, agreement
from aisle.components.labeler.judged.judgements import (
    EVAL_SHARE,
    TRAIN_SHARE,
    apply_precedence,
    split_judgements,
)
from aisle.components.labeler.meaning.intents import Intents, query_intents
from aisle.components.labeler.meaning.tags import item_tags
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.queries import item_examples, judged_examples, query_examples
from aisle.components.labeler.searches.attribution import Joins, attribute
from aisle.components.labeler.searches.impressions import Outcomes, make_impressions
from aisle.components.labeler.searches.position_bias import PositionBias, estimate_position_bias, weigh
from aisle.components.labeler.searches.sponsored import marked
from aisle.schema.errors import InputError
from aisle.schema.splits import EVAL, ITEMS, TEST, TRAIN


@dataclasses.dataclass(frozen=True)
class Labelled:
    """The Labeler's result.

    Attributes:
        tables: `items`, `users`, `interactions`, `events` (those that show a liking), `impressions`, `judgements`,
            `intents` (of queries) and `tags` (of items), by name.
        examples: tower examples by split: `items`, `train`, `eval`.
        splits: the times that part the splits, and the goal event.
        outcomes: how the impressions came to their labels.
        joins: how many clicks and purchases were joined to what.
        bias: how likely a look is at each position.
        intents: what queries are after.
        agreement: of the people who judged; None where the table says nothing of several.
    """

    tables: dict[str, pa.Table]
    examples: dict[str, pa.Table]
    splits: Splits
    outcomes: Outcomes
    joins: Joins
    bias: PositionBias
    intents: Intents
    agreement: Agreement | None


def label(tables: dict[str, pa.Table], options: LabelerOptions) -> Labelled:
    """Labels and splits cleaned tables.

    Args:
        tables: cleaned canonical tables by name; `items` and one of `events`, `judgements`.
        options: windows and lengths.

    Raises:
        InputError: there is nothing to learn from, or too little.
    """
    items = _frame(tables["items"], ["item_id", "title"])
    users = _frame(tables.get("users"), ["user_id", "country"])
    events = _frame(
        tables.get("events"),
        ["timestamp", "event", "item_id", "user_id", "session_id", "query", "position", "sponsored"],
    )
    events = marked(events, options)
    judged = _frame(tables.get("judgements"), ["query", "item_id", "grade"])
    judgements = split_judgements(judged)
    splits = Splits(0, 0, 0, "judgement") if events.is_empty() else choose_splits(events, options)
    found = attribute(events, options)
    interactions = make_interactions(found.taken, splits)
    organic = interactions.filter(~pl.col("sponsored"))
    impressions, outcomes = make_impressions(found, splits, options)
    bias = estimate_position_bias(impressions, items, organic, options)
    impressions = weigh(impressions, bias, options.max_weight)
    impressions = apply_precedence(impressions, judgements, options.precedence)
    intents = query_intents(organic, items, options)
    country = {u: c or "" for u, c in users.select("user_id", "country").iter_rows()}
    queries = query_examples(interactions, country, options.history, splits.test_start)
    examples = _join(queries, judged_examples(judgements))
    examples.pop(TEST, None)  # The towers never see it; the Evaluator reads the interactions.
    _require(examples, options, events)
    return Labelled(
        tables={
            "items": items.to_arrow(),
            "users": users.to_arrow(),
            "interactions": interactions.to_arrow(),
            "events": liking_events(events).to_arrow(),
            "impressions": impressions.to_arrow(),
            "judgements": judgements.to_arrow(),
            "intents": intents.table.to_arrow(),
            "tags": item_tags(items, options).to_arrow(),
        },
        examples={ITEMS: item_examples(items), **examples},
        splits=splits,
        outcomes=outcomes,
        joins=found.joins(),
        bias=bias,
        intents=intents,
        agreement=agreement(judged),
    )


_TYPES: dict[str, pl.DataType] = {
    "timestamp": pl.Int64(),
    "position": pl.Int64(),
    "grade": pl.Float64(),
    "sponsored": pl.Int64(),
}


def _frame(table: pa.Table | None, columns: list[str]) -> pl.DataFrame:
    """The table as a data frame that surely has `columns` (null where the shop has none)."""
    if table is None:
        return pl.DataFrame(schema={name: _TYPES.get(name, pl.String()) for name in columns})
    frame = pl.DataFrame(pl.from_arrow(table))
    missing = [name for name in columns if name not in frame.columns]
    return frame.with_columns([pl.lit(None, _TYPES.get(name, pl.String())).alias(name) for name in missing])


def _join(one: dict[str, pa.Table], other: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Both sources' examples, split by split."""
    names = dict.fromkeys((*one, *other))
    return {name: pa.concat_tables([part[name] for part in (one, other) if name in part]) for name in names}


def _require(examples: dict[str, pa.Table], options: LabelerOptions, events: pl.DataFrame) -> None:
    """Raises InputError unless training and validation both have queries."""
    least = {TRAIN: options.min_queries, EVAL: 1}
    found = {split: examples[split].num_rows if split in examples else 0 for split in least}
    short = [split for split in least if found[split] < least[split]]
    if short and events.is_empty():
        raise InputError(
            f"no data: of the judged queries the train split holds {found[TRAIN]} and the eval split {found[EVAL]}, at least "
            f"{least[TRAIN]} and {least[EVAL]} are needed; judge {_enough_judged(least[TRAIN], least[EVAL])} queries or "
            "more, each with an item of a grade above 0: of ten queries about eight train, and one is for eval"
        )
    if short and events["user_id"].null_count() == len(events):
        raise InputError(
            f"no data: the {short[0]} split holds {found[short[0]]} baskets or searches, at least {least[short[0]]} are "
            "needed, and no event has a user_id, so that nobody's history can be learnt from; say by [columns.events] which "
            "column names the user, or give events with queries, or baskets of several items in one session_id"
        )
    for split in short:
        raise InputError(
            f"no data: the {split} split holds {found[split]} baskets or searches, at least {least[split]} are needed; "
            "give a longer span of events, or shorten labels.test_days and labels.eval_days"
        )


def _enough_judged(train: int, validation: int) -> int:
    """The number of queries of which, in 99 of 100 cases, so many are put to train and to eval by `split_judgements`."""
    from scipy import stats

    # How many fail before the last success that is needed: negative binomial.
    drawn = ((train, TRAIN_SHARE), (validation, EVAL_SHARE))
    return int(max(least + stats.nbinom.ppf(0.99, least, share) for least, share in drawn))
