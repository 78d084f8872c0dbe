"""One version of the model in memory: its graph in a session, which is how TF Serving runs it."""

from __future__ import annotations

import copy
import pathlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  Registers the ops the served graph tokenises with.
from tensorflow.core.protobuf import saved_model_pb2

from aisle.schema.versions import SAVED_MODEL

if TYPE_CHECKING:
    from aisle.serving.calls import Arrays

_SERVE, _INIT = "serve", "__saved_model_init_op"
_AT_ONCE = 4
"""Functions that are brought into the graph in one call, in which no request is answered."""

_CALL_CONFIG = "config_proto"
"""Of a node that calls a function: how that is rewritten before it first runs."""
_AS_EXPORTED = tf.compat.v1.ConfigProto()
"""Without Grappler's rewriting, for which a version takes twice as long until it answers, and answers no sooner."""
_AS_EXPORTED.graph_options.rewrite_options.disable_meta_optimizer = True
_AS_EXPORTED.session_inter_op_thread_pool.add(global_name="requests")
_AS_EXPORTED.session_inter_op_thread_pool.add(num_threads=1)
_ASIDE = tf.compat.v1.RunOptions(inter_op_thread_pool=1)


class LoadedModel:
    """A version; a request holds it until it is answered, whatever is loaded meanwhile.

    Attributes:
        version: its number.
        signature_defs: name to `SignatureDef`, as they lie in the file.
        specs: name to the signature's inputs.
    """

    def __init__(self, version: int, meta: Any, session: tf.compat.v1.Session) -> None:
        """Args: `version`: the number. `meta`: the MetaGraphDef. `session`: holds its graph and its variables."""
        self.version = version
        self.signature_defs: dict[str, Any] = {
            name: copy.deepcopy(definition)  # Else all of the file would stay in memory.
            for name, definition in meta.signature_def.items()
            if name != _INIT
        }
        self.specs = {name: _specs(definition) for name, definition in self.signature_defs.items()}
        self._session = session

    def run(self, name: str, inputs: Mapping[str, np.ndarray], aside: bool = False) -> Arrays:
        """What a signature answers.

        Args:
            name: of the signature.
            inputs: as `specs` has them.
            aside: whether it is run by a thread of its own, where it keeps nobody else's request waiting.

        Raises:
            KeyError: there is no such signature.
            tf.errors.OpError: the graph refuses the inputs, or fails.
        """
        definition = self.signature_defs[name]
        fetched = {key: info.name for key, info in definition.outputs.items()}
        fed = {info.name: inputs[key] for key, info in definition.inputs.items()}
        found: Arrays = self._session.run(fetched, fed, options=_ASIDE if aside else None)
        return found


def load(version: int, folder: pathlib.Path) -> LoadedModel:
    """Loads the SavedModel in `folder`; raises whatever TensorFlow raises.

    `tf.saved_model.load` makes Python objects of every node of every function: seconds in which a server in the same
    process answers late (docs/speed.md).
    """
    saved = saved_model_pb2.SavedModel.FromString((folder / SAVED_MODEL).read_bytes())
    meta = next(graph for graph in saved.meta_graphs if _SERVE in graph.meta_info_def.tags)
    graph = tf.Graph()
    with graph.as_default():
        for part in _parts(meta.graph_def):
            tf.graph_util.import_graph_def(part, name="")
    graph.finalize()
    session = tf.compat.v1.Session(graph=graph, config=_AS_EXPORTED)
    assets = {
        asset.tensor_info.name: str(folder / "assets" / asset.filename) for asset in meta.asset_file_def
    }
    saver = meta.saver_def
    session.run(
        saver.restore_op_name,
        {saver.filename_tensor_name: str(folder / "variables" / "variables"), **assets},
        options=_ASIDE,
    )
    if _INIT in meta.signature_def:
        session.run(meta.signature_def[_INIT].outputs[_INIT].name, assets, options=_ASIDE)
    return LoadedModel(version, meta, session)


def _parts(graph: Any) -> Iterator[Any]:
    """The graph without its functions, then those that it calls, some at a time: GraphDefs.

    A node that calls a function which is not there yet has its outputs' shapes left open. With the function there, all
    that it calls would be gone through for them, a second for which nothing else runs in this process.
    """
    functions = _called(graph)
    del graph.library.function[:]
    yield graph
    for start in range(0, len(functions), _AT_ONCE):
        part = tf.compat.v1.GraphDef(versions=graph.versions)
        part.library.function.extend(functions[start : start + _AT_ONCE])
        yield part


def _called(graph: Any) -> list[Any]:
    """The functions that the graph's nodes call, and that these call, none of them to be rewritten by Grappler."""
    library = {function.signature.name: function for function in graph.library.function}
    called: dict[str, Any] = {}
    nodes, exported = list(graph.node), _AS_EXPORTED.SerializeToString()
    while nodes:
        attributes = nodes.pop().attr
        if _CALL_CONFIG in attributes:
            attributes[_CALL_CONFIG].s = exported
        for value in attributes.values():
            for name in (value.func.name, *(function.name for function in value.list.func)):
                if name in library and name not in called:
                    called[name] = library[name]
                    nodes.extend(library[name].node_def)
    return list(called.values())


def _specs(definition: Any) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.dtypes.as_dtype(info.dtype), name)
        for name, info in definition.inputs.items()
    }
