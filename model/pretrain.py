"""What the Pretraining component calls."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from aisle.model.options import PretrainOptions
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.text.pretraining_trainer import pretrain


def pretrain_fn(texts: list[str], config: dict[str, Any], checkpoints: str, folder: str, logs: str) -> None:
    """Writes a BERT trained on texts; `config` holds `options` (PretrainOptions), `bert` and `code`."""
    options = PretrainOptions(**config["options"])
    pretrain(texts, chosen_bert(None, config["bert"]), options, config["code"], checkpoints, folder, logs)
