"""What those who took an item take too, and don't: EASE, learnt from all that was ever taken and from the latest."""

from __future__ import annotations

from aisle.model.retrieval.co_occurrence import ease
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors

_L2, _DECAYED_L2 = 200.0, 50.0
"""The regularisation of what was ever taken, and of what was taken lately (half after 60 days)."""
_DECAYED = "decayed_"


def _build(past: Past) -> Arrays:
    return {
        **neighbours(ease(past.by_user(), _L2)),
        **neighbours(ease(past.by_user("repeat_60"), _DECAYED_L2), _DECAYED),
    }


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    taken = inputs.taken
    lately = taken.counts["repeat_60"]
    all_alike, recent, orders = spread(inputs, kept, [taken.once, lately, taken.counts["repeat_orders"]])
    (decayed,) = spread(inputs, kept, [lately], _DECAYED)
    return {"ease": all_alike, "ease_recent": recent, "ease_decayed": decayed, "ease_orders": orders}


SOURCE = TableSource(
    "ease",
    (
        Score("ease", share=True),
        Score("ease_recent", recommend=Part(80, 1.0), share=True),
        Score("ease_decayed", recommend=Part(60, 1.0), share=True),
        Score("ease_orders", share=True),
    ),
    _score,
    _build,
)
