"""The client of a gateway: lists with their sponsored places, sponsored items alone, and events that say what came of them."""

from __future__ import annotations

import dataclasses
import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aisle.schema.errors import InputError
from aisle.serving.client.errors import (
    BadAnswer,
    DeadlineExceeded,
    Overloaded,
    RequestRefused,
    ServingError,
    Unreachable,
)

if TYPE_CHECKING:
    from typing_extensions import Self

_KINDS: dict[int, type[ServingError]] = {
    401: RequestRefused,
    422: RequestRefused,
    429: Overloaded,
    503: Unreachable,
    504: DeadlineExceeded,
}
"""By HTTP status; any other is a `ServingError`."""


@dataclasses.dataclass(frozen=True)
class ShownItem:
    """An item of a gateway's answer.

    Attributes:
        item_id: the item.
        score: the model's; None of an item that it doesn't know.
        sponsored: whether its place was paid for: tell whoever sees it.
        campaign_id: that pays; "" where none does.
    """

    item_id: str
    score: float | None
    sponsored: bool = False
    campaign_id: str = ""


@dataclasses.dataclass(frozen=True)
class Shown(Sequence[ShownItem]):
    """A gateway's answer: its items, best first.

    Attributes:
        request_id: to be sent with the events that follow: a sponsored item is paid for by it.
        items: best first.
        version: of the model; None where two gave the answer, or none.
        stale: whether it may lack what was done or told last.
    """

    request_id: str
    items: tuple[ShownItem, ...]
    version: int | None = None
    stale: bool = False

    def __getitem__(self, place: Any) -> Any:
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ShownItem]:
        return iter(self.items)


class GatewayClient:
    """Asks a gateway over HTTP, and tells it events; each thread has a connection of its own, which is kept open.

    Every method raises ServingError (`Unreachable`, `DeadlineExceeded`, `RequestRefused`, …). Nothing is asked twice.
    """

    def __init__(self, address: str, key: str = "", timeout: float = 1.0) -> None:
        """Connects with the first question.

        Args:
            address: of the gateway, such as http://localhost:8080.
            key: of events; "" sends none.
            timeout: seconds of a question.

        Raises:
            InputError: the address can't be read, or the timeout isn't above 0.
        """
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise InputError(f"address is {address!r}; expected a gateway's, such as http://localhost:8080")
        if not 0 < timeout < float("inf"):
            raise InputError(f"timeout is {timeout}; expected seconds above 0")
        self._address, self._secure, self._where = (
            address,
            parts.scheme == "https",
            parts.netloc.rpartition("@")[2],
        )
        self._timeout, self._headers = timeout, {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._own = threading.local()

    def search(self, query: str, user: str = "", k: int = 10, *, session: str = "", **more: Any) -> Shown:
        """The best items for a query; `more` is what else docs/gateway.md has, such as `in_stock` or `sponsored`."""
        return self._shown("search", {"query": query, "user_id": user, "session_id": session, "k": k, **more})

    def recommend(self, user: str = "", k: int = 10, *, session: str = "", **more: Any) -> Shown:
        """The best items for a user; `more` as of `search`."""
        return self._shown("recommend", {"user_id": user, "session_id": session, "k": k, **more})

    def ads(self, query: str = "", user: str = "", slots: int = 1, *, session: str = "") -> Shown:
        """Sponsored items for so many slots of a search's page, or of any other where nothing is searched."""
        return self._shown("ads", {"query": query, "user_id": user, "session_id": session, "slots": slots})

    def record(self, *events: Mapping[str, Any]) -> list[str]:
        """Records events; returns their ids once they are safe. Name the `request_id` of the answer that each follows."""
        ids: list[str] = self._post("events", list(events))["event_ids"]
        return ids

    def close(self) -> None:
        """Ends this thread's connection."""
        connection = getattr(self._own, "connection", None)
        if connection:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shown(self, route: str, asked: dict[str, Any]) -> Shown:
        told = self._post(route, asked)
        try:
            items = tuple(
                ShownItem(
                    one["item_id"], one["score"], one.get("sponsored", False), one.get("campaign_id", "")
                )
                for one in told["items"]
            )
            return Shown(told["request_id"], items, told["version"], told["stale"])
        except (KeyError, TypeError) as error:
            raise BadAnswer(f"{self._address} answers {route} without {error}") from error

    def _post(self, route: str, body: Any) -> Any:
        connection = self._connection()
        try:
            connection.request("POST", f"/v1/{route}", json.dumps(body), self._headers)
            answer = connection.getresponse()
            said = answer.read()
        except TimeoutError as error:
            connection.close()
            raise DeadlineExceeded(f"{self._address} doesn't answer within {self._timeout:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(f"no gateway answers at {self._address}: {error!r}") from error
        try:
            told = json.loads(said)
        except ValueError:
            raise BadAnswer(f"{self._address} answers {answer.status} with {said[:80]!r}") from None
        if answer.status != 200:
            details = str(told.get("error", "")) if isinstance(told, dict) else ""
            raise _KINDS.get(answer.status, ServingError)(
                f"{self._address}: {details}", str(answer.status), details
            )
        return told

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._own.connection = kind(self._where, timeout=self._timeout)
        connection: http.client.HTTPConnection = self._own.connection
        return connection
