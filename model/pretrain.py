"""What the Pretraining component calls."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from aisle.model.options import PretrainOptions
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.text.pretraining_trainer import pretrain


def pretrain_fn(
    texts: list[str], bert: str, options: str, code: str, checkpoints: str, folder: str, logs: str
) -> None:
    """As `pretrain`; `bert` is a folder, "" for the installed one, and `options` PretrainOptions as JSON."""
    told = PretrainOptions.from_json(options)
    pretrain(texts, chosen_bert(bert), told, code, checkpoints, folder, logs)
