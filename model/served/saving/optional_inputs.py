"""Inputs that a request may leave out, in a saved model's signatures."""

from __future__ import annotations

import os

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from aisle.schema.contract import SIGNATURES

_FILE = "saved_model.pb"


def write_defaults(folder: str) -> None:
    """Gives the contract's optional inputs the defaults that a server takes where a request leaves them out.

    TF Serving reads them from the `SignatureDef`'s `defaults`; `tf.saved_model.save` writes none for the concrete functions
    that it is given.

    Args:
        folder: of the SavedModel.
    """
    path = os.path.join(folder, _FILE)
    with tf.io.gfile.GFile(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for meta in saved.meta_graphs:
        for signature in SIGNATURES:
            if signature.name not in meta.signature_def:
                continue
            defaults = meta.signature_def[signature.name].defaults
            for tensor in signature.inputs:
                if tensor.optional:
                    defaults[tensor.name].CopyFrom(tf.make_tensor_proto(tensor.empty))
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
