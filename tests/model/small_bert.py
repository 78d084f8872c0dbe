"""A small BERT of random weights, as any shop's own checkpoint folder."""

from __future__ import annotations

import pathlib

import tensorflow as tf
from transformers import BertConfig, TFBertModel

WORDS = ("red", "blue", "mug", "fridge", "mini", "lamp", "##s", "咖", "啡", "杯", "белый", "чай")


def make_small_bert(folder: pathlib.Path, layers: int = 2) -> str:
    """Writes `config.json`, `vocab.txt` and `model.safetensors`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tf.keras.utils.set_random_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    bert = TFBertModel(config, add_pooling_layer=False)
    bert(tf.constant([[2, 5, 3]]))
    bert.save_pretrained(folder, safe_serialization=True)
    return str(folder)
