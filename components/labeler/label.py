"""From cleaned tables to everything the models learn from and are tested on."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from aisle.components.labeler.interactions import Splits, choose_splits, liking_events, make_interactions
from aisle.components.labeler.judged.judgements import EVAL_SHARE, TRAIN_SHARE, apply_precedence
from aisle.components.labeler.judged.titles import titles_asked
from aisle.components.labeler.labelled import EVENT_COLUMNS, Held, Labelled, Tally, frame_of
from aisle.components.labeler.meaning.intents import query_intents, query_votes
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.queries import item_examples, judged_examples, query_examples
from aisle.components.labeler.searches.attribution import attribute
from aisle.components.labeler.searches.impressions import make_impressions
from aisle.components.labeler.searches.position_bias import estimate_position_bias, weigh
from aisle.components.labeler.searches.sponsored import marked
from aisle.components.labeler.summary import tally_impressions, tally_interactions
from aisle.schema.errors import InputError
from aisle.schema.splits import EVAL, ITEMS, TEST, TRAIN


def label(tables: dict[str, pa.Table], options: LabelerOptions) -> Labelled:
    """Labels and splits cleaned tables.

    Args:
        tables: cleaned canonical tables by name; `items` and, unless titles stand for queries, `events` or `judgements`.
        options: windows and lengths.

    Raises:
        InputError: there is nothing to learn from, or too little.
    """
    held = Held.of(tables)
    events = marked(frame_of(tables.get("events"), EVENT_COLUMNS).select(EVENT_COLUMNS), options)
    splits = Splits(0, 0, 0, "judgement") if events.is_empty() else choose_splits(events, options)
    found = attribute(events, options)
    interactions = make_interactions(found.taken, splits)
    organic = interactions.filter(~pl.col("sponsored"))
    impressions, outcomes = make_impressions(found, splits, options)
    bias = estimate_position_bias(impressions, held.items, organic, options)
    impressions = weigh(impressions, bias, options.max_weight)
    impressions = apply_precedence(impressions, held.judgements, options.precedence)
    intents = query_intents(query_votes(organic), held.items, options)
    queries = query_examples(
        interactions, held.country(interactions["user_id"]), options.history, splits.test_start
    )
    untold = options.titles and not {"events", "judgements"} & tables.keys()
    judged = titles_asked(held.items) if untold else held.judgements
    examples = _join(queries, judged_examples(judged))
    examples.pop(TEST, None)  # The towers never see it; the Evaluator reads the interactions.
    counts = {split: table.num_rows for split, table in examples.items()}
    if untold:
        require_titles(counts, options)
    else:
        require(counts, options, None if events.is_empty() else events["user_id"].count() > 0)
    tallied = tally_impressions(impressions)
    return Labelled(
        tables={
            **held.tables(intents, options),
            "interactions": interactions.to_arrow(),
            "events": liking_events(events).to_arrow(),
            "impressions": impressions.to_arrow(),
        },
        examples={ITEMS: item_examples(held.items), **examples},
        splits=splits,
        outcomes=outcomes,
        joins=found.joins(),
        bias=bias,
        intents=intents,
        agreement=held.agreement(),
        tally=Tally(tally_interactions(interactions), lambda: tallied, counts),
    )


def _join(one: dict[str, pa.Table], other: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Both sources' examples, split by split."""
    names = dict.fromkeys((*one, *other))
    return {name: pa.concat_tables([part[name] for part in (one, other) if name in part]) for name in names}


def require(examples: Mapping[str, int], options: LabelerOptions, named: bool | None) -> None:
    """Refuses too little to learn from.

    Args:
        examples: how many each split has.
        options: how many are enough to train.
        named: whether any event has a user; None where there are no events.

    Raises:
        InputError: training or validation have too few queries.
    """
    least = {TRAIN: options.min_queries, EVAL: 1}
    found = {split: examples.get(split, 0) for split in least}
    short = [split for split in least if found[split] < least[split]]
    if short and named is None:
        raise InputError(
            f"no data: of the judged queries the train split holds {found[TRAIN]} and the eval split {found[EVAL]}, at least "
            f"{least[TRAIN]} and {least[EVAL]} are needed; judge {_enough_judged(least[TRAIN], least[EVAL])} queries or "
            "more, each with an item of a grade above 0: of ten queries about eight train, and one is for eval"
        )
    if short and not named:
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


def require_titles(examples: Mapping[str, int], options: LabelerOptions) -> None:
    """Refuses too few titles to learn from where they stand for queries.

    Raises:
        InputError: there are fewer than training and validation need.
    """
    found, least = examples.get(TRAIN, 0) + examples.get(EVAL, 0), options.min_queries + 1
    if found < least:
        raise InputError(
            f"no data: the items have {found} different titles, and at least {least} are needed where there are neither events "
            "nor judgements; give more items, or lower labels.min_queries"
        )


def _enough_judged(train: int, validation: int) -> int:
    """The number of queries of which, in 99 of 100 cases, so many are put to train and to eval by `split_judgements`."""
    from scipy import stats

    # How many fail before the last success that is needed: negative binomial.
    drawn = ((train, TRAIN_SHARE), (validation, EVAL_SHARE))
    return int(max(least + stats.nbinom.ppf(0.99, least, share) for least, share in drawn))
