"""What the Labeler may be told."""

from __future__ import annotations

import dataclasses

from aisle.schema.features import HISTORY_LENGTH


@dataclasses.dataclass(frozen=True)
class LabelerOptions:
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
    """

    test_days: int = 30
    eval_days: int = 30
    max_share: float = 0.2
    history: int = HISTORY_LENGTH
    min_queries: int = 10
    click_window_minutes: float = 30.0
    conversion_window_days: float = 3.0
