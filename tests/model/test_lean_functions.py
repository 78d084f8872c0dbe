"""Whatever a function returns is there after its nodes were merged."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.core.framework import function_pb2

from aisle.model.served.saving.lean_graph import _merge


def test_every_result_of_a_function_is_that_of_the_node_that_stayed() -> None:
    function = function_pb2.FunctionDef()
    for number in range(300):
        node = function.node_def.add(name=f"same_{number}", op="Identity", input=["argument"])
        node.attr["T"].type = tf.float32.as_datatype_enum
        function.ret[f"result_{number}"] = f"same_{number}:output:0"
        function.control_ret[f"done_{number}"] = f"same_{number}"
    _merge(function)
    (stayed,) = (node.name for node in function.node_def)
    assert set(function.ret.values()) == {f"{stayed}:output:0"}
    assert set(function.control_ret.values()) == {stayed}
