"""Whether anything makes a budget be passed, or a click be charged twice or not at all.

Shoppers ask two gateways on one store, click what is sponsored and tell each click several times, to either; meanwhile the
gateways are killed and started again in turn, and the clock of one is set back by days. What the ledger says in the
end is held against what the shoppers did.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import pathlib
import random
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from benchmarks.ads.booked import GatewayProcess
from benchmarks.live.visitors import NotAnswered, Site

CLIENTS = 8
VISITORS = 50
TOLD = 3
"""How often each click is told."""
BACK = -2 * 86_400.0
"""Seconds by which the clock is set back."""

Shown = tuple[str, str]
"""An answer, and an item of it."""


@dataclasses.dataclass
class Clicks:
    """What shoppers did.

    Attributes:
        sent: the shows that were clicked.
        answered: those of them of which a gateway said that the click is safe.
        asked: how many answers came.
        unanswered: how many questions and clicks had none, since a gateway was dead.
    """

    sent: set[Shown] = dataclasses.field(default_factory=set)
    answered: set[Shown] = dataclasses.field(default_factory=set)
    asked: int = 0
    unanswered: int = 0


@dataclasses.dataclass(frozen=True)
class Books:
    """What a ledger says.

    Attributes:
        spent: by campaign, in micros.
        held: the same, of open shows.
        shows: campaign and price of each show.
    """

    spent: Mapping[str, int]
    held: Mapping[str, int]
    shows: Mapping[Shown, tuple[str, int]]


def judged(books: Books, budgets: Mapping[str, int], clicks: Clicks) -> dict[str, int]:
    """Micros over budgets, charged without a click or twice, and of safe clicks not charged though the budget had them."""
    owed, at_least = ({name: 0 for name in budgets} for _ in range(2))
    for show, (campaign, price) in books.shows.items():
        owed[campaign] += price if show in clicks.sent else 0
        at_least[campaign] += price if show in clicks.answered else 0
    spent = {name: books.spent.get(name, 0) for name in budgets}
    return {
        "overspent": sum(max(0, spent[name] - budget) for name, budget in budgets.items()),
        "twice": sum(max(0, spent[name] - owed[name]) for name in budgets),
        "uncharged": sum(
            max(0, min(budget, at_least[name]) - spent[name]) for name, budget in budgets.items()
        ),
        "exhausted": sum(budget - spent[name] < 10_000 for name, budget in budgets.items()),
        "charged": sum(spent.values()),
        "negative": sum(held < 0 for held in books.held.values()),
    }


def shop_and_kill(
    gateways: Sequence[GatewayProcess], asked: Sequence[str], kills: int, every: float
) -> Clicks:
    """Has shoppers click, and kills and starts the gateways in turn, so often and with so many seconds between; what they did."""
    clicks, over, lock = Clicks(), threading.Event(), threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        shopping = [
            pool.submit(_shop, gateways, asked, clicks, lock, over, random.Random(number))
            for number in range(CLIENTS)
        ]
        try:
            for number in range(kills):
                if 3 * number >= kills:
                    gateways[-1].set_clock(BACK)
                time.sleep(every)
                gateways[number % len(gateways)].kill()
                gateways[number % len(gateways)].start()
            time.sleep(every)
        finally:
            over.set()
        for one in shopping:
            one.result()
    return clicks


def _shop(
    gateways: Sequence[GatewayProcess],
    asked: Sequence[str],
    clicks: Clicks,
    lock: threading.Lock,
    over: threading.Event,
    draw: random.Random,
) -> None:
    """Asks and clicks until it is over."""
    sites: dict[str, Site] = {}

    def post(path: str, body: Any) -> dict[str, Any] | None:
        address = draw.choice(gateways).address
        try:
            return sites.setdefault(address, Site(address)).post(path, body)
        except NotAnswered:
            with lock:
                clicks.unanswered += 1
            return None

    while not over.is_set():
        who = {"session_id": f"s{draw.randrange(VISITORS)}"}
        answer = post("search", {"query": draw.choice(asked), **who})
        if answer is None:
            time.sleep(0.05)
            continue
        sold = [(answer["request_id"], item["item_id"]) for item in answer["items"] if item.get("sponsored")]
        with lock:
            clicks.asked += 1
            clicks.sent.update(sold)
        for request_id, item in sold:
            event = {"event": "click", "item_id": item, "request_id": request_id, **who}
            safe = [post("events", event) is not None for _ in range(TOLD)]
            if any(safe):
                with lock:
                    clicks.answered.add((request_id, item))


def books_of_redis(address: str) -> Books:
    """Reads a ledger in a Redis."""
    with redis.Redis.from_url(address, decode_responses=True) as client:
        spent, held = (client.hgetall(f"aisle:ads:{name}") for name in ("spent", "held"))
        shows = {}
        for key in client.scan_iter("aisle:ads:show:*", 1_000):
            for item, told in client.hgetall(key).items():
                if item.startswith("sold:"):
                    campaign, price = json.loads(told)[:2]
                    shows[key.rpartition(":")[2], item.removeprefix("sold:")] = campaign, int(price)
    return Books(
        {name: int(one) for name, one in spent.items()}, {name: int(one) for name, one in held.items()}, shows
    )


def books_of_file(path: pathlib.Path) -> Books:
    """Reads the ledger in a gateway's folder."""
    with sqlite3.connect(path) as file:
        accounts = file.execute("SELECT campaign, spent, held FROM accounts").fetchall()
        shows = file.execute("SELECT request, item, campaign, price FROM shows").fetchall()
    return Books(
        {name: spent for name, spent, _ in accounts},
        {name: held for name, _, held in accounts},
        {(request, item): (campaign, price) for request, item, campaign, price in shows},
    )
