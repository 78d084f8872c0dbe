"""A small shop that begins with what a big one learnt, on simulated pairs: other items and users of the same world.

    python -m benchmarks.domains.transfer [--users 800 --items 250 --days 90] [--check] [--results docs/domains.md]

The small shop has but 5 % of its visits before the test, the same shop alone 5 % and, for comparison, 10 %, the 5 % among
them; the test window is whole. All answer the users that 5 % know, and are measured on all that these took of what the whole
log had sold before; and they answer visitors whom nobody knows, who have taken one item in a visit of the test and go on. Of a
shop without any event its items alone are there: its visitors' next items are beside the popularity of the whole log, which
nobody there knows, and its searches, by people's grades, beside BM25 over titles.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.components.evaluator.measures.metrics import paired_interval
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.model.gain import Gain
from aisle.model.options import CandidateOptions, RankingOptions, TwoTowerOptions
from aisle.model.transfer.taught import Taught
from aisle.schema.bert.weights import bert_folder
from aisle.schema.contract import EXTRA_FOLDER, TAUGHT_FILE
from benchmarks.domains.untold import (
    by_popularity,
    make_untold,
    recommended,
    searches_ndcg,
    visits_ndcg,
    visits_of,
)
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.measured import K, Measured
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.served import Answering, Trained, tensors
from benchmarks.shared.training import clean_tables, read_tables, train_two_tower

TOWER_STEPS = 100
RANDOM_ORDERS = 20
SHARE, MORE = 0.05, 0.10
"""Of the small shop's visits before the test: with the big shop, and alone for comparison."""
ALONE, WITH, TWICE = (
    "5 % of the events, alone",
    "5 % of the events, from the big shop",
    "10 % of the events, alone",
)
NOTHING, POPULAR = "no event, from the big shop", "popularity of the whole log, the test's too"
TEXTS = "BM25 over titles"

FIGURES = (
    Figure("with_over_twice", lambda found: found["visits"][WITH] / found["visits"][TWICE], least=1.0),
    Figure("users_with_over_twice", lambda found: found["ndcg"][WITH] / found["ndcg"][TWICE], least=1.0),
    Figure("gain", lambda found: found["gain"]["value"], least=0.0),
    Figure(
        "none_over_popularity", lambda found: found["visits"][NOTHING] / found["visits"][POPULAR], least=1.3
    ),
    Figure("none_over_bm25", lambda found: found["searches"][NOTHING] / found["searches"][TEXTS], least=1.0),
)
"""Goals: as good as alone with twice the data, never worse than alone; with nothing 30 % better than what sells."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    for name, default in {"users": 800, "items": 250, "days": 90, "asked": 200, "seed": 1}.items():
        command.add_argument(f"--{name}", type=int, default=default)
    command.run(measure, {"transfer": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """NDCG of each system, what the big shop gains, and which parts are on."""
    (big, _), (small, judged) = (_tables(told, told.seed + n, scratch / f"shop-{n}") for n in (0, 1))
    learnt = _learn(label(big, LabelerOptions()), scratch / "big", told)
    taught = learnt.teach(scratch / "big")
    whole = label(small, LabelerOptions())
    few, more = (label(thinned(small, share, whole, told.seed), LabelerOptions()) for share in (SHARE, MORE))
    protocol = _known_to(few, whole)
    alone = _learn(few, scratch / "alone", told)
    shops = {
        ALONE: alone,
        WITH: _learn(few, scratch / "with", told, taught, alone.trained.tower),
        TWICE: _learn(more, scratch / "more", told),
    }
    answering = {name: one.answering(taught if name == WITH else "") for name, one in shops.items()}
    measured = {
        name: Measured.of(protocol, one.answers(protocol, "recommend", K)) for name, one in answering.items()
    }
    one, other = (measured[name].values["all"]["ndcg"] for name in (WITH, ALONE))
    nothing = make_untold(small["items"], taught, scratch / "untold", told.seed, TOWER_STEPS)
    asked = visits_of(whole, told.seed)
    answers = {name: recommended(shop) for name, shop in {**answering, NOTHING: nothing}.items()}
    answers[POPULAR] = by_popularity(whole)
    return {
        "events": {name: len(one.trained.labelled.tables["events"]) for name, one in shops.items()},
        "users": len(protocol.users),
        "ndcg": {name: one.mean("all", "ndcg") for name, one in measured.items()},
        "asked": len(asked),
        "visits": {name: float(visits_ndcg(asked, answer).mean()) for name, answer in answers.items()},
        "searches": searches_ndcg(nothing, small["items"], judged, whole),
        "gain": {"value": float((one - other).mean()), "interval": paired_interval(one, other)},
        "parts": [gain.record() for gain in shops[WITH].gains],
    }


def _tables(
    told: argparse.Namespace, seed: int, folder: pathlib.Path
) -> tuple[dict[str, pa.Table], pa.Table]:
    """The cleaned tables of a simulated shop, and people's judgements."""
    options = SimulatorOptions(users=told.users, items=told.items, days=told.days, seed=seed)
    write(simulate(options), folder)
    cleaned = clean_tables(read_tables(folder)).tables
    return {name: cleaned[name] for name in ("items", "users", "events")}, cleaned["judgements"]


def thinned(tables: dict[str, pa.Table], share: float, whole: Labelled, seed: int) -> dict[str, pa.Table]:
    """The shop with a share of its visits before the test; a smaller share's are among a larger one's."""
    events = pl.DataFrame(pl.from_arrow(tables["events"]))
    visits = events["session_id"].unique().sort()
    drawn = pl.DataFrame({"session_id": visits, "drawn": np.random.default_rng(seed).random(len(visits))})
    kept = events.join(drawn, on="session_id", how="left", nulls_equal=True, maintain_order="left").filter(
        (pl.col("timestamp") >= whole.splits.test_start) | (pl.col("drawn") < share)
    )
    return {**tables, "events": kept.drop("drawn").to_arrow()}


def _protocol(labelled: Labelled) -> Protocol:
    tables, splits = labelled.tables, dataclasses.asdict(labelled.splits)
    return make_protocol(tables["items"], tables["interactions"], splits)


def _known_to(few: Labelled, whole: Labelled) -> Protocol:
    """The whole log's test, of the users that a thinned one knows."""
    protocol, known = _protocol(whole), set(_protocol(few).user_ids.to_pylist())
    rows = np.flatnonzero([user in known for user in protocol.user_ids.to_pylist()])
    return dataclasses.replace(
        protocol,
        user_ids=protocol.user_ids.take(pa.array(rows)),
        users=protocol.users[rows],
        truth=protocol.truth[rows],
        new=protocol.new[rows],
        unheard=protocol.unheard[rows],
    )


@dataclasses.dataclass(frozen=True)
class Shop:
    """A shop's models.

    Attributes:
        trained: its candidates.
        head: the trained ensemble of the ranking head.
        gains: of the parts of another shop's.
    """

    trained: Trained
    head: Any
    gains: list[Gain]

    def answering(self, taught: str) -> Answering:
        """The served model as of the start of the test; `taught`: by another shop."""
        from aisle.model.ranking.export import Labels, RankingModule

        options = RankingOptions(seed=self.trained.seed, text="never")
        module = RankingModule(self.head, None, options, Labels(False, True), False)
        return Answering.of(self.trained.labelled, self.trained.tower, module, taught=taught)

    def shelf(self) -> Any:
        """The content of its catalogue, and its items' ids."""
        import tensorflow as tf

        from aisle.model.retrieval.domains.lent import shelf_of
        from aisle.model.retrieval.item_table import item_table

        tower = tf.saved_model.load(self.trained.tower)
        items = pl.DataFrame(pl.from_arrow(self.trained.labelled.tables["items"]))
        ids = [item.decode() for item in tower.item_ids.numpy()]
        return shelf_of(tower.text_embeddings.numpy(), item_table(tower, items), bert_folder()), ids

    def teach(self, folder: pathlib.Path) -> str:
        """Writes what it teaches, as its served model carries it; returns the file."""
        from aisle.model.ranking.taught_head import taught_head
        from aisle.model.retrieval.domains.lent import teach

        shelf, ids = self.shelf()
        interactions = pl.DataFrame(pl.from_arrow(self.trained.labelled.tables["interactions"]))
        teach(taught_head(self.head), shelf, interactions, ids).write(str(folder))
        return str(folder / EXTRA_FOLDER / TAUGHT_FILE)


def _learn(
    labelled: Labelled, scratch: pathlib.Path, told: argparse.Namespace, taught: str = "", tower: str = ""
) -> Shop:
    """Trains a shop's models, from another's where that teaches; `tower`: the two-tower, where it is trained."""
    import tensorflow as tf

    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.ranking.head_trial import head_gain
    from aisle.model.retrieval.domains.lent import lent_by, shelf_of
    from aisle.model.retrieval.item_table import item_table

    scratch.mkdir()
    options = TwoTowerOptions(seed=told.seed, steps=TOWER_STEPS, refit=False)
    tower = tower or train_two_tower(labelled, scratch, options)
    asked = CandidateOptions(seed=told.seed, test_users=0, users=told.asked, windows=4)
    trained = Trained.begun(labelled, tower, scratch, asked, taught)
    train, valid = (tensors(trained.examples[split]) for split in ("train", "eval"))
    of_head, begin, gains = RankingOptions(seed=told.seed, text="never"), None, []
    if taught:
        loaded = tf.saved_model.load(tower)
        items, interactions = (
            pl.DataFrame(pl.from_arrow(labelled.tables[name])) for name in ("items", "interactions")
        )
        theirs = Taught.read(taught).head
        gain = head_gain(train, valid, of_head, theirs)
        begin = theirs if gain.on else None
        shelf = shelf_of(loaded.text_embeddings.numpy(), item_table(loaded, items), bert_folder())
        ids = [item.decode() for item in loaded.item_ids.numpy()]
        _, of_content = lent_by(taught, shelf, interactions, ids)
        gains = [gain, *of_content]
    head = train_features(train, valid, of_head, str(scratch / "ranking"), begin)
    return Shop(trained, head, gains)


def markdown(found: Found) -> str:
    """The tables people read."""
    events = found["events"]
    rows = [
        (
            name,
            f"{events[name]:,}" if name in events else ("0" if name == NOTHING else "all"),
            *(f"{found[kind][name]:.4f}" if name in found[kind] else "–" for kind in ("ndcg", "visits")),
        )
        for name in found["visits"]
    ]
    searches = [(name, f"{value:.4f}") for name, value in found["searches"].items()]
    parts = [
        (
            one["part"],
            "on" if one["on"] else "off",
            f"{one['gain']:+.4f}",
            f"{one['low']:+.4f}",
            f"{one['questions']:,}",
            one["why"] or "–",
        )
        for one in found["parts"]
    ]
    return "\n\n".join(
        [
            f"{found['users']:,} users of the small shop are asked, and {found['asked']:,} visits; it took {found['minutes']} minutes.",
            table(
                (
                    "",
                    "events that show a liking, the test's too",
                    f"known users, nDCG@{K}",
                    f"the rest of a visit, nDCG@{K}",
                ),
                rows,
            ),
            f"From the big shop nDCG@{K} is {with_interval(**found['gain'])} beside alone (95 %, paired bootstrap over users).",
            f"Searches of the shop without any event, nDCG@{K} of people's grades:",
            table(("", f"nDCG@{K}"), searches),
            table(("part", "", "gain in nDCG", "its lower end", "questions", "why"), parts),
        ]
    )


if __name__ == "__main__":
    main()
