"""What each part of the recommendations on Online Retail is worth: numbers, windows, titles.

    python -m benchmarks.recommendation.retail_parts --source ../shared/data/online-retail [--seed 1] [--results docs/experiments.md]

Users, test and training are those of `retail.py`. The ranking head, one instead of several, is trained again without a
group of its numbers, on one window alone, and with BERT reading the titles.
"""

from __future__ import annotations

import time
from typing import Any

from aisle.components.evaluator.measures.protocol import Protocol
from aisle.model.options import RankingOptions
from benchmarks.recommendation.retail import Shop
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import HEADER, K, Measured, row
from benchmarks.shared.served import Answering, Trained, tensors

WHOLE = "all numbers"
ABLATIONS: dict[str, tuple[str, ...]] = {
    "without EASE": (
        *("ease", "ease_recent", "ease_decayed", "ease_orders"),
        *("ease_share", "ease_recent_share", "ease_decayed_share", "ease_orders_share"),
    ),
    "without what is ordered next": ("transitions", "transitions_share"),
    "without the spectrum": ("spectrum", "spectrum_share", "spectrum_by_text", "spectrum_by_text_share"),
    "without what texts tell of the spectrum": ("spectrum_by_text", "spectrum_by_text_share"),
    "without tags": ("tags", "tags_share"),
    "without baskets": ("baskets", "latest_basket", "baskets_share", "latest_basket_share"),
    "without own history": (
        *("count", "repeat_7", "repeat_15", "repeat_30", "repeat_60", "repeat_180"),
        *("repeat_orders", "latest_order"),
        *("last", "first", "gap", "overdue", "order_share"),
    ),
    "without the item's numbers": (
        *("popularity", "popularity_7", "popularity_28", "popularity_90", "popularity_all", "item_trend"),
        *("item_users", "item_repeat", "item_last", "item_first", "price_level"),
    ),
    "without the user's numbers": (
        *("user_orders", "user_orders_60", "user_items", "user_repeat", "user_basket"),
        *("user_last", "user_first"),
    ),
}
"""What the ranking head is not shown."""


FIGURES = (
    Figure("all_ndcg", lambda found: found["ablations"][WHOLE]["all"]["ndcg"], least=0.323),
    Figure("new_ndcg", lambda found: found["ablations"][WHOLE]["new"]["ndcg"], least=0.126),
)
"""One head of one seed is off by about 0.002 either way."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--seed", type=int, default=1)
    command.run(
        lambda told, scratch: measure(Shop.make(told.source, scratch), told.seed), {"retail-parts": markdown}
    )


def measure(shop: Shop, seed: int) -> dict[str, Any]:
    """What each part is worth; see `markdown` for the shape."""
    trained = shop.train(seed)
    return {
        "ablations": ablations(trained, shop.protocol),
        "text": text(trained, shop.protocol),
    }


def ablations(trained: Trained, protocol: Protocol) -> dict[str, Any]:
    """The whole pipeline without a part, by one head."""
    found = {
        name: Measured.of(protocol, trained.bundle(hidden, members=1).answers(protocol, "recommend", K))
        for name, hidden in {WHOLE: (), **ABLATIONS}.items()
    }
    alone = Trained.make(trained.labelled, trained.tower, trained.folder, trained.seed, windows=1)
    found["trained on the validation window alone"] = Measured.of(
        protocol, alone.bundle(members=1).answers(protocol, "recommend", K)
    )
    return {name: one.record() for name, one in found.items()}


def text(trained: Trained, protocol: Protocol) -> dict[str, Any]:
    """The whole pipeline with the BERT reading the history's and the candidate's titles."""
    import tensorflow as tf

    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.ranking.reading.making import make_head
    from aisle.model.ranking.reading.text_trainer import train_text
    from aisle.schema.bert.weights import bert_folder

    train, valid = (tensors(trained.examples[split]) for split in ("train", "eval"))
    options = RankingOptions(seed=trained.seed, text="always", members=1)
    features = train_features(train, valid, options, str(trained.folder / "ranking"))
    tf.keras.utils.set_random_seed(trained.seed)
    head = make_head(train, features, options, bert_folder())
    train_text(head, train, valid, options, str(trained.folder / "text"))
    ranker = RankingModule(features, head, options, Labels(False, True), True)
    started = time.monotonic()
    measured = Measured.of(
        protocol, Answering.of(trained.labelled, trained.tower, ranker).answers(protocol, "recommend", K)
    )
    return {**measured.record(), "answer_seconds": time.monotonic() - started}


def markdown(found: dict[str, Any]) -> str:
    """The tables of what each part is worth."""
    lines = [
        f"One head, one seed; it took {found['minutes']} minutes.",
        "",
        *HEADER,
        *(row(name, record) for name, record in found["ablations"].items()),
        row("all numbers, and BERT reading the titles", found["text"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
