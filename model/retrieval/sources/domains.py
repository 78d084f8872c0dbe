"""What is taken in a domain, of a shop that has several: what sells there, and what goes with what a user took in each.

How much one domain says of another is learnt (`aisle.model.retrieval.domains`); where that doesn't surely win it says nothing.
In a shop of one domain the source says nothing of any item.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.domains.mixture import goes_with, share, sold_at
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Offer, Past, Score, TableSource, Tensors


def _build(past: Past) -> Arrays:
    """Neighbours; the domain of each item, int32 [n]; what each says of each, [D, D]; what sells in its domain, [n].

    Each domain counts by its share of all that was taken, so that items of different domains can be compared.
    """
    domains = past.domains
    if domains is None or not domains.learnt:
        nothing = np.zeros((past.count, 0))
        return {
            **neighbours((nothing.astype(np.int32), nothing.astype(np.float32))),
            "domain": np.zeros(past.count, np.int32),
            "says": np.zeros((1, 1), np.float32),
            "sold": np.zeros(past.count, np.float32),
        }
    takings = domains.takings(past.known)
    size = np.bincount(takings.domains[takings.items], minlength=len(domains.names)) / max(
        len(takings.items), 1
    )
    sold = np.zeros(past.count, np.float32)
    for number, learnt in enumerate(domains.learnt):
        inside = np.flatnonzero(domains.of == number)
        column = np.full(past.count, -1)
        column[inside] = np.arange(len(inside))
        sales, mixture = takings.only(takings.within(number)), learnt.mixture
        lately = share(sold_at(np.array([1e-9]), sales, column, mixture.half_life))[0]
        ever = share(np.bincount(column[sales.items], minlength=len(inside))[None].astype(np.float32))[0]
        sold[inside] = size[number] * (lately + mixture.always * ever)
    says = np.stack([size[number] * learnt.mixture.of for number, learnt in enumerate(domains.learnt)], 1)
    return {
        **neighbours(goes_with(takings)),
        "domain": domains.of.astype(np.int32),
        "says": says.astype(np.float32),
        "sold": sold,
    }


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    """Adds to what sells what goes with the user's items of each domain, each a share of the answer's domain."""
    total, domain = inputs.everywhere(kept["sold"]), kept["domain"]
    count = kept["says"].shape[0]
    if count == 1:
        return {"domains": total}
    worth, source = inputs.taken.counts["repeat_orders"], tf.gather(domain, inputs.taken.item)
    parts = spread(inputs, kept, [tf.where(source == number, worth, 0.0) for number in range(count)])
    for number, part in enumerate(parts):
        whole = tf.math.unsorted_segment_sum(tf.transpose(part), domain, count)
        shares = tf.math.divide_no_nan(part, tf.transpose(tf.gather(whole, domain)))
        total += tf.gather(kept["says"][number], domain) * shares
    return {"domains": total}


SOURCE = TableSource("domains", (Score("domains", number=False),), _score, _build)
WITHIN = Offer("domains", 60, 1.0)
"""Its part where a domain is asked for; without one the other sources, which know of none, are enough."""
