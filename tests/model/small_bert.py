"""Small BERTs of random weights, as any shop's own checkpoint folder: of WordPiece and of SentencePiece."""

from __future__ import annotations

import pathlib

import tensorflow as tf
from transformers import BertConfig, TFBertModel

from aisle.schema import sentence_piece_model as sp
from aisle.schema.reading import Reading

WORDS = ("red", "blue", "mug", "fridge", "mini", "lamp", "##s", "咖", "啡", "杯", "белый", "чай")


SENTENCE_PIECES = (
    *("▁", "▁red", "▁blue", "▁mug", "▁fridge", "▁mini", "▁lamp", "s", "▁query", "▁passage", ":"),
    *("红色", "红", "色", "杯", "大号", "马克杯", "咖", "啡", "▁белый", "▁чай"),
)


def make_small_bert(folder: pathlib.Path, layers: int = 2) -> str:
    """Writes `config.json`, `vocab.txt` and `model.safetensors`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return _with_weights(folder, len(vocabulary), layers)


def make_small_sentence_bert(folder: pathlib.Path, layers: int = 2) -> str:
    """Writes `config.json`, `sentencepiece.model`, `reading.json` and `model.safetensors`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    special = [(piece, 0.0, sp.CONTROL) for piece in (sp.START, sp.PAD, sp.END)]
    pieces = [(piece, -2.0 - 0.1 * place, sp.NORMAL) for place, piece in enumerate(SENTENCE_PIECES)]
    model = sp.made([*special, (sp.UNKNOWN_PIECE, 0.0, sp.UNKNOWN), *pieces, (sp.MASK, 0.0, sp.CONTROL)])
    (folder / "sentencepiece.model").write_bytes(model.SerializeToString())
    reading = Reading(query="query: ", passage="passage: ", lower_case=True)
    (folder / "reading.json").write_text(reading.to_json(), encoding="utf-8")
    return _with_weights(folder, len(model.pieces), layers)


def _with_weights(folder: pathlib.Path, pieces: int, layers: int) -> str:
    tf.keras.utils.set_random_seed(7)
    config = BertConfig(
        vocab_size=pieces,
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
