"""Pictures of unknown origin: read as squares, or refused with the reason."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aisle.schema.pictures import MOST_PIXELS, PictureError, encoded, read_picture

RED, WHITE = [255, 0, 0], [255, 255, 255]


def _file(image: Image.Image, form: str = "PNG", **told: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, form, **told)  # type: ignore[arg-type]
        return file.getvalue()


def _halves(mode: str = "RGB") -> Image.Image:
    """80 by 40 pixels: the left half red, the right one blue."""
    image = Image.new("RGB", (80, 40), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 40, 40))
    return image.convert(mode)


def _png(width: int, height: int, depth: int = 8, kind: int = 2, rows: bytes = bytes(99)) -> bytes:
    """A PNG whose header claims a size, and whose data is a few bytes or `rows`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_form_is_read_whole_in_a_white_square(form: str) -> None:
    read = read_picture(_file(_halves(), form), 80)
    assert read.shape == (80, 80, 3)
    assert np.abs(read[40, 20].astype(int) - RED).max() < 8
    assert np.abs(read[40, 60].astype(int) - [0, 0, 255]).max() < 8
    assert (read[:19] > 245).all() and (read[61:] > 245).all()


def test_it_is_turned_as_its_camera_says() -> None:
    told = Image.Exif()
    told[0x0112] = 6  # To be turned by 90 degrees clockwise: what was left is above.
    read = read_picture(_file(_halves(), "JPEG", exif=told), 80)
    assert np.abs(read[20, 40].astype(int) - RED).max() < 8
    assert (read[40, :19] > 245).all()


def test_what_is_transparent_is_white() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 4, 8))
    read = read_picture(_file(image), 8)
    assert read[4, 1].tolist() == RED and read[4, 6].tolist() == WHITE
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    assert read_picture(_file(palette, "PNG", transparency=0), 8)[4, 4].tolist() == WHITE


def test_the_colours_of_print_and_of_scanners_are_read() -> None:
    printed = read_picture(_file(_halves("CMYK"), "JPEG"), 80)
    assert printed[40, 20, 0] > 200 and printed[40, 20, 2] < 60
    deep = Image.fromarray(np.full((8, 8), 0x8080, np.uint16))
    assert read_picture(_file(deep), 8)[4, 4].tolist() == [0x80] * 3
    assert read_picture(_file(Image.new("L", (8, 8), 77)), 8)[4, 4].tolist() == [77] * 3


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_brought_to_eight(kind: int, channels: int) -> None:
    """Of 0xC0C0 each, 0xC0 is left; where the last channel is how opaque it is, white shows through by a quarter."""
    seen = read_picture(_png(8, 8, 16, kind, (b"\0" + b"\xc0" * (16 * channels)) * 8), 8)
    wanted = 0xC0 if channels % 2 else round((0xC0 * 0xC0 + 255 * 0x3F) / 255)
    assert np.abs(seen.astype(int) - wanted).max() <= 1


def test_of_several_frames_the_first_is_read() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255), (0, 255, 0))]
    with io.BytesIO() as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
        assert read_picture(file.getvalue(), 8)[4, 4].tolist() == RED


def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureError, match=f"8,000 by 8,000 pixels, at most {MOST_PIXELS:,}"):
        read_picture(_png(8_000, 8_000))
    with pytest.raises(PictureError, match="more than"):
        read_picture(_png(1 << 20, 1 << 20))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<svg onload='alert(1)'/>", "no picture of a known form"),
        (b"BM" + bytes(100), "no picture of a known form"),
        (_file(_halves(), "JPEG")[:400], "broken or cut off"),
        (_file(_halves())[:90], "broken or cut off"),
        (_png(9, 9)[:40], "broken or cut off|no picture"),
        (bytes(33 << 20), "34,603,008 bytes, at most 33,554,432"),
    ],
    ids=["empty", "drawing", "other form", "cut JPEG", "cut PNG", "header alone", "too many bytes"],
)
def test_what_is_no_whole_picture_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        read_picture(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]))
    bad = bytearray(_file(_halves(), form))
    for place in data.draw(st.lists(st.integers(0, len(bad) - 1), max_size=4)):
        bad[place] = data.draw(st.integers(0, 255))
    try:
        assert read_picture(bytes(bad), 16).shape == (16, 16, 3)
    except PictureError as error:
        assert str(error)


def test_what_was_read_is_the_same_once_it_is_sent() -> None:
    read = read_picture(_file(_halves()), 80)
    assert np.array_equal(read_picture(encoded(read), 80), read)
