"""Makes a saved graph smaller and quicker without changing what it says.

Tracing writes the same constants and slices again and again, and a server takes time and memory for each when it loads
a version, and again when a signature is first asked. And it takes rows of a variable in a way that has the whole of it
copied by every question.
"""

from __future__ import annotations

import graphlib
import os
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
from tensorflow.python.saved_model import fingerprinting_utils

_FILE = "saved_model.pb"
_CALL_CONFIG = "config_proto"
"""Of a node that calls a function: how that is rewritten before it first runs."""
_AS_EXPORTED = tf.compat.v1.ConfigProto()
"""Without Grappler's rewriting, for which a version takes twice as long until it answers, and answers no sooner."""
_AS_EXPORTED.graph_options.rewrite_options.disable_meta_optimizer = True

_PLACED, _BESIDE = "_class", "loc:@"


def make_lean(folder: str) -> tuple[int, int]:
    """Rewrites the graph of the SavedModel in a folder.

    Returns:
        How many nodes its functions had, and how many they have.
    """
    path = os.path.join(folder, _FILE)
    with tf.io.gfile.GFile(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    before = after = 0
    for meta in saved.meta_graphs:
        functions = meta.graph_def.library.function
        before += sum(len(function.node_def) for function in functions)
        for function in functions:
            _gather_without_copies(function)
            _merge(function)
        after += sum(len(function.node_def) for function in functions)
        for nodes in (meta.graph_def.node, *(function.node_def for function in functions)):
            _leave_as_exported(nodes)
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
    fingerprinting_utils.write_fingerprint(folder)
    return before, after


def _leave_as_exported(nodes: Iterable[Any]) -> None:
    config = _AS_EXPORTED.SerializeToString()
    for node in nodes:
        if _CALL_CONFIG in node.attr:
            node.attr[_CALL_CONFIG].s = config


def _gather_without_copies(function: Any) -> None:
    """Takes rows from what a variable holds, not from the variable.

    Once `ResourceGather` has been asked for rows of a variable, TensorFlow copies all of it for whoever reads it
    (`copy_on_read_mode`, for the sake of sparse updates): for the titles' vectors of 50,000 items 77 MB a search.
    """
    for node in [node for node in function.node_def if node.op == "ResourceGather"]:
        variable, rows, *awaited = node.input
        read = function.node_def.add(
            name=f"{node.name}/table", op="ReadVariableOp", input=[variable, *awaited]
        )
        read.attr["dtype"].CopyFrom(node.attr["dtype"])
        axis = function.node_def.add(name=f"{node.name}/axis", op="Const")
        axis.attr["dtype"].type = types_pb2.DT_INT32
        axis.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(node.attr["batch_dims"].i, tf.int32))
        gather = type(node)(
            name=node.name,
            op="GatherV2",
            device=node.device,
            input=[f"{read.name}:value:0", rows, f"{axis.name}:output:0", *awaited],
        )
        gather.attr["Tparams"].CopyFrom(node.attr["dtype"])
        gather.attr["Tindices"].CopyFrom(node.attr["Tindices"])
        gather.attr["Taxis"].type = types_pb2.DT_INT32
        gather.attr["batch_dims"].i = node.attr["batch_dims"].i
        node.CopyFrom(gather)


def _merge(function: Any) -> None:
    """Takes out each node that does what another one does on the same inputs: common subexpressions.

    Nodes with a state (variables, tables, random numbers, what fails on purpose) stay, and those that others must be
    placed beside.
    """
    nodes = {node.name: node for node in function.node_def}
    named = {
        place.decode().removeprefix(_BESIDE)
        for node in function.node_def
        if _PLACED in node.attr
        for place in node.attr[_PLACED].list.s
    }
    inputs = {name: {_node(one) for one in node.input} & nodes.keys() for name, node in nodes.items()}
    first: dict[tuple[object, ...], str] = {}
    same: dict[str, str] = {}
    for name in graphlib.TopologicalSorter(inputs).static_order():
        node = nodes[name]
        renamed = [_renamed(one, same) for one in node.input]
        if renamed != list(node.input):
            del node.input[:]
            node.input.extend(_once_waited_for(renamed))
        if _stateless(node.op) and name not in named:
            attributes = sorted(
                (key, value.SerializeToString(deterministic=True)) for key, value in node.attr.items()
            )
            one = first.setdefault((node.op, node.device, *node.input, *attributes), name)
            if one != name:
                same[name] = one
    kept = [node for node in function.node_def if node.name not in same]
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del function.node_def[:]
    function.node_def.extend(copies)
    # What is set while a map of protobuf is gone through may be passed over, by chance.
    for key, value in [*function.ret.items()]:
        function.ret[key] = _renamed(value, same)
    for key, value in [*function.control_ret.items()]:
        function.control_ret[key] = same.get(value, value)


def _once_waited_for(inputs: list[str]) -> list[str]:
    """The inputs, each control input (which stand last) once."""
    data = [one for one in inputs if not one.startswith("^")]
    return data + list(dict.fromkeys(one for one in inputs if one.startswith("^")))


def _node(reference: str) -> str:
    """The node, or the function's argument, that an input names: `^NODE`, `NODE:OUTPUT:INDEX` or `ARGUMENT`."""
    return reference.lstrip("^").partition(":")[0]


def _renamed(reference: str, same: dict[str, str]) -> str:
    name = _node(reference)
    return reference.replace(name, same[name], 1) if name in same else reference


def _stateless(op: str) -> bool:
    definition = op_def_registry.get(op)
    return definition is not None and not definition.is_stateful and bool(definition.output_arg)
