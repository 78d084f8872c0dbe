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
    from aisle.components.labeler.label import Labelled

_EXAMPLES = 12


def summarise(labelled: Labelled, options: LabelerOptions) -> dict[str, Any]:
    """Returns the report `labels`, version 1 of docs/reports.md."""
    frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in labelled.tables.items()}
    impressions, judgements = frames["impressions"], frames["judgements"]
    return {
        "version": 1,
        "goal": labelled.splits.goal,
        "splits": _splits(labelled.splits, frames, labelled.examples),
        "windows": {
            "click_minutes": options.click_window_minutes,
            "conversion_days": options.conversion_window_days,
        },
        "outcomes": {**dataclasses.asdict(labelled.outcomes), "labelled": impressions.height},
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
            "levels": _counts(frames["intents"], "level"),
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
            "grades": _counts(judgements, "grade"),
            "precedence": options.precedence,
            "clicks_by_grade": _clicks_by_grade(impressions),
            "judged_results": int((impressions["source"] == "judgement").sum()),
            "agreement": dataclasses.asdict(labelled.agreement) if labelled.agreement else None,
        },
    }


def _splits(
    splits: Splits, frames: dict[str, pl.DataFrame], examples: dict[str, Any]
) -> list[dict[str, Any]]:
    """A record a split: from when to when, and its labels by kind."""
    bounds = {
        TRAIN: (None, splits.eval_start),
        EVAL: (splits.eval_start, splits.test_start),
        TEST: (splits.test_start, splits.end),
    }
    records = []
    for split, (start, end) in bounds.items():
        part = {
            name: frame.filter(pl.col("split") == split)
            for name, frame in frames.items()
            if "split" in frame.columns
        }
        shown = part["impressions"]
        timed = splits.end > 0
        records.append(
            {
                "split": split,
                "start": _moment(start) if timed else None,
                "end": _moment(end) if timed else None,
                "examples": examples[split].num_rows if split in examples else 0,
                "interactions": part["interactions"].height,
                "events": _counts(part["interactions"], "event"),
                "purchases": int((part["interactions"]["event"] == kinds.PURCHASE.name).sum()),
                "results": shown.height,
                "clicked": int(shown["clicked"].sum()),
                "converted": int((shown["purchase"] == 1).sum()),
                "unknown": int((shown["purchase"] < 0).sum()),
                "judgements": part["judgements"].height,
            }
        )
    return records


def _counts(frame: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """How often each value is there, ascending by value."""
    counts = frame.group_by(column).len("count").sort(column)
    return counts.to_dicts()


def _clicks_by_grade(impressions: pl.DataFrame) -> list[dict[str, Any]]:
    """How often results of each grade were clicked: whether what people judge is what visitors take."""
    judged = impressions.filter(pl.col("grade").is_not_null())
    rates = judged.group_by("grade").agg(pl.len().alias("results"), pl.col("clicked").mean().alias("ctr"))
    return rates.sort("grade").to_dicts()


def _tag_examples(tags: pl.DataFrame, items: pl.DataFrame) -> list[dict[str, Any]]:
    few = tags.group_by("item_id", maintain_order=True).agg(pl.col("tag").alias("tags")).head(_EXAMPLES)
    return few.join(items.select("item_id", "title"), on="item_id", maintain_order="left").to_dicts()


def _moment(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    return moment.isoformat(sep=" ", timespec="seconds")
