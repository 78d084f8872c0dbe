"""What a visitor sees in the shop, and what is recorded of them."""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

Visits = Callable[..., Any]


def _links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="(/item/[^"]+)"', page)]


def _titles(page: str) -> list[str]:
    """Of the lists, in their order."""
    return [re.sub(r"<[^>]+>", "", title).strip() for title in re.findall(r"<h2>(.*?)</h2>", page, re.DOTALL)]


def test_the_home_page_follows_the_last_click(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        before = (await shop.http.get("/")).text
        assert _titles(before) == ["Popular now"]
        first = next(link for link in _links(before) if link.startswith("/item/mug?"))
        await shop.http.get(first)
        after = (await shop.http.get("/")).text
        assert _titles(after) == ["For you", "Because you looked at Red mug", "You looked at", "Popular now"]
        assert _links(after)[0].startswith("/item/scarf?") and "Green scarf" in after
        assert await shop.done() == [("click", "mug")]

    visits(use)


def test_who_comes_back_to_an_item_has_looked_at_it_again(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        for item in ("mug", "cup"):
            page = (await shop.http.get("/")).text
            await shop.http.get(next(link for link in _links(page) if link.startswith(f"/item/{item}?")))
        page = (await shop.http.get("/")).text
        link = next(link for link in _links(page) if link.startswith("/item/mug?once="))
        for _ in range(2):
            await shop.http.get(link)
        assert await shop.done() == [("click", "mug"), ("click", "cup"), ("click", "mug")]

    visits(use)


def test_a_click_counts_once_and_says_which_answer_it_followed(visits: Visits) -> None:
    async def use(shop: Any) -> Any:
        page = (await shop.http.get("/search", params={"q": "red  mug"})).text
        link = next(link for link in _links(page) if link.startswith("/item/cup?"))
        for _ in range(2):
            await shop.http.get(link)
        return shop.log

    log = visits(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    shown = {row["request_id"] for row in rows if row["source"] == "search"}
    (click,) = [row for row in rows if row["event"] == "click"]
    assert (click["item_id"], click["query"], click["position"]) == ("cup", "red mug", 2)
    assert {click["request_id"]} == shown and click["session_id"].startswith("web-")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Cookie": "aisle_session=s1"},
        {"Cookie": "aisle_session=web-short"},
    ],
)
def test_only_a_visitors_own_click_on_this_shops_page_is_recorded(visits: Visits, headers: dict) -> None:
    async def use(shop: Any) -> Any:
        link = _links((await shop.http.get("/")).text)[0]
        if "Cookie" in headers:
            shop.http.cookies.clear()
        assert (await shop.http.get(link, headers=headers)).status_code == 200
        return await shop.done() + (await shop.recents.of("s:s1"))[0]

    assert visits(use) == []


def test_a_visitor_is_known_by_a_cookie_that_no_script_and_no_other_site_has(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        came = (await shop.http.get("/")).headers.get_list("set-cookie")
        assert len(came) == 1 and re.match(r"aisle_session=web-[\w-]{22};", came[0])
        assert "HttpOnly" in came[0] and "SameSite=strict" in came[0] and "Secure" not in came[0]
        assert "set-cookie" not in (await shop.http.get("/")).headers
        shop.http.cookies.clear()
        # Who follows a link from elsewhere has a cookie that the browser didn't send: it must stay.
        answer = await shop.http.get("/", headers={"Sec-Fetch-Site": "cross-site"})
        assert "set-cookie" not in answer.headers
        assert "Secure" in (await shop.http.get("https://shop/")).headers["set-cookie"]

    visits(use)


def test_what_goes_into_the_cart_is_there_until_it_is_bought(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        await shop.http.get("/")
        done = await shop.http.post("/event", data={"event": "cart", "item_id": "mug"})
        assert done.url.path == "/item/mug" and "It is in your cart." in done.text
        assert "In your cart" in _titles((await shop.http.get("/")).text)
        said = {"event": "purchase", "item_id": "mug"}
        answer = await shop.http.post("/event", data=said, headers={"Accept": "application/json"})
        assert answer.json() == {"said": "Red mug: Bought. Thank you!"}
        assert "In your cart" not in _titles((await shop.http.get("/")).text)
        assert await shop.done() == [("cart", "mug"), ("purchase", "mug")]

    visits(use)


@pytest.mark.parametrize("origin", ["", "null", "http://elsewhere", "http://shop.elsewhere"])
@pytest.mark.parametrize("path", ["/event", "/as", "/console/sign-in", "/console/sign-out"])
def test_a_form_of_another_site_does_nothing(visits: Visits, path: str, origin: str) -> None:
    async def use(shop: Any) -> None:
        await shop.http.get("/")
        said = {"event": "cart", "item_id": "mug", "user_id": "ann", "key": "0123456789abcdef"}
        answer = await shop.http.post(path, data=said, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get_list("set-cookie")) == (403, [])
        assert "another site" in answer.text and await shop.done() == []

    visits(use)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"event": "click", "item_id": "mug"}, 422),
        ({"event": "<b>", "item_id": "mug"}, 422),
        ({"event": "cart", "item_id": ""}, 404),
        ({"event": "cart", "item_id": "a\0b"}, 404),
        ({"event": "cart", "item_id": "x" * 300}, 404),
        ({f"f{number}": "" for number in range(60)}, 422),
    ],
)
def test_a_form_that_says_nothing_is_refused_by_a_page(visits: Visits, said: dict, status: int) -> None:
    async def use(shop: Any) -> None:
        answer = await shop.http.post("/event", data=said)
        assert answer.status_code == status and "That didn't work" in html.unescape(answer.text)
        assert "<b>" not in answer.text and await shop.done() == []

    visits(use)


def test_who_shops_as_a_user_starts_a_session_of_their_own(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        page = (await shop.http.get("/")).text
        assert re.findall(r'name="user_id" value="([^"]+)"', page) == ["ann", "bob/1"]
        before = shop.http.cookies["aisle_session"]
        await shop.http.post("/as", data={"user_id": "bob/1"})
        assert shop.http.cookies["aisle_session"] != before
        assert shop.model.requests[-1].inputs["user_id"] in (["bob/1"], [""])
        assert "Bought before" in _titles((await shop.http.get("/")).text)
        assert ["bob/1"] in [request.inputs.get("user_id") for request in shop.model.requests]
        await shop.http.post("/event", data={"event": "cart", "item_id": "mug"})
        assert [one.item_id for one in (await shop.recents.of("u:bob/1"))[0]] == ["mug"]
        await shop.http.post("/as", data={"user_id": ""})
        assert "aisle_user" not in shop.http.cookies and await shop.done() == []

    visits(use)


def test_on_a_real_site_nobody_shops_as_another(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        page = (await shop.http.get("/")).text
        assert 'action="/as"' not in page and "ann" not in page
        assert (await shop.http.post("/as", data={"user_id": "ann"})).status_code == 404
        shop.http.cookies.set("aisle_user", "ann")
        await shop.http.get("/")
        await shop.http.post("/event", data={"event": "cart", "item_id": "mug"})
        assert (await shop.recents.of("u:ann"))[0] == []
        assert {tuple(request.inputs.get("user_id", [""])) for request in shop.model.requests} == {("",)}

    visits(use, trying=False)


@pytest.mark.parametrize("path", ["/", "/search?q=mug", "/search/results?q=%3Cscript%3E", "/item/pot%2F1"])
def test_titles_and_queries_are_text_whatever_they_say(visits: Visits, path: str) -> None:
    async def use(shop: Any) -> Any:
        return await shop.http.get(path)

    answer = visits(use, name="<script>shop</script>")
    assert answer.status_code == 200
    # Our own scripts have a source and no words of their own.
    assert re.findall(r"<script(?! src=\"/static/shop.js\" defer></script>)", answer.text) == []
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)


def test_an_item_shows_what_the_shop_knows_of_it(visits: Visits) -> None:
    async def use(shop: Any) -> list[str]:
        shop.http.headers["Accept-Language"] = "en"
        return [(await shop.http.get(f"/item/{item}")).text for item in ("mug", "sock", "scarf", "nothing")]

    mug, sock, scarf, nothing = visits(use, currency="€", language="zh-Hant")
    assert "€9.50" in mug and "In stock" in mug and 'href="/search?category=Kitchen/Mugs"' in mug
    assert '<h1 dir="auto" lang="zh-Hant">Red mug</h1>' in mug
    assert 'src="/picture/sock"' in sock and "Sold out" in sock and "Add to the cart</button>" not in sock
    assert "Green scarf" in scarf and "None" not in scarf
    assert "Item <bdi>nothing</bdi>" in nothing  # The model names items like it, so it knows it.


def test_an_item_that_nobody_knows_is_not_there(visits: Visits) -> None:
    async def use(shop: Any) -> int:
        shop.model.answers["similar"] = []
        return (await shop.http.get("/item/nothing")).status_code

    assert visits(use) == 404


def test_a_picture_is_one_of_the_folder_or_none(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        found = await shop.http.get("/picture/sock")
        assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
        assert found.headers["x-content-type-options"] == "nosniff"
        assert (await shop.http.get("/picture/mug")).status_code == 404

    visits(use)


def test_a_search_narrows_turns_pages_and_says_what_it_did(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        shop.model.answers["filtered_search"] = [(f"i{number}", 1.0) for number in range(30)]
        first = (await shop.http.get("/search?q=mug&brand=Acme&price_max=20")).text
        assert "Items 1 to 24, and more" in first and "page=2" in first
        inputs = shop.model.requests[-1].inputs
        assert (inputs["brand"], inputs["price_max"], inputs["k"]) == ([["Acme"]], [20.0], 25)
        second = (await shop.http.get("/search?q=mug&brand=Acme&price_max=20&page=2")).text
        assert "Items 25 to 30<" in second and "Next" not in second
        assert _links(second)[0].startswith("/item/i24?") and "at=25" in _links(second)[0]

    visits(use)


def test_who_finds_nothing_is_shown_what_sells(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        shop.model.answers["filtered_search"] = []
        page = (await shop.http.get("/search?q=xyz")).text
        assert "Nothing found" in page and "Try other or fewer words" in page
        assert _titles(page)[-1] == "Popular now" and "Red mug" in page

    visits(use)


def test_who_searches_for_nothing_sees_everything(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        page = (await shop.http.get("/search?q=+&price_min=abc")).text
        assert "Everything" in page and "Red mug" in page
        asked = [request.signature for request in shop.model.requests]
        assert asked == ["similar_by_image", "recommend"]  # Whether it sees pictures, once.

    visits(use)


def test_what_is_found_while_one_types_is_not_noted_as_shown(visits: Visits) -> None:
    async def use(shop: Any) -> Any:
        part = await shop.http.get("/search/results?q=mu")
        assert part.text.lstrip().startswith('<div class="results">') and "Red mug" in part.text
        await shop.http.get("/search?q=mug")
        return shop.log

    log = visits(use)
    rows = [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]
    assert {row["query"] for row in rows} == {"mug"}


def test_an_item_says_why_it_was_found(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        await shop.http.get("/")
        searched = (await shop.http.get("/item/mug?from=r1&q=mug")).text
        assert "You searched for" in searched and shop.model.requests[-1].inputs["query"] == ["mug"]
        recommended = (await shop.http.get("/item/hat?from=r2&by=you")).text
        assert "It is like what you looked at of late" in recommended and ">Red mug</a>" in recommended
        assert "Why this?" not in (await shop.http.get("/item/hat")).text

    visits(use)


def test_a_page_says_where_its_time_went(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        answer = await shop.http.get("/search?q=mug")
        assert re.match(r"total;dur=[\d.]+, .*filtered_search;dur=[\d.]+", answer.headers["Server-Timing"])
        assert re.search(r'id="timing">[\d.]+ ms, .*filtered search [\d.]+ ms', answer.text)
        assert "total;dur" in (await shop.http.get("/v1/recommend")).headers["Server-Timing"]

    visits(use)


def test_a_server_that_is_away_is_told_by_a_page(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        shop.model._failures = iter(["UNAVAILABLE"] * 2)
        answer = await shop.http.get("/")
        assert answer.status_code == 503 and "server is away; ask again" in answer.text
        assert answer.headers["content-type"].startswith("text/html")

    visits(use)


def test_without_a_runs_folder_the_model_tells_the_titles(visits: Visits) -> None:
    async def use(shop: Any) -> str:
        return (await shop.http.get("/")).text

    page = visits(use, with_run=False)
    assert "Red mug" in page and "9.50" not in page and "Departments" not in page


def test_a_gateway_serves_no_pages_unless_it_is_told_to(visits: Visits) -> None:
    async def use(shop: Any) -> Any:
        import httpx

        from aisle.gateway.app import create_app

        app = create_app(shop.gateway, "", 0.0)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
            return [
                (await http.get(path)).status_code for path in ("/", "/search", "/console", "/static/shop.js")
            ]

    assert visits(use) == [404] * 4


HOSTILE = (
    *(
        "\0",
        "\ud800",
        "‮gum",
        "..",
        "../../etc/passwd",
        "%00",
        "%2e%2e%2f",
        "a\r\nSet-Cookie: a=b",
        "x" * 5_000,
    ),
    *(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 1234 * 1000 }}",
        "javascript:alert(1)",
        "'; --",
    ),
    *("-1", "1e999", "NaN", "٣", "²", "9" * 400),
)


def test_nothing_that_an_address_or_a_form_says_breaks_a_page(visits: Visits) -> None:
    async def use(shop: Any) -> None:
        await shop.http.get("/")
        for said in HOSTILE:
            text = urllib.parse.quote(said, safe="", errors="surrogatepass")
            names = (
                "q",
                "category",
                "brand",
                "price_min",
                "price_max",
                "in_stock",
                "page",
                "from",
                "at",
                "by",
                "done",
            )
            params = "&".join(f"{name}={text}" for name in names)
            for path in (f"/search?{params}", f"/item/mug?{params}", f"/item/{text}", f"/picture/{text}"):
                answer = await shop.http.get(path)
                assert answer.status_code < 500, path
                assert not re.search(
                    r"<script>|<img src=x|1234000|(href|src|action)=\"javascript:", answer.text
                ), path
            for path in ("/event", "/as", "/console/sign-in"):
                sent = f"event=cart&item_id={text}&request_id={text}&user_id={text}&key={text}"
                answer = await shop.http.post(path, content=sent.encode())
                assert answer.status_code < 500 and "a=b" not in answer.headers.get("set-cookie", ""), path

    visits(use)
