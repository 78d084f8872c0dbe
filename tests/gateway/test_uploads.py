"""A picture that is sent to be looked for: as it is or in a form, checked, turned and shrunk before the model sees it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.uploads.body import MOST_FIELDS, picture_in
from aisle.schema.errors import InputError
from aisle.schema.pictures import SIDE, read_picture
from aisle.serving.testing import AsyncFakeTransport

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from PIL import Image

from aisle.gateway.security import MAX_BODY_BYTES, MAX_UPLOAD_BYTES

PATH = "/v1/similar_by_image"
RED, BLUE = (250, 5, 5), (5, 5, 250)
TURNED = 6
"""Of EXIF's orientations: a quarter to the right."""


def _red_above_blue(form: str, orientation: int = 1) -> bytes:
    """A picture of two squares, one over the other, in a form of file."""
    picture = Image.new("RGB", (64, 128), RED)
    picture.paste(BLUE, (0, 64, 64, 128))
    exif = Image.Exif()
    exif[0x0112] = orientation
    with io.BytesIO() as file:
        picture.save(file, form, exif=exif)
        return file.getvalue()


@pytest.fixture
def asks(site: Callable) -> Callable[..., Any]:
    """Runs a coroutine on a site whose model finds items by pictures."""

    def run(use: Callable[[Any], Coroutine], **app: Any) -> Any:
        async def opened() -> Any:
            found = [("mug", 2.0), ("cup", 1.0), ("pot", 0.5)]
            model = AsyncFakeTransport({"similar_by_image": found})
            async with site(MemoryStore(1_000), model=model, **app) as one:
                return await use(one)

        return asyncio.run(opened())

    return run


@given(st.binary(max_size=200), st.binary(max_size=40), st.booleans())
def test_the_field_of_a_form_is_what_the_sender_put_into_it(
    picture: bytes, other: bytes, first: bool
) -> None:
    files = [("other", ("o", other)), ("image", ("a.png", picture)), ("image", ("b.png", b"second"))]
    sent = httpx.Request("POST", "http://shop", files=files if first else files[1:], data={"image2": "x"})
    assert picture_in(sent.read(), sent.headers["content-type"]) == picture


@given(st.binary(max_size=80), st.sampled_from(["image/png", "Image/JPEG; q=1", "image/webp", "image/gif"]))
def test_a_body_of_a_pictures_kind_is_the_picture(body: bytes, kind: str) -> None:
    assert picture_in(body, kind) == body


@given(st.binary(max_size=200) | st.just(b"--b\r\n\r\n--b\xff\r\n\r\n"), st.text(max_size=20))
def test_whatever_comes_as_a_form_is_read_or_refused(body: bytes, boundary: str) -> None:
    try:
        assert isinstance(picture_in(body, f"multipart/form-data; boundary={boundary}"), bytes)
    except InputError as error:
        assert "form" in str(error)


FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\nx\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"content": b"x"}, 415, "of no type; expected a picture as image/jpeg"),
    ({"json": {"image": "x"}}, 415, "'application/json'; expected a picture"),
    ({"content": b"x", "headers": {"Content-Type": "image/tiff"}}, 415, "'image/tiff'"),
    ({"content": b"", "headers": {"Content-Type": "image/png"}}, 422, "can't be used: empty; expected JPEG"),
    ({"files": {"image": _red_above_blue("PNG")[:-40]}}, 422, "broken or cut off"),
    ({"content": b"<svg/>", "headers": {"Content-Type": "image/png"}}, 422, "no picture of a known form"),
    ({"files": {"photo": b"x"}}, 422, "no field image"),
    ({"content": b"--b", "headers": {"Content-Type": "multipart/form-data"}}, 422, "names no boundary"),
    ({"content": FIELD % b"image", "headers": FORM}, 422, "cut off"),
    ({"content": FIELD % b"x" * (MOST_FIELDS + 1) + b"--b--", "headers": FORM}, 422, "more than 50 fields"),
    ({"content": bytes(MAX_UPLOAD_BYTES + 1), "headers": {"Content-Type": "image/png"}}, 413, "10 MiB"),
]


def test_what_is_no_picture_is_refused_in_one_line(asks: Callable) -> None:
    async def use(site: Any) -> None:
        for sent, status, said in WRONG:
            answer = await site.http.post(PATH, **sent)
            came = answer.json()["error"]
            assert (answer.status_code, said in came, len(came) < 400) == (status, True, True), (said, came)
        many = await site.http.post(PATH, params={"k": 0}, content=b"", headers={"Content-Type": "image/png"})
        assert (many.status_code, "k is '0'" in many.json()["error"]) == (422, True)
        # Only a picture may be so large.
        large = await site.http.post("/v1/search", content=bytes(MAX_BODY_BYTES + 1))
        assert (large.status_code, "256 KiB" in large.json()["error"]) == (413, True)
        assert site.model.requests == []

    asks(use)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("as_form", [False, True])
def test_the_model_sees_the_picture_small_and_the_right_way_up(
    asks: Callable, form: str, as_form: bool
) -> None:
    async def use(site: Any) -> bytes:
        data = _red_above_blue(form, TURNED)
        sent: dict[str, Any] = {"content": data, "headers": {"Content-Type": f"image/{form.lower()}"}}
        answer = await site.http.post(
            PATH, **({"files": {"image": data}} if as_form else sent), params={"k": 2}
        )
        assert [item["item_id"] for item in answer.json()["items"]] == ["mug", "cup"]
        asked = site.model.requests[-1]
        assert (asked.signature, asked.inputs["k"]) == ("similar_by_image", 2)
        (seen,) = asked.inputs["image"]
        return bytes(seen)

    seen = asks(use)
    assert seen.startswith(b"\x89PNG")
    square = read_picture(seen).astype(int)
    # Turned, what was above is to the right; white fills the square.
    assert square.shape == (SIDE, SIDE, 3) and (square[10, 10] > 250).all()
    left, right = square[SIDE // 2, SIDE // 4], square[SIDE // 2, 3 * SIDE // 4]
    assert np.abs(left - BLUE).max() < 20 and np.abs(right - RED).max() < 20


def test_what_was_found_is_noted_as_shown_and_what_is_withdrawn_left_out(asks: Callable) -> None:
    async def use(site: Any) -> Any:
        await site.http.patch("/v1/items", json={"item_id": "mug", "withdrawn": True})
        said = {"k": 2, "session_id": "s1"}
        answer = await site.http.post(PATH, params=said, files={"image": _red_above_blue("PNG")})
        assert [item["item_id"] for item in answer.json()["items"]] == ["cup", "pot"]
        return site.log

    (path,) = (asks(use) / "events").iterdir()
    rows = pq.read_table(path).to_pylist()
    assert [(row["source"], row["session_id"], row["item_id"]) for row in rows] == [
        ("similar_by_image", "s1", "cup"),
        ("similar_by_image", "s1", "pot"),
    ]


def test_a_model_without_pictures_says_so(asks: Callable) -> None:
    async def use(site: Any) -> None:
        site.model.answers.clear()
        answer = await site.http.post(PATH, files={"image": _red_above_blue("PNG")})
        assert (answer.status_code, "similar_by_image" in answer.json()["error"]) == (422, True)

    asks(use)


def test_texts_are_judged_in_their_order_by_get_and_post(asks: Callable) -> None:
    async def use(site: Any) -> None:
        site.model.answers["sentiment"] = lambda asked: {
            "scores": np.array([len(text) / 8 for text in asked["text"]], np.float32)
        }
        said = ["good", "b"]
        posted = await site.http.post("/v1/sentiment", json={"texts": said})
        got = await site.http.get("/v1/sentiment", params={"texts": said})
        assert posted.json() == got.json() == {"scores": [0.5, 0.125]}
        for wrong in ([], ["a" * 4_097], ["a"] * 501):
            answer = await site.http.post("/v1/sentiment", json={"texts": wrong})
            assert (answer.status_code, "texts" in answer.json()["error"]) == (422, True)

    asks(use)
