"""A picture that a visitor sends from the search box: offered where the model sees, sent by forms of this shop alone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from PIL import Image

from aisle.gateway.uploads.seeing import PAUSE_SECONDS, Seeing
from aisle.serving import AsyncClient, Retry
from aisle.serving.testing import AsyncFakeTransport, FakeClock

Visits = Callable[..., Any]
FOUND = [("hat", 0.75), ("scarf", 0.5)]


def _picture() -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (80, 60), (200, 30, 30)).save(file, "JPEG")
        return file.getvalue()


def test_a_picture_finds_what_looks_like_it_and_that_is_noted_as_shown(visits: Visits) -> None:
    async def use(shop: Any) -> Any:
        shop.model.answers["similar_by_image"] = FOUND
        assert 'action="/look"' in (await shop.http.get("/")).text
        page = await shop.http.post("/look", files={"image": ("a.jpg", _picture())})
        assert page.status_code == 200 and "<h1>Items that look like your picture</h1>" in page.text
        assert page.text.index("帽子") < page.text.index("Green scarf")
        return shop.log

    (path,) = (visits(use) / "events").iterdir()
    rows = [row for row in pq.read_table(path).to_pylist() if row["source"] == "similar_by_image"]
    assert [row["item_id"] for row in rows] == ["hat", "scarf"]
    assert rows[0]["session_id"].startswith("web-")


def test_a_model_that_sees_nothing_is_not_offered_pictures(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        for _ in range(3):
            assert "/look" not in (await shop.http.get("/")).text
        # The first page knows no version yet.
        assert [one.signature for one in shop.model.requests].count("similar_by_image") == 2

    visits(use)


@pytest.mark.parametrize(
    ("sent", "headers", "status", "said"),
    [
        ({"files": {"image": ("a.svg", b"<svg/>")}}, {}, 422, "no picture of a known form"),
        ({"data": {"image": "x"}}, {}, 415, "expected a picture"),
        ({"files": {"image": ("a.jpg", b"")}}, {}, 422, "empty"),
        ({"files": {"image": ("a.jpg", b"x")}}, {"Origin": "http://evil"}, 403, "another site"),
    ],
)
def test_what_cannot_be_looked_for_is_a_page_that_says_why(
    visits: Visits, sent: dict[str, Any], headers: dict[str, str], status: int, said: str
) -> None:
    async def use(shop: Any) -> None:
        shop.model.answers["similar_by_image"] = FOUND
        page = await shop.http.post("/look", headers=headers, **sent)
        assert (page.status_code, said in page.text) == (status, True)
        assert "text/html" in page.headers["content-type"]

    visits(use)


async def _looked(
    fake: AsyncFakeTransport, clock: FakeClock, *versions: int | None
) -> tuple[list[bool], int]:
    """Whether each version sees, as one looks at them in order, and how often that was asked."""
    seeing = Seeing(AsyncClient("shop:8500", transport=fake, retry=Retry(attempts=1)), clock)
    sees = []
    for version in versions:
        await seeing.look(version)
        sees.append(seeing.sees)
        clock.now += 1
    return sees, len(fake.requests)


def test_each_version_is_asked_once_and_a_server_that_is_away_after_a_pause() -> None:
    sees = {"similar_by_image": FOUND}
    assert asyncio.run(_looked(AsyncFakeTransport(sees), FakeClock(), None, 1, 1)) == ([True] * 3, 1)
    assert asyncio.run(_looked(AsyncFakeTransport({}), FakeClock(), 7, 7, 8, 7)) == ([False] * 4, 2)
    away = AsyncFakeTransport(sees, failures=["UNAVAILABLE"])
    pause = int(PAUSE_SECONDS)
    assert asyncio.run(_looked(away, FakeClock(), *[1] * (pause + 2))) == (
        [*[False] * pause, True, True],
        2,
    )
