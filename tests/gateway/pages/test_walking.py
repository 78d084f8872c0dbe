"""Simulated users walk through the storefront: what they do to its pages is recorded as any visitor's."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import pathlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import click.testing
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.cli.main import cli
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.datasets.simulator.walking.asked import Shop
from aisle.datasets.simulator.walking.shoppers import Shoppers
from aisle.datasets.simulator.walking.storefront import Storefront
from aisle.datasets.simulator.walking.walk import Walked, walk
from aisle.schema.errors import InputError
from aisle.serving.testing import AsyncFakeTransport

KEY = "0123456789abcdef"
OPTIONS = SimulatorOptions(users=60, items=50, days=6, seed=5)
ITEMS = [
    {"item_id": item, "title": title, "price": price, "stock": 0 if item == "i00003" else 7}
    for item, title, price in simulate(OPTIONS).items.select("item_id", "title", "price").iter_rows()
]
SHOWN = [item["item_id"] for item in ITEMS[:6]]
"""Of which one is sold out."""
EXPERIMENTS = """
[[experiment]]
name = "rerank"
arms = [{name = "as-is", share = 0.5}, {name = "new", share = 0.5}]
"""


def _model() -> AsyncFakeTransport:
    """One that answers every question with one list."""
    shown = [(item, 9.0 - place) for place, item in enumerate(SHOWN)]
    lists = ("search", "filtered_search", "recommend", "similar", "explain")
    return AsyncFakeTransport({**{name: shown for name in lists}, "titles": []})


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(OPTIONS, visits=60)


@pytest.fixture
def walked(visits: Callable, shoppers: Shoppers) -> Callable[..., tuple[Walked, list[dict[str, Any]]]]:
    """Walks some visits; returns what became of them, and the rows that the shop wrote."""

    def walks(**shop: Any) -> tuple[Walked, list[dict[str, Any]]]:
        logs = []

        async def use(front: Any) -> Walked:
            logs.append(front.log)
            there = Shop("http://shop", 10_000.0, front.http._transport)
            return await walk(shoppers.visits(), Storefront(there, shoppers), there, shoppers)

        found = visits(use, items=ITEMS, model=_model(), **shop)
        return found, [
            row for path in (logs[0] / "events").iterdir() for row in pq.read_table(path).to_pylist()
        ]

    return walks


def _told(found: Walked) -> collections.Counter[tuple[str, str, str]]:
    """The events that should be told: kind, item and user."""
    told = []
    for page in found.seen:
        for one in page.taken:
            kinds = ["click"] + ["cart"] * (one.quantity > 0) + ["purchase"] * one.bought
            told += [(kind, page.items[one.place], page.visit.user_id) for kind in kinds]
    return collections.Counter(told)


def test_they_open_items_and_buy_them_as_themselves_and_what_is_sold_out_they_cannot(
    walked: Callable, shoppers: Shoppers
) -> None:
    found, rows = walked()
    assert (found.visits, found.failed) == (60, 0)
    told = _told(found)
    assert (
        collections.Counter(
            (row["event"], row["item_id"], row["user_id"] or "")
            for row in rows
            if row["event"] != "impression"
        )
        == told
    )
    assert {kind for kind, *_ in told} == {"click", "cart", "purchase"}
    wanted = [
        shoppers.take(page.look.page, page.items)[place]
        for page in found.seen
        for place, one in enumerate(page.taken)
        if page.items[one.place] == "i00003"
    ]
    assert any(one.quantity for one in wanted)
    assert {item for kind, item, _ in told if kind != "click"}.isdisjoint({"i00003"})
    searched = {row["query"] for row in rows if row["event"] == "impression" and row["source"] == "search"}
    assert searched == {page.look.query for page in found.seen if page.look.query}
    assert len({row["session_id"] for row in rows}) >= 60


def test_where_nobody_shops_as_another_all_are_anonymous(walked: Callable) -> None:
    found, rows = walked(trying=False)
    assert {row["user_id"] for row in rows} == {None}
    kinds = collections.Counter(kind for kind, *_ in _told(found).elements())
    assert collections.Counter(row["event"] for row in rows if row["event"] != "impression") == kinds


@contextlib.contextmanager
def _listening(app: Any) -> Iterator[str]:
    """An application on a free port of this machine."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listener]),))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _aisle(*words: object) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli, [str(word) for word in words])


def test_the_command_has_the_users_of_a_written_shop_come_by_pages_and_as_a_site(
    tmp_path: pathlib.Path, make_front: Callable
) -> None:
    shop, file, key = tmp_path / "shop", tmp_path / "experiments.toml", tmp_path / "key"
    write(simulate(OPTIONS), shop)
    file.write_text(EXPERIMENTS, encoding="utf-8")
    key.write_text(KEY, encoding="utf-8")
    front = make_front(tmp_path / "front", items=ITEMS, model=_model())
    with _listening(front.app) as address:
        told = ("--visits", 15, "--rate", 1_000)
        walks = _aisle("simulate", shop, "--walk", address, *told)
        assert walks.exit_code == 0, walks.output
        asks = _aisle("simulate", shop, "--ask", address, "--key-file", key, "--seed", 3, *told)
        assert asks.exit_code == 0, asks.output
        for done in (walks, asks):
            assert "15 visits" in done.output
            assert "clicks  by truth  carts  bought  by truth" in done.output
        unplanned = _aisle("simulate", shop, "--ask", address, "--key-file", key, "--experiment", file, *told)
        assert unplanned.exit_code == 0, unplanned.output
        said = "is part of the experiment 'rerank', so all saw what its control sees; for its arms start the gateway"
        assert said in unplanned.output
        other = _aisle("simulate", shop, "--walk", f"{address}/openapi.json?", *told)
        assert other.exit_code == 0  # Of an address only the shop counts.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--walk", "http://127.0.0.1:1", "--users", "70"),
            "--users is of a shop to be written; leave it out",
        ),
        (("--visits", "3"), "--visits is of a shop that runs; give --ask URL or --walk URL, too"),
        (("--walk", "http://127.0.0.1:1", "--ask", "http://127.0.0.1:1"), "--walk and --ask came"),
        (("--walk", "http://127.0.0.1:1", "--key-file", "x"), "--key-file came with --walk"),
        (("--ask", "nowhere", "--visits", "3"), "'nowhere' is no address of a shop"),
        (("--ask", "http://127.0.0.1:1"), "20 visits in a row failed: http://127.0.0.1:1 doesn't answer"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    tmp_path: pathlib.Path, words: tuple[str, ...], said: str
) -> None:
    write(simulate(OPTIONS), tmp_path / "shop")
    done = _aisle("simulate", tmp_path / "shop", *words)
    assert done.exit_code != 0
    assert said in " ".join((done.output + str(done.exception)).split())


def test_a_folder_that_no_simulation_wrote_has_no_users(tmp_path: pathlib.Path) -> None:
    done = _aisle("simulate", tmp_path, "--walk", "http://127.0.0.1:1")
    assert isinstance(done.exception, InputError)
    assert "shop.json can't be read: " in str(done.exception)
    assert "name a folder that `aisle simulate` wrote" in str(done.exception)
