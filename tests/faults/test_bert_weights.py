"""Fault 36: corrupt, wrong-shaped or pickled BERT weights are refused by name, and never unpickled."""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import shutil
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from aisle.model.text.bert import Tokenizer, load_bert
from aisle.schema.bert.files import check_bert
from aisle.schema.errors import InputError
from tests.model.small_bert import make_small_bert


class Bomb:
    """Makes a folder where it is unpickled."""

    def __init__(self, marker: pathlib.Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.marker,)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return pathlib.Path(make_small_bert(tmp_path_factory.mktemp("whole") / "bert"))


@pytest.fixture
def folder(whole: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy to break."""
    return pathlib.Path(shutil.copytree(whole, tmp_path / "bert"))


def refused(folder: pathlib.Path) -> str:
    """What is said; the check without TensorFlow and the loading are asked in turn."""
    with pytest.raises(InputError) as caught:
        load_bert(str(folder))
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_a_whole_folder_is_loaded_as_it_was_saved(folder: pathlib.Path) -> None:
    check_bert(str(folder))
    saved = load_file(folder / "model.safetensors")
    loaded = {weight.name: weight.numpy() for weight in load_bert(str(folder)).weights}
    assert len(saved) == len(loaded) > 30
    for name, values in saved.items():
        found = next(
            value for full, value in loaded.items() if full.split(":")[0].endswith(name.split(":")[0])
        )
        np.testing.assert_array_equal(found, values)


def test_a_pickle_in_the_place_of_the_weights_is_named_and_not_unpickled(folder: pathlib.Path) -> None:
    (folder / "model.safetensors").unlink()
    marker = folder.parent / "ran"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(marker)))
    said = refused(folder)
    assert "lacks model.safetensors" in said
    assert "pytorch_model.bin there is never loaded" in said
    assert not marker.exists()


def test_a_pickle_beside_the_weights_is_not_looked_at(folder: pathlib.Path) -> None:
    marker = folder.parent / "ran"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(marker)))
    load_bert(str(folder))
    assert not marker.exists()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_named_safetensors_is_told_as_such_and_not_unpickled(
    folder: pathlib.Path, protocol: int
) -> None:
    marker = folder.parent / "ran"
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb(marker), protocol=protocol) + b"." * 64)
    assert "a Python pickle, which is never loaded" in refused(folder)
    assert not marker.exists()
    # The marker would show it.
    pickle.loads((folder / "model.safetensors").read_bytes())
    assert marker.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(60), "a zip archive of pickles"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "not a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"", "not a safetensors file"),
        (b"\x05", "not a safetensors file"),
        ((20).to_bytes(8, "little") + b"{not a json header}} ", "its header can't be read"),
        ((2).to_bytes(8, "little") + b"[]", "its header can't be read"),
        ((11).to_bytes(8, "little") + b'{"a": null}', "its header can't be read"),
        ((2).to_bytes(8, "little") + b"{}", "model.safetensors can't be loaded"),
    ],
)
def test_what_is_no_safetensors_file_is_named(folder: pathlib.Path, content: bytes, said: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert said in refused(folder)


@pytest.mark.parametrize("left", [0.02, 0.5, 0.999])
def test_a_file_cut_short_is_damaged(folder: pathlib.Path, left: float) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: int(left * len(content))])
    said = refused(folder)
    assert "model.safetensors" in said
    assert "damaged" in said or "not a safetensors file" in said


def test_a_tensor_that_claims_more_bytes_than_it_has_is_named(folder: pathlib.Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    name = next(name for name in header if "word_embeddings" in name)
    header[name]["shape"][0] += 1
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + content[8 + length :])
    assert f"its tensor {name} has not as many bytes" in refused(folder)


def _change(folder: pathlib.Path, part: str, change: Callable[[np.ndarray], np.ndarray | None]) -> None:
    """Rewrites the first tensor whose name holds `part`; None leaves it out."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if part in name)
    changed = change(tensors.pop(name))
    save_file(tensors if changed is None else tensors | {name: changed}, path, metadata={"format": "tf"})


def test_word_embeddings_of_another_size_are_refused(folder: pathlib.Path) -> None:
    _change(folder, "word_embeddings", lambda values: values[:, :8].copy())
    assert "word_embeddings/weight:0 of shape [17, 8], but by config.json it is [17, 16]" in refused(folder)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (
            "intermediate/dense/kernel",
            lambda values: values[:, :8],
            "[16, 8], but by config.json it is [16, 32]",
        ),
        # As many numbers, in another order.
        ("intermediate/dense/kernel", np.transpose, "[32, 16], but by config.json it is [16, 32]"),
        ("layer_._1/output/dense/kernel", np.transpose, "[16, 32], but by config.json it is [32, 16]"),
        (
            "layer_._0/output/dense/bias",
            lambda values: values.reshape(4, 4),
            "[4, 4], but by config.json it is [16]",
        ),
        ("position_embeddings", lambda values: values[:5], "[5, 16], but by config.json it is [64, 16]"),
    ],
)
def test_a_layer_of_another_shape_is_refused(
    folder: pathlib.Path, part: str, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    _change(folder, part, lambda values: np.ascontiguousarray(change(values)))
    assert said in refused(folder)


def test_a_missing_layer_is_not_filled_with_random_numbers(folder: pathlib.Path) -> None:
    _change(folder, "layer_._1/output/dense/kernel", lambda values: None)
    assert "lacks 1 of BERT's weights" in refused(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(folder: pathlib.Path, value: float) -> None:
    def spoil(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values.flat[3] = value
        return values

    _change(folder, "query/kernel", spoil)
    assert "holds NaN or infinity" in refused(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "gpt2"}, "a model of type 'gpt2', expected 'bert'"),
        ({"hidden_size": "16"}, "hidden_size='16', expected a whole number above 0"),
        ({"vocab_size": 99}, "but by config.json it is [99, 16]"),
        ({"intermediate_size": 33}, "but by config.json it is [33]"),
        ({"num_hidden_layers": 3}, "of BERT's weights"),
    ],
)
def test_a_configuration_of_another_model_is_refused(
    folder: pathlib.Path, change: dict[str, object], said: str
) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    assert said in refused(folder)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_a_configuration_that_is_none_is_named(folder: pathlib.Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in refused(folder)


def test_a_vocabulary_longer_than_the_embeddings_is_refused(folder: pathlib.Path) -> None:
    with open(folder / "vocab.txt", "a", encoding="utf-8") as file:
        file.write("one\ntoo\n")
    assert "vocab.txt holds 19 word pieces, but config.json says 17" in refused(folder)


def test_a_vocabulary_without_berts_own_pieces_is_refused(folder: pathlib.Path) -> None:
    (folder / "vocab.txt").write_text("red\nmug\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"vocab\.txt lacks \[UNK\], \[CLS\], \[SEP\]"):
        Tokenizer(str(folder))


def test_a_missing_file_is_named(folder: pathlib.Path) -> None:
    (folder / "vocab.txt").unlink()
    assert "lacks vocab.txt; a checkpoint needs" in refused(folder)
