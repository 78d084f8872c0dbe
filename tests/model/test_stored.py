"""Large tensors are held once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisle.model import stored
from aisle.model.stored import taken_out, tensor, tensor_of
from aisle.model.two_tower.spectrum import Start


def _address(values: object) -> int:
    return int(np.asarray(values).ctypes.data)


@given(
    values=hnp.arrays(
        st.sampled_from([np.float32, np.int64]),
        hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=5),
        elements=st.integers(-9, 9),
    ),
    at_once=st.sampled_from([1, 24, 1_000]),
)
def test_a_tensor_made_in_blocks_is_the_array(values: npt.NDArray[np.generic], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "_AT_ONCE", at_once)
        np.testing.assert_array_equal(tensor_of(values).numpy(), values)
        assert tensor(values, tf.float32).dtype is tf.float32


def test_what_is_taken_out_of_a_variable_is_no_copy() -> None:
    variable = tf.Variable(tf.zeros([4, 32]))
    variable.scatter_update(tf.IndexedSlices(tf.ones([1, 32]), tf.constant([2])))
    assert _address(variable.read_value()) != _address(variable.read_value())  # As TensorFlow does by itself.
    found = taken_out(variable)
    assert _address(found) == _address(taken_out(variable))
    np.testing.assert_array_equal(found.numpy().sum(1), [0.0, 0.0, 32.0, 0.0])


def test_vectors_that_tensorflow_holds_are_not_copied_again() -> None:
    start = Start.unknown(items=3, width=4, seed=1).with_kin(np.ones((3, 4), np.float32)).tensors()
    again = start.tensors()
    assert again.vectors is start.vectors
    assert again.kin is start.kin
