"""Visitors of a shop's site: what they do goes to a gateway over HTTP, and what they are shown comes from it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

DEADLINE = 30.0
K = 10


class NotAnswered(Exception):
    """The gateway answered otherwise than with 200, or not at all."""


class Site:
    """A connection of a site to a gateway, which is kept open."""

    def __init__(self, address: str) -> None:
        """The first question connects to the address, http://HOST:PORT."""
        self._connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=DEADLINE)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of a route below /v1; raises NotAnswered."""
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", f"/v1/{path}", json.dumps(body), headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NotAnswered(f"{path}: {error!r}") from error
        if answer.status != 200:
            raise NotAnswered(f"{path}: {answer.status} {said[:200]!r}")
        found: dict[str, Any] = json.loads(said)
        return found

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


@dataclasses.dataclass(frozen=True)
class Noticed:
    """What became of an event.

    Attributes:
        accepted: seconds until the gateway said that it is safe.
        answered: seconds from then until the visitor's next answer was there.
        knew: whether that answer knew the event.
        stale: whether that answer says that it was made without the store.
    """

    accepted: float
    answered: float
    knew: bool
    stale: bool


class Visitor:
    """An anonymous visitor, who is shown what they haven't taken yet.

    Attributes:
        shown: the items of the last answer, best first.
        stale: whether it says that it was made without the store.
    """

    def __init__(self, session: str) -> None:
        """Nothing was done or shown yet in this session."""
        self._session = session
        self.shown: list[str] = []
        self.stale = False

    def look(self, site: Site) -> None:
        """Asks what there is for them; raises NotAnswered."""
        asked = {"session_id": self._session, "exclude_seen": True, "k": K}
        answer = site.post("recommend", asked)
        self.shown, self.stale = [item["item_id"] for item in answer["items"]], answer["stale"]

    def take(self, site: Site, place: int = 0) -> str:
        """Records that they bought an item that was shown; returns the item. Raises NotAnswered."""
        item = self.shown[place]
        site.post("events", {"event": "purchase", "item_id": item, "session_id": self._session})
        return item

    def take_and_look(self, site: Site) -> Noticed:
        """Buys the first item that was shown, and looks at once: an answer that has it again doesn't know of it."""
        started = time.perf_counter()
        item = self.take(site)
        accepted = time.perf_counter()
        self.look(site)
        return Noticed(accepted - started, time.perf_counter() - accepted, item not in self.shown, self.stale)


def evenly(rate: float, seconds: float) -> Iterator[int]:
    """Numbers that come at even intervals, whoever is still busy with those before: an open loop."""
    started = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        yield number


def in_turn(
    address: str, clients: int, numbers: Iterable[int], work: Callable[[Site, int], None]
) -> concurrent.futures.Future[None]:
    """Has connections of their own take the numbers as they come, in the background.

    Returns:
        Done when all are; has the first error of `work`.
    """
    turn, coming = threading.Lock(), iter(numbers)

    def client() -> None:
        with contextlib.closing(Site(address)) as site:
            while True:
                with turn:
                    number = next(coming, None)
                if number is None:
                    return
                work(site, number)

    def all_of_them() -> None:
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for one in [pool.submit(client) for _ in range(clients)]:
                one.result()

    pool = concurrent.futures.ThreadPoolExecutor(1)
    done = pool.submit(all_of_them)
    pool.shutdown(wait=False)
    return done
