"""The examples in the docstrings of `model/`: every public class has one, and what it says happens."""

from __future__ import annotations

import ast
import doctest
import importlib
import pathlib
from typing import Any

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from tests.model.small_bert import make_small_bert
from tests.model.small_shop import small_shop

MODEL = pathlib.Path(__file__).resolve().parents[2] / "model"
RUN, SHOWN = ">>> ", ".. code-block:: python"
"""What begins an example that is run here, and one that is not."""


def documented() -> dict[str, dict[str, str]]:
    """The docstrings of public classes and functions by module and name."""
    return {
        f"aisle.{'.'.join(path.relative_to(MODEL.parent).with_suffix('').parts)}": {
            node.name: ast.get_docstring(node) or ""
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        }
        for path in sorted(MODEL.rglob("*.py"))
    }


def with_examples() -> list[str]:
    return [module for module, texts in documented().items() if any(RUN in text for text in texts.values())]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples find ready; see `model/__init__.py`."""
    bert = make_small_bert(tmp_path_factory.mktemp("bert"))
    return {"np": np, "pl": pl, "tf": tf, "bert": bert, "bundle": small_shop()}


def test_every_public_class_has_an_example() -> None:
    lacking = [
        f"{module}.{name}"
        for module, texts in documented().items()
        for name, text in texts.items()
        if name[0].isupper() and not ("Example:" in text and (RUN in text or SHOWN in text))
    ]
    assert not lacking


@pytest.mark.parametrize("module", with_examples())
def test_what_examples_say_happens(module: str, ready: dict[str, Any]) -> None:
    tf.keras.utils.set_random_seed(1)
    found = doctest.DocTestFinder().find(importlib.import_module(module), module, extraglobs=ready)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for example in found:
        runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)
    run = {example.name.removeprefix(f"{module}.") for example in found if example.examples}
    assert run >= {name for name, text in documented()[module].items() if RUN in text}
