"""What a served model says of the words of reviews, asked over gRPC, in this process, and where it can't say it."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aisle.schema.errors import InputError
from aisle.serving import AsyncClient, BadAnswer, Client, RequestRefused
from aisle.serving.local import LocalModel
from aisle.serving.testing import AsyncFakeTransport, FakeTransport


def test_each_text_has_a_score(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Callable[..., Any]
) -> None:
    save_tiny_model(tmp_path / "aisle" / "9")
    save_tiny_model(tmp_path / "older" / "aisle" / "3", without=["sentiment"])
    _, address = server_control(tmp_path / "aisle")
    with Client(address) as client:
        for asked in (client, LocalModel(tmp_path / "aisle")):
            assert asked.sentiment(["no", "yes!", "", "yes!!"]) == [0.0, 0.5, 0.0, 0.75]
            assert asked.sentiment([]) == []
    with pytest.raises(RequestRefused, match="sentiment"):
        LocalModel(tmp_path / "older" / "aisle").sentiment(["yes!"])


def _always(scores: list[float]) -> dict[str, Callable[..., dict[str, np.ndarray]]]:
    return {"sentiment": lambda _: {"scores": np.array(scores, np.float32)}}


def test_a_coroutine_says_the_same() -> None:
    asking = AsyncClient("shop:8500", transport=AsyncFakeTransport(_always([0.25])))
    assert asyncio.run(asking.sentiment(["meh"])) == [0.25]


def test_an_answer_of_another_length_and_a_single_string_are_refused() -> None:
    client = Client("shop:8500", transport=FakeTransport(_always([0.25])))
    with pytest.raises(BadAnswer, match="'scores' has shape"):
        client.sentiment(["one", "two"])
    with pytest.raises(InputError, match="texts is one string"):
        client.sentiment("one")
