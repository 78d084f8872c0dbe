"""The pages in a real Chromium: by mouse, by keyboard, for a screen reader, in light and dark."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is absent: pip install 'aisle[dev]'")
# What a page shows is waited for: a click ends when the next page begins to come, before its last element is there.
expect = sync_api.expect
expect.set_options(timeout=20_000)

KEY = "0123456789abcdef"
EVIL = "<script>document.title='owned'</script> & \"mug\""
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def address(make_front: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop on a free port of this machine."""
    import uvicorn

    shop = make_front(tmp_path_factory.mktemp("shop"))
    shop.model.answers["similar_by_image"] = [("hat", 3.0), ("scarf", 2.0)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(shop.app, log_level="warning", access_log=False))
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listener]),))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    # Chromium's sandbox doesn't run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens a page for a new visitor; what the browser complained of fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def opened(path: str = "/", **context: Any) -> Any:
        contexts.append(chromium.new_context(base_url=address, **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_click_on_an_item_changes_the_home_page(visit: Callable) -> None:
    page = visit()
    expect(page.locator("h2")).to_have_text(["Popular now"])
    page.get_by_role("link", name="Red mug").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Red mug")
    page.get_by_role("link", name="The shop").click()
    # What stands before the last of them is there then.
    page.get_by_role("heading", name="You looked at", exact=True).wait_for()
    titles = page.locator("h2").all_inner_texts()
    assert titles[:3] == ["For you", "Because you looked at Red mug", "You looked at"]
    assert page.locator(".card .name").first.inner_text() == "Green scarf"


def test_results_come_as_one_types_and_are_heard(visit: Callable) -> None:
    page = visit()
    page.get_by_role("searchbox").press_sequentially("mug")
    page.locator(".results h1", has_text="mug").wait_for()
    expect(page.locator(".card")).to_have_count(5)
    expect(page).to_have_url(re.compile(r"/search\?q=mug$"))
    expect(page.locator("#heard")).to_have_text("mug: Items 1 to 5")
    expect(page.locator("#timing")).to_contain_text("filtered search")
    assert page.locator(".card").count() == 5 and page.url.endswith("/search?q=mug")
    page.go_back()
    page.locator("h2", has_text="Popular now").wait_for()


def test_by_keyboard_alone_an_item_is_found_and_put_into_the_cart(visit: Callable) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the items"
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type("cup")
    page.locator(".results h1", has_text="cup").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.card > a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Red mug")
    page.get_by_role("button", name="Add to the cart", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#toast", has_text="Red mug: It is in your cart.").wait_for()


def test_without_scripts_one_searches_narrows_and_buys(visit: Callable) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("searchbox").fill("mug")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="In stock only").click()
    expect(page).to_have_url(re.compile("in_stock=1"))
    page.locator(".card > a").first.click()
    page.get_by_role("button", name="Buy now").click()
    assert page.locator(".done").inner_text() == "Bought. Thank you!"


@pytest.mark.parametrize("scripts", [True, False])
def test_one_searches_by_a_picture(visit: Callable, tmp_path: pathlib.Path, scripts: bool) -> None:
    picture = tmp_path / "hat.png"
    Image.new("RGB", (40, 30), (20, 90, 200)).save(picture)
    page = visit(java_script_enabled=scripts)
    page.locator(".look summary").click()
    page.get_by_label("A picture of what you look for").set_input_files(picture)
    if not scripts:  # With them it is sent at once.
        page.get_by_role("button", name="Search by the picture").click()
    page.get_by_role("heading", name="Items that look like your picture").wait_for()
    expect(page.locator(".card .name")).to_have_count(2)
    assert page.locator(".card .name").all_inner_texts() == ["帽子", "Green scarf"]


def test_a_title_that_is_a_script_stays_text(visit: Callable) -> None:
    page = visit("/item/pot%2F1")
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    expect(page).to_have_title(f"{EVIL} · The shop")
    page.get_by_role("searchbox").press_sequentially("<img src=x>")
    page.locator(".results h1", has_text="<img src=x>").wait_for()
    assert page.locator("main img[src='x']").count() == 0


def test_one_shops_as_a_user_and_as_nobody_again(visit: Callable) -> None:
    page = visit()
    page.locator(".who summary").click()
    page.get_by_role("button", name="ann").click()
    page.locator(".who summary bdi", has_text="ann").wait_for()
    assert page.locator(".who summary bdi").inner_text() == "ann"
    page.locator(".who summary").click()
    page.get_by_role("button", name="a new visitor").click()
    page.locator(".who summary bdi", has_text="anonymous").wait_for()
    assert page.locator(".who summary bdi").inner_text() == "anonymous"


def test_a_browser_of_another_language_reads_its_own_also_by_the_script(visit: Callable) -> None:
    page = visit(locale="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh"
    page.get_by_role("searchbox").press_sequentially("mug")
    page.locator("#heard", has_text="mug: 第 1 至 5 件").wait_for(state="attached")
    page.get_by_role("button", name="加入购物车：Red mug").click()
    page.locator("#toast", has_text="Red mug: 已加入购物车。").wait_for()


PAGES = ("/", "/search?q=mug&brand=Acme", "/item/sock?q=mug", "/item/nothing-at-all", "/console")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(visit: Callable, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is absent"
    )
    page = visit(color_scheme=scheme)
    found: list[Any] = []

    def judge() -> None:
        for one in axe.Axe().run(page).response["violations"]:
            if one["impact"] in GRAVE:
                found.append((page.url, one["id"], [node["html"] for node in one["nodes"]]))

    for path in PAGES:
        page.goto(path)
        for details in page.locator("main details").all():
            details.evaluate("one => { one.open = true; }")
        judge()
    page.goto("/")
    page.get_by_role("link", name="Red mug").click()
    page.goto("/")
    for menu in (".who", ".look"):
        page.locator(f"{menu} summary").click()
        judge()
    page.goto("/console")
    page.get_by_label("The gateway's key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Versions").wait_for()
    judge()
    assert found == []


@pytest.mark.parametrize("path", ["/", "/search?q=mug", "/item/mug?q=mug"])
def test_a_phone_shows_a_page_whole(visit: Callable, path: str) -> None:
    page = visit(path, viewport={"width": 390, "height": 844})
    page.locator(".look summary").click()
    box = page.locator(".look form").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
