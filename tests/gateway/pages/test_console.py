"""The console: for who has the key, and what it shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

KEY = "0123456789abcdef"


async def _sign_in(shop: Any) -> Any:
    return await shop.http.post("/console/sign-in", data={"key": KEY})


def test_nobody_sees_the_console_without_the_key(visits: Callable) -> None:
    async def use(shop: Any) -> None:
        assert "The gateway's key" in (await shop.http.get("/console")).text
        for path in ("/console/now", "/console/reports/anomalies.html"):
            assert (await shop.http.get(path)).status_code == 401
        wrong = await shop.http.post("/console/sign-in", data={"key": "0123456789abcdeX"})
        assert wrong.status_code == 401 and "not the key" in wrong.text
        cookie = (await _sign_in(shop)).history[0].headers["set-cookie"]
        assert (
            all(said in cookie for said in ("HttpOnly", "SameSite=strict", "Path=/console"))
            and KEY not in cookie
        )
        assert (await shop.http.get("/console/now")).status_code == 200
        await shop.http.post("/console/sign-out")
        assert (await shop.http.get("/console/now")).status_code == 401

    visits(use)


def test_guesses_of_the_key_are_few(visits: Callable) -> None:
    async def use(shop: Any) -> list[int]:
        tries = [await shop.http.post("/console/sign-in", data={"key": "x"}) for _ in range(4)]
        return [one.status_code for one in tries]

    assert visits(use) == [401, 401, 429, 429]


def test_without_a_key_there_is_no_console(visits: Callable) -> None:
    async def use(shop: Any) -> None:
        page = await shop.http.get("/console")
        assert "has no key" in page.text and '<form action="/console' not in page.text
        assert (await shop.http.post("/console/sign-in", data={"key": ""})).status_code == 401
        assert (await shop.http.get("/console/now")).status_code == 401

    visits(use, key="")


def test_the_console_shows_versions_reports_events_and_what_was_refused(visits: Callable) -> None:
    async def use(shop: Any) -> str:
        bearer = {"Authorization": f"Bearer {KEY}"}
        for event in ({"event": "click", "item_id": "mug"}, {"event": "<b>stare</b>", "item_id": "mug"}):
            await shop.http.post("/v1/events", json=event, headers=bearer)
        await shop.http.get("/v1/search?query=mug&k=0")
        await shop.http.post("/event", data={"event": "click"})
        await _sign_in(shop)
        return (await shop.http.get("/console")).text

    page = visits(use)
    assert ">available<" in page and "newest: who asks for no label" in page
    assert 'href="/console/reports/anomalies.html"' in page and ">passed<" in page
    assert "<dt>click</dt><dd>1</dd>" in page and "up to date" in page
    assert "POST /v1/events" in page and "&lt;b&gt;stare&lt;/b&gt;" in page and "<b>stare" not in page
    assert "GET /v1/search" in page and "query.k is" in page and "POST /event" in page and "3 × 422" in page
    assert '<th scope="row">/v1/events</th>' in page and '<th scope="row">disk</th>' in page


def test_a_server_that_is_away_is_said(visits: Callable) -> None:
    async def use(shop: Any) -> str:
        await _sign_in(shop)
        # Whether it sees pictures is asked first.
        shop.model._failures = iter(["UNAVAILABLE"] * 2)
        return (await shop.http.get("/console/now")).text

    assert "The model's server doesn't answer: by the test's wish" in visits(use).replace("&#39;", "'")


def test_reports_are_read_and_nothing_else_is(visits: Callable) -> None:
    async def use(shop: Any) -> None:
        await _sign_in(shop)
        (shop.out / "secret.json").write_text("{}", encoding="utf-8")
        os.symlink(shop.out / "secret.json", shop.out / "reports" / "link.json")
        (shop.out / "reports" / ".hidden.json").write_text("{}", encoding="utf-8")
        (shop.out / "reports" / "page.svg").write_text("<svg/>", encoding="utf-8")
        answer = await shop.http.get("/console/reports/anomalies.html")
        assert answer.text == "<p>all well</p>" and answer.headers["content-type"].startswith("text/html")
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        names = (
            "../secret.json",
            "..%2Fsecret.json",
            "%2e%2e%2fsecret.json",
            "link.json",
            ".hidden.json",
            "page.svg",
        )
        for name in (*names, "nothing.html", "anomalies.html%00", "%2Fetc%2Fpasswd"):
            assert (await shop.http.get(f"/console/reports/{name}")).status_code == 404, name

    visits(use)
