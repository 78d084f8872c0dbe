"""Which BERT a model reads with."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import tensorflow as tf

from aisle.schema.bert.weights import BERT_FILES, CONFIG, bert_folder


def chosen_bert(configured: str, made: str | None = None) -> str:
    """Returns a local folder of a BERT.

    Args:
        configured: a folder, as a step of this run wrote it or the setting `model.bert` names it; "" for the installed one.
        made: the folder that such a step has for one, which holds none where that tried another shop's and it didn't win.
    """
    if made and tf.io.gfile.exists(os.path.join(made, CONFIG)):
        configured = made
    folder = configured or bert_folder()
    return _fetched(folder) if "://" in folder else folder


def _fetched(uri: str) -> str:
    """A local copy of a remote folder, which is there until the process ends."""
    local = tempfile.mkdtemp(prefix="bert-")
    atexit.register(shutil.rmtree, local, ignore_errors=True)
    for name in BERT_FILES:
        remote = os.path.join(uri, name)
        if tf.io.gfile.exists(remote):
            tf.io.gfile.copy(remote, os.path.join(local, name))
    return local
