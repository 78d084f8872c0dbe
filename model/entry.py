"""What the Pretraining, Candidates and Bundle components call by dotted path."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow as pa

from aisle.model.bundle import make_bundle
from aisle.model.candidates import make_candidates
from aisle.model.chosen_bert import chosen_bert
from aisle.model.options import BundleOptions, CandidateOptions, PretrainOptions
from aisle.model.pretraining_trainer import pretrain


def pretrain_fn(texts: list[str], config: dict[str, Any], checkpoints: str, folder: str, logs: str) -> None:
    """Writes a BERT trained on texts; `config` holds `options` (PretrainOptions), `bert` and `code`."""
    options = PretrainOptions(**config["options"])
    pretrain(texts, chosen_bert(None, config["bert"]), options, config["code"], checkpoints, folder, logs)


def candidates_fn(
    two_tower: str,
    bert: str | None,
    tables: dict[str, pa.Table],
    splits: dict[str, Any],
    config: dict[str, Any],
) -> dict[str, pa.Table]:
    """Ranking examples by split; `config` holds `options` (CandidateOptions) and `bert`.

    The argument `bert` is the folder of what this run pretrained, None where it did not.
    """
    folder = chosen_bert(bert, config["bert"])
    return make_candidates(two_tower, folder, tables, splits, CandidateOptions(**config["options"]))


def bundle_fn(
    two_tower: str,
    ranking: str,
    bert: str | None,
    tables: dict[str, pa.Table],
    now: int,
    config: dict[str, Any],
    folder: str,
) -> None:
    """Writes the served model as of `now`; `config` holds `options` (BundleOptions) and `bert`.

    The argument `bert` is as in `candidates_fn`.
    """
    chosen = chosen_bert(bert, config["bert"])
    make_bundle(two_tower, ranking, chosen, tables, now, BundleOptions(**config["options"]), folder)
