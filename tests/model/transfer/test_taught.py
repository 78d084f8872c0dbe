"""What a shop leaves for another: it comes back as it was, and holds no id."""

from __future__ import annotations

import io
import json
import pathlib

import numpy as np
import polars as pl
import pytest

from aisle.model.gain import Gain
from aisle.model.ranking.numbers import Ensemble, FeatureHead
from aisle.model.ranking.taught_head import NUMBERS, edges_from, taught_head, why_not
from aisle.model.served.teaching import taught_by, write_teaching
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.taught import HeadWeights, Taught
from aisle.model.transfer.told import told
from aisle.schema.errors import InputError

IDS = [f"theirs-{number}" for number in range(97)]
FILE = pathlib.Path("assets.extra", "taught.npz")


def ensemble() -> Ensemble:
    heads = [
        FeatureHead(np.sort(np.random.default_rng(n).random((len(NUMBERS), 5))), width=8) for n in (1, 2)
    ]
    made = Ensemble(heads)
    made(np.zeros((1, len(NUMBERS)), np.float32))
    return made


def taught(folder: pathlib.Path) -> pathlib.Path:
    """What a shop whose head is `ensemble()` leaves in a folder; it took a part of a third one's."""
    features = ensemble()
    head = folder / "head"
    Taught(taught_head(features), None).write(str(head))
    random = np.random.default_rng(1)
    shelf = Shelf(random.normal(size=(len(IDS), 4)), random.random(len(IDS)), "words")
    took = {"user_id": ["user-of-theirs"] * len(IDS), "item_id": IDS, "weight": random.random(len(IDS))}
    took |= {"session_id": ["visit-of-theirs"] * len(IDS), "timestamp": list(range(len(IDS)))}
    gains = [Gain.off("worth", "too few")]
    teaches = taught_by(str(head), shelf, pl.DataFrame(took), IDS)
    write_teaching([str(folder / "model")], str(head), teaches, gains)
    return folder / "model"


def test_it_comes_back_as_it_was_without_an_id(tmp_path: pathlib.Path) -> None:
    model = taught(tmp_path)
    found = Taught.read(str(model / FILE))
    assert found.head is not None and found.content is not None and found.following is not None
    assert len(found.following.weights) == len(found.following.alike)
    assert found.head.numbers == NUMBERS and found.content.encoder == "words"
    for ours, theirs in zip(ensemble().heads, found.head.members, strict=True):
        assert [weights.shape for weights in theirs] == [weights.shape for weights in ours.get_weights()]
    written = (model / FILE).read_bytes()
    assert not any(name.encode() in written for name in (*IDS, "user-of-theirs", "visit-of-theirs", "theirs"))
    # The file is as large for any catalogue: what it holds is of no item.
    arrays = np.load(io.BytesIO(written))
    assert len(IDS) not in {size for name in arrays.files for size in arrays[name].shape}
    assert told(str(model)) == [Gain.off("worth", "too few")]


def test_a_file_of_another_form_or_a_damaged_one_is_refused(tmp_path: pathlib.Path) -> None:
    path = taught(tmp_path) / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="can't be read from .*run aisle on that shop again"):
        Taught.read(str(path))
    with path.open("wb") as file:
        np.savez(file, told=np.array(json.dumps({"format": 99})))
    with pytest.raises(InputError, match="form 99 .* reads 1"):
        Taught.read(str(path))


def test_a_head_of_other_numbers_is_refused_with_the_reason() -> None:
    head = taught_head(ensemble())
    assert why_not(head) == ""
    assert "teaches nothing" in why_not(None)
    other = HeadWeights(("colour", *head.numbers[1:]), head.edges, head.members)
    assert f"{len(NUMBERS) - 1} are the same" in why_not(other)


def test_prices_and_sales_are_read_by_their_place_in_the_shop_and_ages_as_they_are() -> None:
    head = taught_head(ensemble())
    values = np.random.default_rng(3).random((50, len(NUMBERS))).astype(np.float32) * 1000
    edges = dict(zip(NUMBERS, edges_from(head, values), strict=True))
    price, last = (NUMBERS.index(name) for name in ("price_level", "last"))
    np.testing.assert_allclose(
        edges["price_level"], np.quantile(values[:, price], np.linspace(0, 1, 5)), rtol=1e-5
    )
    np.testing.assert_array_equal(edges["last"], head.edges[last])
