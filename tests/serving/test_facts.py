"""What filters go by of items, told by the very version that answered."""

from __future__ import annotations

import asyncio
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aisle.serving import AsyncClient, BadAnswer, Client, ItemFact, RequestRefused
from aisle.serving.local import LocalModel
from aisle.serving.testing import AsyncFakeTransport, FakeTransport

AS_OF = 1_700_000_000_000_000


def _answer(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    shape = inputs["item_ids"].shape
    return {
        "known": inputs["item_ids"] != b"zz",
        "prices": np.full(shape, math.nan, np.float32),
        "sold_out": np.ones(shape, bool),
        "categories": np.full(shape, "Küche".encode(), object),
        "brands": np.full(shape, b"", object),
        "as_of": np.array(AS_OF),
    }


def test_a_version_tells_what_it_knows_and_as_of_when(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Callable[..., Any]
) -> None:
    save_tiny_model(tmp_path / "aisle" / "9", titles={"a": "mug", "b": "large mug", "c": "", "d": "pot"})
    _, address = server_control(tmp_path / "aisle")
    mug, large = ItemFact(3.0, True, "mug", "mug"), ItemFact(3.0, False, "large mug", "large mug")
    with Client(address) as client:
        for told in (client.facts(["a", "zz", "b"]), LocalModel(tmp_path / "aisle").facts(["a", "zz", "b"])):
            assert (told.items, told.as_of, told.version) == ({"a": mug, "b": large}, AS_OF, 9)
        assert (client.facts([], 9).items, client.facts([]).as_of) == ({}, AS_OF)


def test_an_older_version_refuses(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Callable[..., Any]
) -> None:
    save_tiny_model(tmp_path / "aisle" / "3", without=["facts"])
    _, address = server_control(tmp_path / "aisle")
    with Client(address) as client, pytest.raises(RequestRefused, match="facts"):
        client.facts(["a"])


def test_a_price_that_is_unknown_is_none_and_texts_are_texts() -> None:
    expected = {"a": ItemFact(None, True, "Küche", "")}
    fake = FakeTransport({"facts": _answer})
    assert Client("shop:8500", transport=fake).facts(["a", "zz"]).items == expected
    asking = AsyncClient("shop:8500", transport=AsyncFakeTransport({"facts": _answer}))
    assert asyncio.run(asking.facts(["zz", "a"])).items == expected


def test_an_answer_of_another_length_is_refused() -> None:
    fake = FakeTransport({"facts": _answer({"item_ids": np.array([[b"a"]], object)})})
    with pytest.raises(BadAnswer, match="'known' has shape"):
        Client("shop:8500", transport=fake).facts(["a", "b"])
