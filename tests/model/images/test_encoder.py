"""Pictures as vectors: what the network sees on average, the same for files as for pixels, and whitened."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from aisle.model.images.encoder import FEATURES, TEXTURES, PictureEncoder, square
from aisle.model.images.whitening import Whitening
from aisle.schema.pictures import SIDE, encoded, read_picture
from tests.model.images import by_hand

WEIGHTS = by_hand.random_weights(3)


def _picture(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth colours: no way to make it smaller loses much."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 128 + 0 * x], -1).astype(np.uint8)


def test_features_are_the_means_of_the_later_maps() -> None:
    pictures = np.stack([_picture(64, 64), _picture(64, 64)[::-1]])
    found = PictureEncoder(WEIGHTS)(tf.constant(pictures)).numpy()
    assert found.shape == (2, FEATURES)
    for one, picture in zip(found, pictures, strict=True):
        seen = [values.mean((1, 2)) for values in by_hand.maps(WEIGHTS, picture)[3:]]
        assert np.allclose(one, np.concatenate(seen), atol=1e-3)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("shape", [(300, 300), (448, 224), (50, 90)])
def test_the_graph_reads_a_file_as_the_data_path_does(form: str, shape: tuple[int, int]) -> None:
    with io.BytesIO() as file:
        Image.fromarray(_picture(*shape)).save(file, form, quality=95)
        data = file.getvalue()
    ours, others = square(tf.constant(data)).numpy().astype(int), read_picture(data).astype(int)
    assert ours.shape == (SIDE, SIDE, 3)
    assert np.abs(ours - others).mean() < 3


def test_what_was_read_once_is_read_again_as_it_is() -> None:
    picture = read_picture(encoded(_picture(100, 60)))
    encoder = PictureEncoder(WEIGHTS)
    again = encoder.read(tf.constant([encoded(picture), encoded(picture[::-1])]))
    assert np.allclose(again, encoder(tf.constant(np.stack([picture, picture[::-1]]))), atol=1e-4)


def test_whitened_vectors_have_nearly_equal_spread_and_no_correlation() -> None:
    draw = np.random.default_rng(4)
    features = draw.normal(0, 1, (4000, 3)) * [9, 3, 1] @ np.linalg.qr(draw.normal(0, 1, (3, 3)))[0] + 7
    turn = Whitening.learn(features, 3)
    spread = np.linalg.eigvalsh(np.cov(features.T, bias=True))[::-1]
    white = (features - features.mean(0)) @ turn._turn.numpy()
    assert np.allclose(np.cov(white.T, bias=True), np.diag(spread / (spread + 0.01 * spread[0])), atol=1e-3)
    vectors = turn(tf.constant(features, tf.float32)).numpy()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    # Of two directions, those of the most spread: the third is nearly gone.
    kept = Whitening.learn(features, 2)._turn.numpy()
    assert np.allclose(np.abs(kept), np.abs(turn._turn.numpy()[:, :2]), atol=1e-4)


def test_few_pictures_give_few_directions() -> None:
    for count in (1, 2, 3):
        found = Whitening.learn(np.eye(5)[:count])(tf.eye(5)).numpy()
        assert found.shape == (5, max(count - 1, 1)) and np.isfinite(found).all()


def test_textures_are_means_spreads_and_what_varies_together() -> None:
    encoder = PictureEncoder(WEIGHTS, textures=True)
    found = encoder(tf.constant(_picture(64, 64)[None])).numpy()[0]
    maps = by_hand.maps(WEIGHTS, _picture(64, 64))
    flat = maps[4].reshape(112, -1)
    together = np.cov(flat, bias=True)
    spread = np.sqrt(np.diag(together)) + 1e-2
    together /= np.sqrt(np.outer(spread, spread))
    upper = together[np.triu_indices(112)]
    expected = [
        *(seen.mean((1, 2)) for seen in maps),
        *(seen.std((1, 2)) for seen in maps[:-1]),
        np.sign(upper) * np.sqrt(np.abs(upper)),
    ]
    assert encoder.width == TEXTURES == len(found)
    assert np.allclose(found, np.concatenate(expected), atol=5e-2)
