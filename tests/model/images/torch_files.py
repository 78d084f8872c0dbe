"""Files as `torch.save` wrote them before version 1.6, instruction by instruction: PyTorch is not installed here."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence

import numpy as np

STOP = b"."
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
DICTIONARY = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    """Puts a text on the stack."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def whole(value: int) -> bytes:
    """Puts an integer on the stack."""
    return b"J" + struct.pack("<i", value)


def sizes(values: Sequence[int]) -> bytes:
    """Puts a tuple on the stack."""
    return b"(" + b"".join(map(whole, values)) + b"t"


def tensor(
    count: int, shape: Sequence[int], strides: Sequence[int], offset: int = 0, kind: str = "FloatStorage"
) -> bytes:
    """Puts a tensor on the stack that views the storage `0` of `count` values."""
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text("0") + text("cpu")
    storage += whole(count) + b"NtQ"
    return REBUILD + b"(" + storage + whole(offset) + sizes(shape) + sizes(strides) + b"\x89)tR"


def torch_file(tensors: dict[str, bytes], storage: np.ndarray) -> bytes:
    """A file of tensors by name, whose storage `0` has some values."""
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    items = b"".join(text(name) + value + b"s" for name, value in tensors.items())
    listed = b"\x80\x02" + DICTIONARY + items + STOP
    return head + listed + pickle.dumps(["0"], 2) + struct.pack("<q", storage.size) + storage.tobytes()
