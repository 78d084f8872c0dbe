"""What items look like, in the served graph: found by a picture, and part of what is similar."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model.images.encoder import PictureEncoder
from aisle.model.served import looks as module
from aisle.model.served.bundle import Bundle
from aisle.model.served.looks import Looks, looks_of
from aisle.schema import contract
from aisle.schema.pictures import encoded
from tests.model.images import by_hand
from tests.model.small_bert import make_small_bert
from tests.model.small_shop import IDS, small_shop

WEIGHTS = by_hand.random_weights(5)
COLOURS = {"mug": (255, 0, 0), "mugs": (240, 10, 10), "shoe": (0, 0, 255), "rope": (0, 220, 40)}


TAKEN = pl.DataFrame(
    schema=dict.fromkeys(("user_id", "session_id", "item_id", "split"), pl.String)
).with_columns(timestamp=pl.lit(0))
"""By nobody."""


def _picture(colour: tuple[int, int, int]) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (224, 224, 3))


def _file(item: str) -> bytes:
    return encoded(_picture(COLOURS[item]))


@pytest.fixture(scope="module")
def looks() -> Looks:
    encoder = PictureEncoder(WEIGHTS)
    features = encoder(tf.constant(np.stack([_picture(colour) for colour in COLOURS.values()])))
    kept = [row.astype(np.float16).tobytes() for row in features.numpy()]
    pictures = pl.DataFrame({"item_id": [*COLOURS, "gone"], "features": [*kept, kept[0]]})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "read_weights", lambda: WEIGHTS)
        found = looks_of({"pictures": pictures, "interactions": TAKEN}, IDS, [], 0.5)
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def bundle(looks: Looks, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_shop(make_small_bert(tmp_path_factory.mktemp("bert")), looks)


def test_a_picture_finds_the_items_that_look_like_it(bundle: Bundle) -> None:
    ask = bundle.graph(contract.SIMILAR_BY_IMAGE)
    files = tf.constant([_file("mug"), _file("shoe")])
    answer = ask(files, tf.constant(6))
    ids = [[item.decode() for item in row] for row in answer["item_ids"].numpy()]
    assert ids[0][:2] == ["mug", "mugs"] and ids[1][0] == "shoe"
    assert answer["scores"].numpy()[:, 0] == pytest.approx([1.0, 1.0], abs=0.01)
    # Items without a picture are no answer.
    assert all(sorted(row[:4]) == sorted(COLOURS) and row[4:] == ["", ""] for row in ids)
    assert np.isneginf(answer["scores"].numpy()[:, 4:]).all()
    assert ask(files[:0], tf.constant(3))["item_ids"].shape == (0, 3)


def test_what_is_no_picture_is_refused_by_the_graph(bundle: Bundle) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        bundle.graph(contract.SIMILAR_BY_IMAGE)(tf.constant([b"no picture"]), tf.constant(3))


def test_pictures_take_part_in_what_is_similar(bundle: Bundle, looks: Looks) -> None:
    row = tf.constant([IDS.index("mug")])
    with_pictures = dict(_similar(bundle))
    bundle._looks = None
    without = dict(_similar(bundle))
    bundle._looks = looks
    (near,) = looks.near(row)
    share = near.of(tf.range(len(IDS))[None]).numpy()[0]
    gained = {item: with_pictures[item] - without[item] for item in without}
    assert gained == pytest.approx({item: share[IDS.index(item)] for item in without}, abs=1e-5)
    assert gained["tv60"] == 0 and gained["mugs"] > gained["shoe"]


def _similar(bundle: Bundle) -> list[tuple[str, float]]:
    answer = bundle.similar(tf.constant(["mug"]), tf.constant(9))
    ids = [item.decode() for item in answer["item_ids"].numpy()[0]]
    return list(zip(ids, answer["scores"].numpy()[0].tolist(), strict=True))


def test_only_a_shop_with_pictures_has_the_signature(looks: Looks, tmp_path: pathlib.Path) -> None:
    bare = small_shop(make_small_bert(tmp_path))
    assert looks_of({}, IDS, [], None) is None
    one = pl.DataFrame({"item_id": ["mug"], "features": [b""]})
    assert looks_of({"pictures": one}, IDS, [], None) is None
    assert contract.SIMILAR_BY_IMAGE not in bare.answered()
