"""Titles of answered items, told by the very version that answered."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aisle.schema.errors import InputError
from aisle.serving import BadAnswer, Canary, Client, Filters, RequestRefused
from aisle.serving.local import LocalModel
from aisle.serving.releases.pushed import promote
from aisle.serving.testing import FakeTransport

OLD, NEW = (
    {"a": "mug", "b": "jug", "c": "cup", "d": "pot"},
    {"a": "Mug, red", "b": "", "c": "cup", "e": "urn"},
)
ITEMS = [("a", 2.0), ("b", 1.0)]


@pytest.fixture
def base(tmp_path: pathlib.Path, save_tiny_model: Callable[..., None]) -> pathlib.Path:
    """Version 9, labelled stable, and 10, whose items have other titles."""
    folder = tmp_path / "aisle"
    save_tiny_model(folder / "9", titles=OLD)
    save_tiny_model(folder / "10", titles=NEW)
    promote(folder, 9, "stable")
    return folder


def test_the_version_that_answered_tells_the_titles_of_its_answer(
    base: pathlib.Path, server_control: Callable[..., tuple[Any, str]]
) -> None:
    _, address = server_control(base)
    with Client(address) as newest, Client(address, label="stable") as stable:
        found, liked = newest.search("cup", k=4), stable.recommend("u1", k=4)
        assert (found.version, liked.version) == (10, 9)
        # Asked of either client: the number tells who answers. What is unknown, or without a title, is left out.
        for client in (newest, stable):
            assert client.titles(["a", "b", "e", "zz"], found.version) == {"a": "Mug, red", "e": "urn"}
            assert client.titles(["a", "b", "e", "zz"], liked.version) == {"a": "mug", "b": "jug"}
        assert newest.titles(["a"]) == {"a": "Mug, red"}
        assert newest.titles([]) == {}
        assert newest.search("cup", k=1, filters=Filters(category="Home")).version == 10
        assert newest.rank("cup", "", ["a"]).version == 10
        with pytest.raises(InputError, match="version is 0"):
            newest.titles(["a"], 0)


def test_the_model_in_this_process_tells_its_own(base: pathlib.Path) -> None:
    model = LocalModel(base)
    assert model.search("cup", k=1).version == 10
    assert model.titles(["a", "d"], 10) == {"a": "Mug, red"}
    with pytest.raises(RequestRefused, match="version 9 is not loaded; version 10 answers here"):
        model.titles(["a"], 9)


def test_an_older_model_refuses(
    tmp_path: pathlib.Path,
    save_tiny_model: Callable[..., None],
    server_control: Callable[..., tuple[Any, str]],
) -> None:
    save_tiny_model(tmp_path / "aisle" / "3", without=["titles"])
    _, address = server_control(tmp_path / "aisle")
    with Client(address) as client, pytest.raises(RequestRefused, match="titles"):
        client.titles(["a"], client.similar("b", k=1).version)
    with pytest.raises(RequestRefused, match="version 3 has no signature 'titles'"):
        LocalModel(tmp_path / "aisle").titles(["a"])


def test_a_batch_that_two_versions_answered_has_no_version() -> None:
    canary = Canary(0.5)
    users = {canary.label_of(f"u{i}"): f"u{i}" for i in range(20)}
    assert len(users) == 2
    client = Client("shop:8500", transport=FakeTransport({"recommend": ITEMS}), canary=canary)
    both = client.recommend_batch(list(users.values()), k=2)
    assert [answer.version for answer in both] == [None, None]
    assert client.recommend(users["canary"], k=2).version == 1


def test_an_answer_of_another_length_is_refused() -> None:
    answers = {"titles": {"titles": np.array([[b"mug"]], object)}}
    with pytest.raises(BadAnswer, match="'titles' has shape"):
        Client("shop:8500", transport=FakeTransport(answers)).titles(["a", "b"])
