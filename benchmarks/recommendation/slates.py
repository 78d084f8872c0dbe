"""What slates that are not all alike cost and bring: nDCG against diversity and coverage, by the setting `bundle.diversity`.

    python -m benchmarks.recommendation.slates --source out [--results docs/results.md]

The source is what `aisle run` left, of any shop, without the setting: its model as of the start of the test is asked for the best
100 of every test user, which each setting puts in another order by the very code of the served graph. Nothing is trained.
Milliseconds are the CPU's, of that code alone for one user, 100 items and 20 places, and of the call that they come on top of.
"""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from aisle.components.evaluator.baselines.recommenders import seen
from aisle.components.evaluator.holdout import Holdout
from aisle.components.evaluator.measures.diversity import Contents
from aisle.components.evaluator.measures.metrics import Ints, coverage, mean
from aisle.components.evaluator.measures.popularity_bias import novelty
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.components.evaluator.measures.systems import spread
from aisle.components.evaluator.options import EvaluatorOptions
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import K, Measured
from benchmarks.shared.results import table

SETTINGS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
STATED = "0.2"
"""The setting that `--check` asks about."""
_BATCH, _CALLS = 16, 100

FIGURES = (
    Figure("ndcg_kept", lambda found: _against(found, "ndcg"), least=0.97),
    Figure("diversity_gained", lambda found: _against(found, "diversity"), least=1.02),
    Figure("share_of_a_call", lambda found: _share(found["milliseconds"]), most=0.15),
    Figure("milliseconds_more", lambda found: found["milliseconds"]["slate"], most=1.0),
)
"""Of the stated setting, as a share of what there is without; all items count. A busy machine takes more milliseconds of CPU for
the same, and the same share."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="a run")
    command.run(lambda told, _: measure(told.source), {"slates": markdown})


def measure(run: pathlib.Path) -> dict[str, Any]:
    """Every setting; see `markdown` for the shape."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  Its ops must be registered before a model with BERT is loaded.

    from aisle.model.served.slates import Slates

    test = Holdout.read(str(_newest(run, "Labeler/interactions")), EvaluatorOptions())
    model = tf.saved_model.load(str(_served(run, "Bundle/tested_model")))
    tower = tf.saved_model.load(str(_served(run, "Trainer.two_tower/model")))
    protocol, contents = test.protocol, Contents.of(test.protocol, test.items)
    best = {new: best_of(model, protocol, new) for new in (False, True)}
    found = {}
    for one in SETTINGS:
        slates = Slates(tower, one)
        answers = {new: reordered(slates, tower, protocol, *ranked) for new, ranked in best.items()}
        found[f"{one:g}"] = figures(protocol, answers, contents)
    return {
        "users": {"all": len(protocol.users), "new": int(protocol.has_new.sum())},
        "catalogue": len(protocol.item_ids),
        "settings": found,
        "milliseconds": times(model, Slates(tower, float(STATED)), protocol),
    }


def _newest(run: pathlib.Path, artifact: str) -> pathlib.Path:
    """The newest artifact of a component's output."""
    return max((run / "artifacts" / artifact).iterdir(), key=lambda folder: int(folder.name))


def _served(run: pathlib.Path, artifact: str) -> pathlib.Path:
    from tfx.utils import path_utils

    return pathlib.Path(path_utils.serving_model_path(str(_newest(run, artifact))))


def best_of(model: Any, protocol: Protocol, new: bool) -> tuple[Any, Any]:
    """The ids and scores of every user's best items, [users, POOL]; with `new` what they had is left out."""
    import tensorflow as tf

    from aisle.model.served.slates import POOL

    users = protocol.user_ids.to_pylist()
    found = [_ask(model, users[start : start + _BATCH], new, POOL) for start in range(0, len(users), _BATCH)]
    return tuple(tf.concat([one[name] for one in found], 0) for name in ("item_ids", "scores"))


def _ask(model: Any, users: list[str], new: bool, k: int) -> dict[str, Any]:
    """The signature `recommend`, each user's history being what the model knows."""
    import tensorflow as tf

    from aisle.components.saved_model import call_signature
    from aisle.schema.contract import RECOMMEND

    none = tf.fill([len(users), 1], "")
    asked = {"user_id": tf.constant(users), "history": none}
    return call_signature(
        model, RECOMMEND.name, {**asked, "exclude_seen": tf.constant(new), "k": tf.constant(k)}
    )


def reordered(slates: Any, tower: Any, protocol: Protocol, ids: Any, scores: Any) -> Ints:
    """The first K in another order, as the protocol's indices: [users, K]; -1 is an empty place."""
    import pyarrow as pa
    import tensorflow as tf

    known = pa.array(tower.item_ids.numpy(), pa.binary()).cast(pa.string())
    rows = positions(pa.array(ids.numpy().ravel(), pa.binary()).cast(pa.string()), known)
    first, _ = slates.first(tf.constant(rows.reshape(ids.shape), tf.int32), scores, tf.constant(K))
    places = np.append(positions(known, protocol.item_ids), -1)
    return places[first.numpy()]


def figures(protocol: Protocol, answers: dict[bool, Ints], contents: Contents) -> dict[str, Any]:
    """How good the answers are, all items counting and new ones alone, and how they spread."""
    measured = Measured.of(protocol, lambda new: answers[new])
    takers = np.asarray(seen(protocol.train).sum(axis=0), np.int64).ravel()
    return {
        "ndcg": measured.mean("all", "ndcg"),
        "new_ndcg": measured.mean("new", "ndcg"),
        "coverage": coverage(answers[False], len(protocol.item_ids)),
        "novelty": mean(novelty(answers[False], takers, protocol.train.n_users)),
        **spread(protocol, answers[False], np.arange(len(protocol.users)), contents),
    }


def times(model: Any, slates: Any, protocol: Protocol) -> dict[str, float]:
    """Milliseconds of CPU that a call for one user takes, and another order of its best items: means of many."""
    import tensorflow as tf

    from aisle.model.served.slates import POOL

    specs = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32)]
    graph = tf.function(slates.first, input_signature=specs)
    rows, scores = tf.range(POOL)[None] % len(protocol.item_ids), tf.linspace(0.9, 0.01, POOL)[None]
    scores = tf.cast(scores, tf.float32)
    users = protocol.user_ids.to_pylist()
    calls: dict[str, Callable[[int], Any]] = {
        "call": lambda number: _ask(model, [users[number % len(users)]], False, K),
        "slate": lambda _: graph(rows, scores, tf.constant(K)),
    }
    found = {}
    for name, call in calls.items():
        call(0)
        started = time.process_time()
        for number in range(_CALLS):
            call(number)
        found[name] = 1e3 * (time.process_time() - started) / _CALLS
    return found


def _share(milliseconds: dict[str, float]) -> float:
    """What the order takes, of what the call takes that it comes on top of."""
    return milliseconds["slate"] / milliseconds["call"]


def _against(found: dict[str, Any], figure: str) -> float:
    """How many times the figure without diversity that of the stated setting is."""
    return float(found["settings"][STATED][figure] / found["settings"]["0"][figure])


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    names = ("ndcg", "new_ndcg", "diversity", "coverage", "gini", "novelty", "miscalibration")
    heads = (f"nDCG@{K}", "of new", "diversity", "coverage", "Gini", "novelty, bits", "miscalibration")

    def shown(value: float | None, name: str) -> str:
        return "–" if value is None else f"{value:.2f}" if name == "novelty" else f"{value:.3f}"

    rows = [(one, *(shown(of[name], name) for name in names)) for one, of in found["settings"].items()]
    said = (
        "{all:,} users, {new:,} of them with something new, {catalogue:,} items. The order takes {slate:.2f} ms of CPU, "
        "a call without it {call:.2f} ms."
    )
    line = said.format(**found["users"], catalogue=found["catalogue"], **found["milliseconds"])
    return "\n".join([line, "", table(("`bundle.diversity`", *heads), rows)])


if __name__ == "__main__":
    main()
