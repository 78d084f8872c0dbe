"""A SavedModel by TensorFlow's C API (tensorflow/c/c_api.h): loaded, asked and freed without Python's lock.

`tf.saved_model.load` makes Python objects of every node of every function, and a `tf.compat.v1.Session` copies the graph
into itself, under the lock: seconds, and tenths of a second, in which a server in the same process answers nobody.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import pathlib
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  Registers the ops that the served graph tokenises with.
from tensorflow.python.framework import errors_impl

from aisle.serving.server.heap import give_back

FREEING = "free a model"
"""Name of the threads that do."""
_STRING_BYTES = 24
"""sizeof(TF_TString); zeros are an empty one."""


class _Output(ctypes.Structure):
    """TF_Output: an output of an operation of the graph."""

    _fields_ = (("oper", ctypes.c_void_p), ("index", ctypes.c_int))


class _Buffer(ctypes.Structure):
    """TF_Buffer: a serialized message."""

    _fields_ = (("data", ctypes.c_char_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p))


def _declared(
    library: ctypes.CDLL, result: type | None, name: str, *arguments: object
) -> ctypes._NamedFuncPointer:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


_path = min(pathlib.Path(tf.sysconfig.get_lib()).glob("libtensorflow_cc*"))
_slow, _quick = ctypes.CDLL(str(_path)), ctypes.PyDLL(str(_path))
"""Without Python's lock, and with it: giving it up and taking it costs more than some calls."""
_ptr, _text, _int, _size, _long = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.c_int64,
)
_many = ctypes.POINTER(_ptr)
_outputs = ctypes.POINTER(_Output)

_new_status = _declared(_quick, _ptr, "TF_NewStatus")
_delete_status = _declared(_quick, None, "TF_DeleteStatus", _ptr)
_code = _declared(_quick, _int, "TF_GetCode", _ptr)
_message = _declared(_quick, _text, "TF_Message", _ptr)
_new_options = _declared(_quick, _ptr, "TF_NewSessionOptions")
_set_config = _declared(_quick, None, "TF_SetConfig", _ptr, _text, _size, _ptr)
_delete_options = _declared(_quick, None, "TF_DeleteSessionOptions", _ptr)
_new_graph = _declared(_quick, _ptr, "TF_NewGraph")
_delete_graph = _declared(_slow, None, "TF_DeleteGraph", _ptr)
_load = _declared(
    _slow, _ptr, "TF_LoadSessionFromSavedModel", _ptr, _ptr, _text, ctypes.POINTER(_text), _int, _ptr, _ptr, _ptr
)  # fmt: skip
_close = _declared(_slow, None, "TF_CloseSession", _ptr, _ptr)
_delete_session = _declared(_slow, None, "TF_DeleteSession", _ptr, _ptr)
_operation = _declared(_quick, _ptr, "TF_GraphOperationByName", _ptr, _text)
_run = _declared(
    _slow, None, "TF_SessionRun", _ptr, _ptr, _outputs, _many, _int, _outputs, _many, _int, _ptr, _int, _ptr, _ptr
)  # fmt: skip
_allocate = _declared(_quick, _ptr, "TF_AllocateTensor", _int, ctypes.POINTER(_long), _int, _size)
_delete_tensor = _declared(_quick, None, "TF_DeleteTensor", _ptr)
_data = _declared(_quick, _ptr, "TF_TensorData", _ptr)
_bytes = _declared(_quick, _size, "TF_TensorByteSize", _ptr)
_type = _declared(_quick, _int, "TF_TensorType", _ptr)
_dimensions = _declared(_quick, _int, "TF_NumDims", _ptr)
_dimension = _declared(_quick, _long, "TF_Dim", _ptr, _int)
_copy_string = _declared(_quick, None, "TF_StringCopy", _ptr, _text, _size)
_free_string = _declared(_quick, None, "TF_StringDealloc", _ptr)
_string_data = _declared(_quick, _ptr, "TF_StringGetDataPointer", _ptr)
_string_size = _declared(_quick, _size, "TF_StringGetSize", _ptr)


@dataclasses.dataclass(frozen=True)
class Tensors:
    """Some outputs of a graph's operations, by a name of their own.

    Attributes:
        names: in order.
        places: `TF_Output` of each.
    """

    names: tuple[str, ...]
    places: ctypes.Array[_Output]


class NativeSession:
    """A SavedModel's graph with its variables; what it holds is freed, aside, once nobody refers to it."""

    def __init__(self, folder: pathlib.Path, tag: str, config: bytes, run_options: bytes) -> None:
        """Loads.

        Args:
            folder: of the SavedModel.
            tag: of its graph.
            config: a serialized ConfigProto.
            run_options: serialized RunOptions by which the variables are restored and the tables filled.

        Raises:
            tf.errors.OpError: whatever TensorFlow has against it.
        """
        self._graph = _new_graph()
        options = _new_options()
        try:
            with _status() as status:
                _set_config(options, config, len(config), status)
            tags = (_text * 1)(tag.encode())
            with _status() as status:
                self._session = _load(
                    options, _buffer(run_options), str(folder).encode(), tags, 1, self._graph, None, status
                )
        except BaseException:
            _delete_graph(self._graph)
            raise
        finally:
            _delete_options(options)
        weakref.finalize(self, _free_aside, self._session, self._graph).atexit = False

    def tensors(self, named: Mapping[str, str]) -> Tensors:
        """Finds outputs: a name of one's own to `OPERATION:INDEX`.

        Raises:
            KeyError: the graph has no such operation.
        """
        places = (_Output * len(named))()
        for place, tensor in zip(places, named.values(), strict=True):
            name, _, index = tensor.partition(":")
            place.oper, place.index = _operation(self._graph, name.encode()), int(index or 0)
            if not place.oper:
                raise KeyError(f"the graph has no operation {name!r}")
        return Tensors(tuple(named), places)

    def run(
        self, fed: Tensors, values: Sequence[np.ndarray], fetched: Tensors, options: bytes = b""
    ) -> dict[str, np.ndarray]:
        """What some outputs are where others have given values; may be called by several threads.

        Args:
            fed: which have values.
            values: one for each, of its dtype; strings as arrays of objects (bytes).
            fetched: what is asked for.
            options: serialized RunOptions.

        Raises:
            tf.errors.OpError: the graph refuses the values, or fails.
        """
        given, found = (_ptr * len(values))(), (_ptr * len(fetched.names))()
        try:
            for place, value in enumerate(values):
                given[place] = _to_tensor(value)
            with _status() as status:
                _run(
                    self._session, _buffer(options) if options else None,
                    fed.places, given, len(given), fetched.places, found, len(found), None, 0, None, status,
                )  # fmt: skip
            return {name: _to_array(tensor) for name, tensor in zip(fetched.names, found, strict=True)}
        finally:
            for tensor in found:
                if tensor:
                    _delete_tensor(tensor)
            for tensor in given:
                if tensor:
                    _free_strings(tensor)
                    _delete_tensor(tensor)


@contextlib.contextmanager
def _status() -> Iterator[int]:
    """A TF_Status; raises the error that it holds afterwards."""
    status = _new_status()
    try:
        yield status
        code = _code(status)
        if code != tf.errors.OK:
            told = _message(status).decode("utf-8", "backslashreplace")
            raise errors_impl.exception_type_from_error_code(code)(None, None, told)
    finally:
        _delete_status(status)


def _buffer(message: bytes) -> ctypes.Array[_Buffer]:
    """Holds on to the bytes as long as it is there itself."""
    return (_Buffer * 1)(_Buffer(message, len(message), None))


def _to_tensor(value: np.ndarray) -> int:
    """A TF_Tensor with a copy of the array."""
    dtype = tf.dtypes.as_dtype(value.dtype)
    shape = (_long * value.ndim)(*value.shape)
    if dtype != tf.string:
        tensor = int(_allocate(dtype.as_datatype_enum, shape, value.ndim, value.nbytes))
        ctypes.memmove(_data(tensor), np.ascontiguousarray(value).ctypes.data, value.nbytes)
        return tensor
    flat = [one if isinstance(one, bytes) else one.encode() for one in value.reshape(-1).tolist()]
    tensor = int(_allocate(dtype.as_datatype_enum, shape, value.ndim, len(flat) * _STRING_BYTES))
    start = _data(tensor)
    ctypes.memset(start, 0, len(flat) * _STRING_BYTES)
    for place, one in enumerate(flat):
        _copy_string(start + place * _STRING_BYTES, one, len(one))
    return tensor


def _to_array(tensor: int) -> np.ndarray:
    """A copy of a TF_Tensor."""
    shape = [_dimension(tensor, axis) for axis in range(_dimensions(tensor))]
    dtype, start, size = tf.dtypes.as_dtype(_type(tensor)), _data(tensor), _bytes(tensor)
    if dtype != tf.string:
        return np.frombuffer(ctypes.string_at(start, size), dtype.as_numpy_dtype).reshape(shape)
    places = range(start, start + size, _STRING_BYTES) if size else ()
    strings = np.empty(len(places), object)
    strings[:] = [ctypes.string_at(_string_data(place), _string_size(place)) for place in places]
    return strings.reshape(shape)


def _free_strings(tensor: int) -> None:
    """Frees what the strings of a tensor that was made here hold beside it."""
    if _type(tensor) == tf.string.as_datatype_enum and (size := _bytes(tensor)):
        start = _data(tensor)
        for place in range(start, start + size, _STRING_BYTES):
            _free_string(place)


def _free_aside(session: int, graph: int) -> None:
    """By a thread of its own: it takes tenths of a second, and may be the last request's turn."""
    threading.Thread(target=_free, args=(session, graph), name=FREEING).start()


def _free(session: int, graph: int) -> None:
    with _status() as status:
        _close(session, status)
    with _status() as status:
        _delete_session(session, status)
    _delete_graph(graph)
    give_back()
