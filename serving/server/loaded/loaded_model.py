"""One version of the model in memory."""

from __future__ import annotations

import mmap
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from aisle.schema.versions import SAVED_MODEL
from aisle.serving.server.loaded.c_api import NativeSession

if TYPE_CHECKING:
    from aisle.serving.server.calls import Arrays

_SERVE, _INIT = "serve", "__saved_model_init_op"
_ASIDE = tf.compat.v1.RunOptions(inter_op_thread_pool=1).SerializeToString()

_READ = {
    meta_graph_pb2.MetaGraphDef.DESCRIPTOR.fields_by_name[name].number
    for name in ("meta_info_def", "signature_def")
}
_META_GRAPHS = saved_model_pb2.SavedModel.DESCRIPTOR.fields_by_name["meta_graphs"].number
_VARINT, _DELIMITED = 0, 2
"""Protocol Buffers' wire types."""


class LoadedModel:
    """A version; a request holds it until it is answered, whatever is loaded meanwhile.

    Attributes:
        version: its number.
        signature_defs: name to `SignatureDef`, as they lie in the file.
        specs: name to the signature's inputs.
        defaults: name to what an input is where a request leaves it out; those that must come aren't there.
    """

    def __init__(self, version: int, signature_defs: dict[str, Any], session: NativeSession) -> None:
        """Args: `version`: the number. `signature_defs`: of the file. `session`: holds the graph they name parts of."""
        self.version = version
        self.signature_defs = signature_defs
        self.specs = {name: _specs(definition) for name, definition in signature_defs.items()}
        self.defaults = {
            name: {key: tf.make_ndarray(proto) for key, proto in definition.defaults.items()}
            for name, definition in signature_defs.items()
        }
        self._session = session
        self._calls = {
            name: tuple(
                session.tensors({key: info.name for key, info in sorted(ends.items())})
                for ends in (definition.inputs, definition.outputs)
            )
            for name, definition in signature_defs.items()
        }

    def run(self, name: str, inputs: Mapping[str, np.ndarray], aside: bool = False) -> Arrays:
        """What a signature answers.

        Args:
            name: of the signature.
            inputs: as `specs` has them; those with a default may be absent.
            aside: whether it is run by a thread of its own, where it keeps nobody else's request waiting.

        Raises:
            KeyError: there is no such signature.
            TypeError, ValueError: an input has another dtype or shape.
            tf.errors.OpError: the graph refuses the inputs, or fails.
        """
        fed, fetched = self._calls[name]
        given = {**self.defaults[name], **inputs}
        values = [_checked(key, given[key], self.specs[name][key]) for key in fed.names]
        found: Arrays = self._session.run(fed, values, fetched, _ASIDE if aside else b"")
        return found


def load(version: int, folder: pathlib.Path) -> LoadedModel:
    """Loads the SavedModel in `folder`; raises whatever TensorFlow raises.

    Raises:
        ValueError: the file is no SavedModel, or has no graph to serve.
    """
    with (
        (folder / SAVED_MODEL).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as saved,
    ):
        definitions = _signature_defs(saved)
    return LoadedModel(version, definitions, NativeSession(folder, _SERVE, _config(), _ASIDE))


def _config() -> bytes:
    """Of a session whose graph runs as it was exported, with a thread pool for requests and one for what is aside."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.session_inter_op_thread_pool.add(global_name="requests")
    config.session_inter_op_thread_pool.add(num_threads=1)
    return config.SerializeToString()


def _signature_defs(saved: mmap.mmap) -> dict[str, Any]:
    """The signatures of the graph to serve, by name; the graph itself, nearly all of the file, is not parsed."""
    for number, _, start, end in _fields(saved, 0, len(saved)):
        if number != _META_GRAPHS:
            continue
        meta = meta_graph_pb2.MetaGraphDef()
        for part, whole, _, until in _fields(saved, start, end):
            if part in _READ:
                meta.MergeFromString(saved[whole:until])
        if _SERVE in meta.meta_info_def.tags:
            return {name: definition for name, definition in meta.signature_def.items() if name != _INIT}
    raise ValueError(f"{SAVED_MODEL} has no graph with the tag {_SERVE!r}")


def _fields(message: mmap.mmap, place: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each length-delimited field of a serialized message: its number, where it starts, its content, and its end.

    Raises:
        ValueError: it ends within a field, or has one of another kind than a SavedModel has.
    """
    while place < end:
        start = place
        tag, place = _varint(message, place)
        size, place = _varint(message, place)
        if tag & 7 == _DELIMITED:
            yield tag >> 3, start, place, place + size
            place += size
        elif tag & 7 != _VARINT:
            raise ValueError(f"{SAVED_MODEL} is no SavedModel: a field of wire type {tag & 7}")
    if place > end:
        raise ValueError(f"{SAVED_MODEL} ends within a field")


def _varint(message: mmap.mmap, place: int) -> tuple[int, int]:
    """A variable-length number, and the place behind it."""
    value = shift = 0
    while place < len(message):
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError(f"{SAVED_MODEL} ends within a number")


def fits(shape: Sequence[int], spec: tf.TensorSpec) -> bool:
    """Whether a known shape is one that an input may have; sooner than `is_compatible_with`, for every request asks."""
    if spec.shape.rank is None:
        return True
    expected = spec.shape.as_list()
    return len(shape) == len(expected) and all(
        want is None or want == size for want, size in zip(expected, shape, strict=True)
    )


def _checked(name: str, value: np.ndarray, spec: tf.TensorSpec) -> np.ndarray:
    """The value as an array of the input's dtype, where it fits its shape."""
    array = np.asarray(value, object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype)
    if not fits(array.shape, spec):
        raise ValueError(f"input {name!r} has shape {array.shape}; expected {spec.shape}")
    return array


def _specs(definition: Any) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.dtypes.as_dtype(info.dtype), name)
        for name, info in definition.inputs.items()
    }
