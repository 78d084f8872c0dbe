"""EfficientNet-lite0 once more, in NumPy, with batch normalisation of its own and PyTorch's order of axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]
BLOCKS = (
    *((3, 1, 1, 32, 16),),
    *((3, 2, 6, 16, 24), (3, 1, 6, 24, 24)),
    *((5, 2, 6, 24, 40), (5, 1, 6, 40, 40)),
    *((3, 2, 6, 40, 80), (3, 1, 6, 80, 80), (3, 1, 6, 80, 80)),
    *((5, 1, 6, 80, 112), (5, 1, 6, 112, 112), (5, 1, 6, 112, 112)),
    *((5, 2, 6, 112, 192), (5, 1, 6, 192, 192), (5, 1, 6, 192, 192), (5, 1, 6, 192, 192)),
    *((3, 1, 6, 192, 320),),
)
"""Kernel, stride, expansion, channels in and out of each block, as the paper's table has them."""
ENDS = (0, 2, 4, 7, 10, 14, 15)
"""The last block of each stage."""


def random_weights(seed: int) -> Weights:
    """Weights of the right shapes, of which signals neither die nor grow."""
    draw = np.random.default_rng(seed)
    weights: Weights = {}

    def convolution(name: str, norm: str, out: int, into: int, kernel: int) -> None:
        scale = np.sqrt(2 / (into * kernel**2))
        weights[f"{name}.weight"] = draw.normal(0, scale, (out, into, kernel, kernel)).astype(np.float32)
        for part in ("weight", "running_var"):
            weights[f"{norm}.{part}"] = draw.uniform(0.7, 1.4, out).astype(np.float32)
        for part in ("bias", "running_mean"):
            weights[f"{norm}.{part}"] = draw.normal(0, 0.3, out).astype(np.float32)

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    for number, (kernel, _, expansion, into, out) in enumerate(BLOCKS):
        name, wide = f"_blocks.{number}", into * expansion
        if expansion > 1:
            convolution(f"{name}._expand_conv", f"{name}._bn0", wide, into, 1)
        convolution(f"{name}._depthwise_conv", f"{name}._bn1", wide, 1, kernel)
        convolution(f"{name}._project_conv", f"{name}._bn2", out, wide, 1)
    convolution("_conv_head", "_bn1", 1280, 320, 1)
    return weights


def maps(weights: Weights, picture: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """What each stage and the last layer give of one picture, [h, w, 3], channels first."""
    seen = (picture.transpose(2, 0, 1).astype(np.float64) - 127) / 128
    seen = _relu6(_normalised(weights, "_bn0", _convolved(weights["_conv_stem.weight"], seen, 2)))
    found = []
    for number, (_, stride, expansion, _, _) in enumerate(BLOCKS):
        name, given = f"_blocks.{number}", seen
        if expansion > 1:
            seen = _convolved(weights[f"{name}._expand_conv.weight"], seen, 1)
            seen = _relu6(_normalised(weights, f"{name}._bn0", seen))
        seen = _convolved(weights[f"{name}._depthwise_conv.weight"], seen, stride)
        seen = _relu6(_normalised(weights, f"{name}._bn1", seen))
        seen = _normalised(
            weights, f"{name}._bn2", _convolved(weights[f"{name}._project_conv.weight"], seen, 1)
        )
        if given.shape == seen.shape:
            seen = seen + given
        if number in ENDS:
            found.append(seen)
    return [*found, _relu6(_normalised(weights, "_bn1", _convolved(weights["_conv_head.weight"], seen, 1)))]


def _convolved(kernel: NDArray[np.float32], seen: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """[c, h, w] by [out, c, k, k], or of channels that stay apart by [c, 1, k, k]; padded so that no pixel is left out."""
    size = kernel.shape[-1]
    pads = [(0, 0)]
    for length in seen.shape[1:]:
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads.append((missing // 2, missing - missing // 2))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(seen, pads), (size, size), (1, 2))
    windows = windows[:, ::stride, ::stride]
    if kernel.shape[1] == 1 and len(kernel) == len(seen):
        return np.einsum("chwij,cij->chw", windows, kernel[:, 0])
    return np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True)


def _normalised(weights: Weights, name: str, seen: NDArray[np.float64]) -> NDArray[np.float64]:
    mean, variance, scale, shift = (
        weights[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (seen - mean) / np.sqrt(variance + 1e-3) * scale + shift


def _relu6(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(seen, 0, 6)
