"""What is answered where ranking is not."""

from __future__ import annotations

import dataclasses

from aisle.schema.errors import InputError
from aisle.serving.client.errors import DeadlineExceeded, Overloaded, Unreachable

FAILURES = (DeadlineExceeded, Overloaded, Unreachable)
"""A fallback stands in for these alone: what is wrong, not late, must be seen."""


@dataclasses.dataclass(frozen=True)
class Fallback:
    """An answer without the ranking head, where the one with it fails by DeadlineExceeded, Overloaded or Unreachable.

    Example:
        >>> found = Client("127.0.0.1:8500", timeout=0.2, fallback=Fallback()).rank("mug", "u17", candidates)
        >>> found.fallback
        True

    `rank` and `rank_batch` then answer the items in the order they came, the retrieval's, each with the score 0;
    this takes no server and no time. `recommend` and `recommend_batch` ask the signature `retrieve`, the two-tower
    without the head, in the time that is left, with its scores. Either answer is a `ScoredItems` whose `fallback` is
    True. The other questions have none.

    Attributes:
        share: of the timeout, what `recommend` is given; the rest is left to `retrieve`.

    Raises:
        InputError: `share` leaves one of them no time.
    """

    share: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(
                f"the fallback's share is {self.share!r}; expected a number between 0 and 1, such as 0.7"
            )
