"""Photos from shops: told apart, and led to their product, beside the frozen encoder that ours stands on.

    python -m benchmarks.images.grocery --source ../shared/data/grocery [--features FILE] [--check] [--results docs/results.md]

2,640 photos of 81 products train, 296 validate, 2,485 of other shops test. Each product has a picture of its own, as a shop's
catalogue has, which is no photo. *Frozen* is the mean of the last layer of EfficientNet-lite0: its nearest neighbour, a logistic
regression, and the cosine of a photo and a product's picture. *In closed form* adds what earlier stages see, how it varies and
which varies together (`PictureEncoder`), and learns from the training photos what tells products apart (`Discriminant`); a product
is the mean of its photos and its picture. For *products without a photo* it is learnt from the photos of other products, a third
left out, and theirs are looked for among all 81 by the pictures alone. *Ours* tunes the network's later stages on the training
photos (`PictureClassifier`, 20 minutes of a processor).

Words find no item that has none. *Without a title*: half of the products lose theirs, at random. Asked for a coarse class
(`juice`), how many of the class's untitled ones are among the ten that look most like its titled ones, by the catalogue's
pictures alone? Without pictures it is chance.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images.memory import peak_of_reading
from benchmarks.images.photos import PRODUCTS, Photos, Values, features, read_lists, tuned
from benchmarks.shared.command import Command, Figure, in_fresh_process
from benchmarks.shared.results import table

Found = dict[str, Any]
Labels = NDArray[np.int64]
OURS, CLOSED, FROZEN = "aisle", "aisle, in closed form", "frozen, last layer"
LEFT_OUT, DRAWS, NEAR = 3, 20, 10
MANY = 10_000

FIGURES = (
    Figure("fine", lambda found: found["fine"][OURS], least=0.80),
    Figure("fine_frozen", lambda found: found["fine"]["frozen, logistic regression"]),
    Figure("fine_validated", lambda found: found.get("validated")),
    Figure("fine_in_closed_form", lambda found: found["fine"][CLOSED]),
    Figure("coarse", lambda found: found["coarse"][OURS]),
    Figure("product_top_1", lambda found: found["product"][OURS][0], least=0.55),
    Figure("product_top_5", lambda found: found["product"][OURS][1], least=0.85),
    Figure("product_top_1_frozen", lambda found: found["product"][FROZEN][0]),
    Figure("product_top_5_frozen", lambda found: found["product"][FROZEN][1]),
    Figure("without_a_photo_top_5", lambda found: found["product"]["aisle, products without a photo"][1]),
    Figure("untitled_recall", lambda found: found["untitled"]["with pictures"]),
    Figure("untitled_recall_without", lambda found: found["untitled"]["without"]),
    Figure("megabytes_more_for_10000", lambda found: found.get("megabytes"), most=200),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="classes.csv, train.txt, val.txt, test.txt and their pictures")
    command.add_argument(
        "--features", type=pathlib.Path, help="keeps what the encoder sees in this .npz file"
    )
    command.run(measure, {"pictures": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """The accuracies of ours and of the frozen encoder, and what reading many pictures takes."""
    photos = read_lists(told.source)
    seen = features(photos, told.features)
    last = {split: _unit(values[:, _last_layer()]) for split, values in seen.items()}
    train, test = photos["train"], photos["test"]
    learnt = _learnt(seen, train.fine, np.ones(len(train.fine), bool))
    own = learnt[PRODUCTS]
    kinds = range(len(own))
    things = np.stack([np.vstack([learnt["train"][train.fine == k], own[k]]).mean(0) for k in kinds])
    closed = learnt["test"] @ things.T - (things**2).sum(1) / 2
    ours, validated = tuned(photos, "test", "val")
    nearest = last["test"] @ last["train"].T
    linear = _logistic(last, train.fine)
    fine = {
        "frozen, nearest neighbour": _right(train.fine[nearest.argmax(1)], test.fine),
        "frozen, logistic regression": _right(linear, test.fine),
        CLOSED: _right(closed.argmax(1), test.fine),
        OURS: _right(ours.argmax(1), test.fine),
    }
    of_class = photos[PRODUCTS].coarse
    coarse = {
        "frozen, nearest neighbour": _right(train.coarse[nearest.argmax(1)], test.coarse),
        "frozen, logistic regression": _right(of_class[linear], test.coarse),
        CLOSED: _right(of_class[closed.argmax(1)], test.coarse),
        OURS: _right(of_class[ours.argmax(1)], test.coarse),
    }
    product = {
        FROZEN: _top(last["test"] @ last[PRODUCTS].T, test.fine),
        "aisle, products without a photo": _unseen(seen, train, test),
        CLOSED: _top(closed, test.fine),
        OURS: _top(ours, test.fine),
    }
    more = [in_fresh_process(peak_of_reading, count) for count in (MANY // 10, MANY)]
    return {
        **{"fine": fine, "coarse": coarse, "product": product, "untitled": untitled(seen, photos)},
        "validated": _right(validated.argmax(1), photos["val"].fine),
        "megabytes": more[1] - more[0],
    }


def untitled(seen: dict[str, Values], photos: dict[str, Photos]) -> dict[str, float]:
    """The recall of products without a title, by the pictures of those of their class that have one, and by chance."""
    import tensorflow as tf

    from aisle.model.images.whitening import Whitening

    pictures = seen[PRODUCTS]
    vectors = Whitening.learn(pictures)(tf.constant(pictures)).numpy()
    coarse, found, chance = photos[PRODUCTS].coarse, list[float](), list[float]()
    for seed in range(DRAWS):
        bare = np.random.default_rng(seed).permutation(len(coarse)) < len(coarse) // 2
        for kind in np.unique(coarse):
            asked, wanted = (coarse == kind) & ~bare, (coarse == kind) & bare
            if not asked.any() or not wanted.any():
                continue
            likeness = np.where(bare, (vectors @ vectors[asked].T).max(1), -np.inf)
            near = np.argsort(-likeness)[:NEAR]
            found.append(float(wanted[near].sum() / min(NEAR, wanted.sum())))
            chance.append(NEAR / bare.sum())
    return {"with pictures": float(np.mean(found)), "without": float(np.mean(chance))}


def _unseen(seen: dict[str, Values], train: Photos, test: Photos) -> tuple[float, float]:
    """Photo to product where no photo of it trains."""
    bare = np.random.default_rng(0).permutation(len(seen[PRODUCTS])) % LEFT_OUT == 0
    learnt = _learnt(seen, train.fine, ~bare[train.fine])
    asked = bare[test.fine]
    return _top(_unit(learnt["test"][asked]) @ _unit(learnt[PRODUCTS]).T, test.fine[asked])


def _learnt(seen: dict[str, Values], fine: Labels, trains: NDArray[np.bool_]) -> dict[str, Values]:
    """Every split in the space that tells apart what some training photos show."""
    import tensorflow as tf

    from aisle.model.images.discriminant import Discriminant
    from aisle.model.images.encoder import texture_parts

    _, shown = np.unique(fine[trains], return_inverse=True)
    turn = Discriminant.learn(seen["train"][trains], shown, texture_parts())
    return {split: turn(tf.constant(values)).numpy() for split, values in seen.items()}


def _last_layer() -> slice:
    """Where the means of the last layer stand among the features."""
    from aisle.model.images.efficientnet import STAGES, WIDTH

    start = sum(stage.channels for stage in STAGES)
    return slice(start, start + WIDTH)


def _logistic(last: dict[str, Values], fine: Labels) -> Labels:
    """What logistic regression on the last layer says of the test photos."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=30, max_iter=100).fit(last["train"], fine)
    said: Labels = model.predict(last["test"])
    return said


def _unit(values: Values) -> Values:
    lengths: Values = np.linalg.norm(values, axis=1, keepdims=True)
    return values / lengths


def _right(said: Labels, true: Labels) -> float:
    return float((said == true).mean())


def _ranks(scores: Values, true: Labels) -> Labels:
    """How many products come before the right one."""
    own = scores[np.arange(len(true)), true]
    before: Labels = (scores > own[:, None]).sum(1)
    return before


def _top(scores: Values, true: Labels) -> tuple[float, float]:
    """How often the right one is the first, and among the first five."""
    ranks = _ranks(scores, true)
    return float((ranks < 1).mean()), float((ranks < 5).mean())


def markdown(found: Found) -> str:
    """The tables people read."""
    fine = [(name, f"{value:.4f}", f"{found['coarse'][name]:.4f}") for name, value in found["fine"].items()]
    product = [(name, *(f"{value:.4f}" for value in both)) for name, both in found["product"].items()]
    untitled_ = [(name, f"{value:.4f}") for name, value in found["untitled"].items()]
    many = found.get("megabytes")
    said = (
        f"Reading {MANY:,} pictures takes {many:.0f} MB more than reading a tenth of them."
        if many is not None
        else ""
    )
    return "\n\n".join(
        (
            table(("photos of the test", "81 products", "43 coarse classes"), fine),
            table(("photo to product", "top-1", "top-5"), product),
            table(("items without a title", f"recall@{NEAR}"), untitled_),
            said,
        )
    ).strip()


if __name__ == "__main__":
    main()
