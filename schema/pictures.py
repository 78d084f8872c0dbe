"""Pictures of unknown origin, read safely: what they claim is held against limits before anything is decoded."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

SIDE = 224
"""The side of the squares that pictures are read as: what the encoder was trained on."""
MOST_BYTES = 32 << 20
"""Of a file."""
MOST_PIXELS = 50_000_000
"""Of a picture: more than cameras take, and 150 MB once it is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""Of anything else, Pillow has decoders that few look after."""

_WHITE = 255
_DEEP = ("I", "F")
"""Modes of more than a byte for each pixel begin so."""


class PictureError(ValueError):
    """A picture can't be used; the message is the reason, without the picture's name."""


def read_picture(data: bytes, side: int = SIDE) -> NDArray[np.uint8]:
    """Reads a picture as a square, whole: what is missing of one is white, as behind most products.

    It is turned as its EXIF data say; what is transparent becomes white; of several frames the first is read.

    Args:
        data: the file's bytes.
        side: of the square, in pixels.

    Returns:
        [side, side, 3] RGB.

    Raises:
        PictureError: it is too large, broken, cut off, or no picture of FORMATS.
    """
    from PIL import Image, ImageOps

    image = _opened(data)
    try:
        # JPEGs are decoded at a half, a fourth or an eighth where that is enough.
        image.draft("RGB", (2 * side, 2 * side))
        turned = ImageOps.exif_transpose(_in_colour(_eight_bits(image)))
        whole = _on_white(ImageOps.contain(turned, (side, side), Image.Resampling.BICUBIC))
    except Exception as error:  # Decoders raise of all kinds at broken data.
        raise PictureError(f"broken or cut off ({_short(error)})") from error
    square = Image.new("RGB", (side, side), (_WHITE, _WHITE, _WHITE))
    square.paste(whole, ((side - whole.width) // 2, (side - whole.height) // 2))
    return np.asarray(square, np.uint8)


def encoded(picture: NDArray[np.uint8]) -> bytes:
    """A picture that was read, as PNG: what a served model gets."""
    from PIL import Image

    with io.BytesIO() as file:
        Image.fromarray(picture).save(file, "PNG")
        return file.getvalue()


def _opened(data: bytes) -> Image.Image:
    """The picture, of which the header alone was read.

    Raises:
        PictureError: its header says that it can't be used.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise PictureError("empty")
    if len(data) > MOST_BYTES:
        raise PictureError(f"{len(data):,} bytes, at most {MOST_BYTES:,} are read")
    try:
        with warnings.catch_warnings():
            # Pillow warns of many pixels, at a limit of its own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise PictureError(f"no picture of a known form ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"more than {MOST_PIXELS:,} pixels") from error
    except Exception as error:
        raise PictureError(f"broken or cut off ({_short(error)})") from error
    if image.width * image.height > MOST_PIXELS:
        raise PictureError(f"{image.width:,} by {image.height:,} pixels, at most {MOST_PIXELS:,} are read")
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of a byte for each channel; Pillow cuts off what is above one."""
    from PIL import Image

    if not image.mode.startswith(_DEEP):
        return image
    values = np.asarray(image, np.float64)
    return Image.fromarray((values / 257).clip(0, 255).round().astype(np.uint8))


def _in_colour(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where something of the picture is transparent."""
    transparent = "transparency" in image.info or image.mode.endswith(("A", "a"))
    return image.convert("RGBA" if transparent else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """RGB, with white where the picture is transparent."""
    from PIL import Image

    if image.mode == "RGB":
        return image
    behind = Image.new("RGBA", image.size, (_WHITE, _WHITE, _WHITE, _WHITE))
    return Image.alpha_composite(behind, image).convert("RGB")


def _short(error: Exception) -> str:
    """The first line of what a decoder says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:80]
