"""Tensors of a PyTorch file: read as they lie, and nothing else of it is followed."""

from __future__ import annotations

import io
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.images.torch_file import read_torch_file
from aisle.schema.errors import InputError
from tests.model.images import torch_files as torch

SIX = np.arange(6, dtype=np.float32)


def _read(tensors: dict[str, bytes], storage: np.ndarray = SIX) -> dict[str, np.ndarray]:
    return read_torch_file(io.BytesIO(torch.torch_file(tensors, storage)))


def test_tensors_are_read_in_their_own_order() -> None:
    read = _read(
        {
            "rows": torch.tensor(6, (2, 3), (3, 1)),
            "columns": torch.tensor(6, (3, 2), (1, 3)),
            "last": torch.tensor(6, (2,), (1,), offset=4),
            "one": torch.tensor(6, (), (), offset=3),
        }
    )
    assert read["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["columns"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert read["last"].tolist() == [4, 5]
    assert read["one"].tolist() == 3
    assert read["columns"].flags.c_contiguous and read["columns"].dtype == np.float32


def test_counters_are_read_as_whole_numbers() -> None:
    read = _read({"n": torch.tensor(1, (1,), (1,), kind="LongStorage")}, np.array([2**40]))
    assert read["n"].tolist() == [2**40]


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((2,), (1,), 5),
        ((2,), (-1,), 3),
        ((0,), (1,), 0),
        ((9, 9), (0, 0), 0),
        ((2,), (1, 1), 0),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    with pytest.raises(InputError, match="beyond its storage|argument"):
        _read({"bad": torch.tensor(6, shape, strides, offset)})


def test_code_is_refused_by_its_name_and_never_run(tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "ran"
    call = b"cos\nsystem\n(" + torch.text(f"touch {mark}") + b"tR"
    with pytest.raises(InputError, match="it names os system"):
        _read({"bad": call})
    built = torch.DICTIONARY[:-2] + b"(" + torch.text("pairs") + b"tR"
    with pytest.raises(InputError, match="it calls collections OrderedDict"):
        _read({"bad": built})
    with pytest.raises(InputError, match="the instruction INST"):
        _read({"bad": b"(" + torch.text(f"touch {mark}") + b"ios\nsystem\n"})
    assert not mark.exists()


def test_another_file_is_refused(tmp_path: pathlib.Path) -> None:
    for data in (b"", b"PK\x03\x04" + bytes(100), torch.torch_file({}, SIX)[20:], bytes(99)):
        with pytest.raises(InputError, match="the weights can't be read"):
            read_torch_file(io.BytesIO(data))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_changed_it_is_read_or_refused(data: st.DataObject) -> None:
    bad = bytearray(torch.torch_file({"a": torch.tensor(6, (2, 3), (3, 1))}, SIX))
    for place in data.draw(st.lists(st.integers(0, len(bad) - 1), min_size=1, max_size=4)):
        bad[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(bad)))
    for file in (bytes(bad), bytes(bad[:cut])):
        try:
            read = read_torch_file(io.BytesIO(file))
        except InputError as error:
            assert "the weights can't be read" in str(error)
        else:
            assert all(value.size <= 6 for value in read.values())
