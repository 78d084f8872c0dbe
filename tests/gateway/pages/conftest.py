"""A small shop behind a gateway with pages: real stores, logs and tables; its model is a fake that knows the last item."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import pathlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.gateway.items.service import Items
from aisle.gateway.log import EventLog
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.recording import utc_now
from aisle.gateway.service import Gateway
from aisle.gateway.stages import StagedClient
from aisle.schema import contract
from aisle.serving import Retry
from aisle.serving.testing import AsyncFakeTransport
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array, to_proto

KEY = "0123456789abcdef"
EVIL = "<script>document.title='owned'</script> & \"mug\""
ITEMS = [
    {
        "item_id": "mug",
        "title": "Red mug",
        "category": "Kitchen/Mugs",
        "brand": "Acme",
        "price": 9.5,
        "stock": 3,
    },
    {"item_id": "cup", "title": "Blue cup", "category": "Kitchen/Mugs", "brand": "Ajax", "price": 1234.0},
    {"item_id": "pot/1", "title": EVIL, "category": "Kitchen", "description": EVIL, "price": 20.0},
    {"item_id": "sock", "title": "جورب أحمر", "category": "Wear", "image": "sock.png", "stock": 0},
    {"item_id": "hat", "title": "帽子", "category": "Wear", "brand": "名牌", "price": 5.0},
]
"""The table; the model knows one more, `scarf`."""
TITLES = {**{item["item_id"]: item["title"] for item in ITEMS}, "scarf": "Green scarf"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e3"
    "660000000049454e44ae426082"
)


class ShopTransport(AsyncFakeTransport):
    """Recommends what goes with the last item of the history, and knows titles."""

    def __init__(self) -> None:
        popular = [("mug", 5.0), ("cup", 4.0), ("pot/1", 3.0), ("sock", 2.0), ("hat", 1.0)]
        near = [("hat", 3.0), ("scarf", 2.0), ("pot/1", 1.0)]
        lists = ("search", "filtered_search", "recommend")
        super().__init__(
            {**{name: popular for name in lists}, "similar": near, "explain": popular, "titles": []}
        )
        self.popular = popular

    async def call(self, method: str, request: bytes, timeout: float) -> bytes:
        asked = messages_pb2.PredictRequest()
        with contextlib.suppress(Exception):  # Of `versions` it is another message.
            asked.ParseFromString(request)
        inputs = {name: to_array(proto).tolist() for name, proto in asked.inputs.items()}
        if asked.model_spec.signature_name == "titles":
            (ids,) = inputs["item_ids"]
            known = [TITLES.get(item.decode(), "").encode() for item in ids]
            return _response({contract.TITLE_TEXTS: to_proto(_row(known))})
        seen = [item for name in ("history", "recent_items") for item in inputs.get(name, [[]])[0] if item]
        self.answers["recommend"] = [("scarf", 9.0), ("hat", 8.0)] if seen else self.popular
        return await super().call(method, request, timeout)


def _row(values: list[bytes]) -> Any:
    import numpy as np

    row = np.empty((1, len(values)), object)
    row[0] = values
    return row


def _response(outputs: dict[str, Any]) -> bytes:
    response = messages_pb2.PredictResponse(outputs=outputs)
    response.model_spec.version.value = 1
    return response.SerializeToString()


@dataclasses.dataclass
class Front:
    """A gateway with pages.

    Attributes:
        app: answers.
        gateway: records and asks.
        model: notes what it was asked.
        recents: the way to the store.
        log: the data folder.
        out: the run's folder.
        http: asks like a browser of the same site.
    """

    app: Any
    gateway: Gateway
    model: AsyncFakeTransport
    recents: Delivery
    log: pathlib.Path
    out: pathlib.Path
    http: httpx.AsyncClient

    async def done(self) -> list[tuple[str, str]]:
        """What the visitor of `http` did: kinds and items."""
        session = self.http.cookies.get("aisle_session", "")
        user = self.http.cookies.get("aisle_user", "")
        who = f"u:{user}" if user else f"s:{session}"
        return [(one.event, one.item_id) for one in (await self.recents.of(who))[0]]


def make_front(
    folder: pathlib.Path,
    key: str = KEY,
    with_run: bool = True,
    items: Sequence[dict[str, Any]] = ITEMS,
    model: AsyncFakeTransport | None = None,
    **shop: Any,
) -> Front:
    """A shop in a folder; `shop` has fields of `Shop`."""
    from aisle.gateway.app import create_app
    from aisle.gateway.pages.reviews.said import Reviews
    from aisle.gateway.pages.runs import LOW_STOCK, LowStock, Run
    from aisle.gateway.pages.storefront import Shop, Storefront

    tables, reports = folder / "tables", folder / "out" / "reports"
    for made in (tables, reports, folder / "out" / "serving" / "1"):
        made.mkdir(parents=True)
    (folder / "out" / "serving" / "1" / "saved_model.pb").touch()
    pq.write_table(pa.Table.from_pylist(list(items), _SCHEMA), tables / "items.parquet")
    bought = [
        {"event": "purchase", "user_id": user, "item_id": "hat", "timestamp": at}
        for at, user in enumerate(("ann", "bob/1", "ann", None))
    ]
    pq.write_table(
        pa.Table.from_pylist([*bought, {"event": "click", "user_id": "eve"}]), tables / "events.parquet"
    )
    (reports / "anomalies.html").write_text("<p>all well</p>", encoding="utf-8")
    (reports / "anomalies.json").write_text(json.dumps({"verdict": "passed"}), encoding="utf-8")
    (folder / "sock.png").write_bytes(PNG)
    model = model or ShopTransport()
    client = StagedClient("shop:8500", transport=model, retry=Retry(attempts=1))
    recents = Delivery(MemoryStore(1_000))
    log = EventLog(folder / "live", utc_now)
    told = Items(client, None, folder / "live", utc_now)
    gateway = Gateway(client, recents, log, told)
    low = LowStock(folder / "out" / "inventory" / LOW_STOCK)
    reviewed = folder / "out" / "reviews"
    reviewed.mkdir()
    spoken = {"item_id": "sock", "aspect": "size", "reviews": 2, "good": 0.5, "phrases": ["too small"]}
    numbers = {"item_id": "sock", "reviews": 3, "stars": 2.5, "good": 0.5, "at_least": 0.1}
    pq.write_table(pa.Table.from_pylist([spoken]), reviewed / "aspects.parquet")
    pq.write_table(pa.Table.from_pylist([numbers]), reviewed / "items.parquet")
    said = Reviews(reviewed)
    run = Run(tables, reports, folder / "out" / "serving", low, said) if with_run else None
    shown = Shop(**{"trying": True, **shop})
    front = Storefront(gateway, client, recents, key, shown, run, folder)
    app = create_app(gateway, key, 0.0, storefront=front)
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://shop",
        headers={"Origin": "http://shop", "Sec-Fetch-Site": "same-origin"},
        follow_redirects=True,
    )
    return Front(app, gateway, model, recents, folder / "live", folder / "out", http)


_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("item_id", "title", "description", "category", "brand", "image")]
    + [("price", pa.float64()), ("stock", pa.int64())]
)


@pytest.fixture(name="make_front", scope="session")
def make_front_fixture() -> Callable[..., Front]:
    """Makes a shop in a folder, for who runs it by other means."""
    return make_front


@pytest.fixture
def front(tmp_path: pathlib.Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Front]]:
    """Opens a shop."""

    @contextlib.asynccontextmanager
    async def opened(**shop: Any) -> AsyncIterator[Front]:
        one = make_front(tmp_path, **shop)
        async with one.gateway.running(), one.http:
            yield one

    return opened


@pytest.fixture
def visits(front: Callable) -> Callable[..., Any]:
    """Runs a coroutine on a shop."""

    def run(use: Callable[[Front], Coroutine], **shop: Any) -> Any:
        async def opened() -> Any:
            async with front(**shop) as one:
                return await use(one)

        return asyncio.run(opened())

    return run
