"""What the report `labels` says: counts, windows, position bias, intents, agreement."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from aisle.components.labeler.interactions import Splits
from aisle.components.labeler.options import LabelerOptions
from aisle.schema import events as kinds
from aisle.schema.splits import EVAL, TEST, TRAIN

if TYPE_CHECKING:
    from aisle.components.labeler.labelled import Labelled, Tally

_EXAMPLES = 12
INTERACTION_KINDS = ("split", "event")
IMPRESSION_KINDS = ("split", "source", "grade", "clicked", "purchase")
"""What the report counts by."""


def summarise(labelled: Labelled, options: LabelerOptions) -> dict[str, Any]:
    """Returns the report `labels`, version 1 of docs/reports.md."""
    held = ("items", "judgements", "intents", "tags")
    frames = {name: pl.DataFrame(pl.from_arrow(labelled.tables[name])) for name in held}
    impressions, judgements = labelled.tally.impressions(), frames["judgements"]
    return {
        "version": 1,
        "goal": labelled.splits.goal,
        "splits": _splits(labelled.splits, labelled.tally, judgements),
        "windows": {
            "click_minutes": options.click_window_minutes,
            "conversion_days": options.conversion_window_days,
        },
        "outcomes": {**dataclasses.asdict(labelled.outcomes), "labelled": _count(impressions)},
        "joins": dataclasses.asdict(labelled.joins),
        "position_bias": {
            "asked": options.position_bias,
            "method": labelled.bias.method,
            "why": labelled.bias.why,
            "max_weight": options.max_weight,
            "places": [dataclasses.asdict(place) for place in labelled.bias.places],
        },
        "intents": {
            "queries": labelled.intents.queries,
            "decided": frames["intents"].height,
            "confidence": options.intent_confidence,
            "levels": _counts(frames["intents"].group_by("level").len("count"), "level"),
            "examples": frames["intents"].head(_EXAMPLES).to_dicts(),
        },
        "tags": {
            "items": frames["tags"]["item_id"].n_unique(),
            "tags": frames["tags"]["tag"].n_unique(),
            "examples": _tag_examples(frames["tags"], frames["items"]),
        },
        "judgements": {
            "queries": judgements["query"].n_unique(),
            "judgements": judgements.height,
            "grades": _counts(judgements.group_by("grade").len("count"), "grade"),
            "precedence": options.precedence,
            "clicks_by_grade": _clicks_by_grade(impressions),
            "judged_results": _count(impressions, pl.col("source") == "judgement"),
            "agreement": dataclasses.asdict(labelled.agreement) if labelled.agreement else None,
        },
    }


def tally_interactions(interactions: pl.DataFrame) -> pl.DataFrame:
    """Counts interactions by what the report tells of them (`Tally.interactions`)."""
    return interactions.group_by(INTERACTION_KINDS).len("count")


def tally_impressions(impressions: pl.DataFrame) -> pl.DataFrame:
    """Counts results of searches by what the report tells of them (`Tally.impressions`)."""
    return impressions.group_by(IMPRESSION_KINDS).len("count")


def _splits(splits: Splits, tally: Tally, judgements: pl.DataFrame) -> list[dict[str, Any]]:
    """A record a split: from when to when, and its labels by kind."""
    bounds = {
        TRAIN: (None, splits.eval_start),
        EVAL: (splits.eval_start, splits.test_start),
        TEST: (splits.test_start, splits.end),
    }
    records = []
    for split, (start, end) in bounds.items():
        taken, shown, judged = (
            frame.filter(pl.col("split") == split)
            for frame in (tally.interactions, tally.impressions(), judgements)
        )
        timed = splits.end > 0
        records.append(
            {
                "split": split,
                "start": _moment(start) if timed else None,
                "end": _moment(end) if timed else None,
                "examples": tally.examples.get(split, 0),
                "interactions": _count(taken),
                "events": _counts(taken, "event"),
                "purchases": _count(taken, pl.col("event") == kinds.PURCHASE.name),
                "results": _count(shown),
                "clicked": _count(shown, pl.col("clicked") == 1),
                "converted": _count(shown, pl.col("purchase") == 1),
                "unknown": _count(shown, pl.col("purchase") < 0),
                "judgements": judged.height,
            }
        )
    return records


def _count(counts: pl.DataFrame, which: pl.Expr | bool = True) -> int:
    """How many rows were counted that are as said."""
    return int(counts.filter(which)["count"].sum())


def _counts(counts: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """How often each value was counted, ascending by value."""
    return counts.group_by(column).agg(pl.col("count").sum()).sort(column).to_dicts()


def _clicks_by_grade(impressions: pl.DataFrame) -> list[dict[str, Any]]:
    """How often results of each grade were clicked: whether what people judge is what visitors take."""
    judged = impressions.filter(pl.col("grade").is_not_null())
    results = pl.col("count").sum()
    clicked = pl.col("count").filter(pl.col("clicked") == 1).sum()
    rates = judged.group_by("grade").agg(results.alias("results"), (clicked / results).alias("ctr"))
    return rates.sort("grade").to_dicts()


def _tag_examples(tags: pl.DataFrame, items: pl.DataFrame) -> list[dict[str, Any]]:
    few = tags.group_by("item_id", maintain_order=True).agg(pl.col("tag").alias("tags")).head(_EXAMPLES)
    return few.join(items.select("item_id", "title"), on="item_id", maintain_order="left").to_dicts()


def _moment(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    return moment.isoformat(sep=" ", timespec="seconds")
