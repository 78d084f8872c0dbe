"""What the Labeler may be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aisle.schema.features import HISTORY_LENGTH
from aisle.schema.options import Amount, AtLeastOne, AtLeastZero, Days, Options, Positive, Rate, Share

Minutes = Annotated[float, Field(strict=True, gt=0, le=1440)]
"""Of a day at most, as a visit."""


class LabelerOptions(Options):
    """Options of the Labeler.

    Attributes:
        test_days: days at the end of the data that are tested on.
        eval_days: days before those, for validation and for training the ranking head.
        max_share: neither window may take more than this share of the data's whole time.
        history: how many of a user's latest interactions a history holds.
        min_queries: training needs at least so many queries (baskets or searches).
        click_window_minutes: a click belongs to a result shown at most so long before it.
        conversion_window_days: a purchase belongs to a click at most so long before it. The longer, the
            more clicks at the end of a split have an outcome that is not known yet.
        position_bias: how to tell a result's position from its worth: `harvest` compares the clicks on the
            same result of the same query at several positions, `em` (regression-EM) explains clicks by
            position and by the texts' overlap and popularity, `none` doesn't. Where the data is too thin
            for one, the next of these is taken, and the report says why. A pipeline estimates it only
            where something reads it: with `ranker.propensity`.
        max_weight: an inverse propensity weight is clipped here.
        precedence: what labels a search result that was shown to a visitor and judged by a person:
            `clicks` leaves what the visitor did, `judgements` takes the grade. A judged query trains on its
            grades either way; a grade says what answers a query, a click what this visitor was after.
        intent_confidence: the share of the votes, 0 to 1, that a category needs to be a query's intent.
        intent_prior: how many votes the words of a query weigh beside what was taken for it.
        titles: whether the items' titles stand for queries where there is neither the table of events nor that of
            judgements; a run that begins with another shop's says so by itself, without it such a shop is refused.
        tags_per_item: at most so many.
        tag_items: a tag is in the titles of at least so many items.
        part_rows: events of more rows are labelled in parts of about so many, which lie on disk by turns (docs/scale.md);
            what comes out is the same.
    """

    test_days: AtLeastOne = 30
    eval_days: AtLeastOne = 30
    max_share: Rate = 0.2
    history: AtLeastOne = HISTORY_LENGTH
    min_queries: AtLeastOne = 10
    click_window_minutes: Minutes = 30.0
    conversion_window_days: Annotated[Days, Field(gt=0)] = 3.0
    position_bias: Literal["harvest", "em", "none"] = "harvest"
    max_weight: Positive = 10.0
    precedence: Literal["clicks", "judgements"] = "clicks"
    intent_confidence: Share = 0.6
    intent_prior: Amount = 2.0
    titles: bool = False
    tags_per_item: AtLeastZero = 5
    tag_items: AtLeastOne = 3
    part_rows: Annotated[int, Field(strict=True, ge=1_000)] = 2_000_000
