"""The ledger in a Redis or Valkey, which any number of gateways share."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aisle.gateway.ads import redis_scripts as scripts
from aisle.gateway.ads.ledger import CAPPED, KEPT, Account, Changes, Charge, Sale, Show
from aisle.gateway.recents.connection import KeptConnection, connect, told_as_down
from aisle.gateway.recents.store import TIMEOUT_SECONDS

_WHAT = "the ledger of campaigns"
NEAR = 1_000_000
"""Microseconds by which clocks may differ, so that an answer that took long isn't taken for a clock that is off."""
CHUNK = 200
"""Campaigns of a request: more would hold up answers."""


class RedisLedger:
    """A `Ledger` of all gateways on one store. Have that keep its data (`appendonly yes`): it holds what was spent."""

    def __init__(
        self, address: str, timeout: float = TIMEOUT_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        """Names the server; the first question connects.

        Args:
            address: `redis://HOST:PORT/DATABASE`.
            timeout: seconds after which the server is down.
            clock: seconds since 1970, by which the moments are told. Where it is off from the store's clock, that counts: a
                show of one gateway may be clicked at another.

        Raises:
            InputError: the address can't be read.
        """
        self._redis = connect(address, timeout)
        # By their hash: a server that is new is told the text once. Sent each time it costs as much as what it does.
        self._scripts = {script: self._redis.register_script(script) for script in scripts.SCRIPTS}
        self._selling = KeptConnection(address, scripts.SELL, timeout)
        self._met, self._life = "", ""
        self._clock, self._off = clock, 0

    async def shown(self, who: str, now: int) -> Mapping[str, int]:
        """See `Ledger`."""
        with told_as_down(_WHAT):
            found: list[Any] = await self._redis.zrangebyscore(
                _seen(who), f"({now + self._off - CAPPED}", "+inf"
            )
        return Counter(json.loads(member)[0] for member in found)

    async def sell(self, request_id: str, who: str, sales: Sequence[Sale], now: int) -> list[bool]:
        """See `Ledger`."""
        told = [
            (
                one.campaign_id,
                one.item_id,
                one.price,
                one.hold,
                one.kind,
                one.until + self._off,
                one.budget,
                _or_none(one.cap),
            )
            for one in sales
        ]
        first = (now + self._off, request_id, CAPPED, KEPT, scripts.MOST_ENDED, self._life)
        keys = (*scripts.KEYS, _show(request_id), _seen(who))
        with told_as_down(_WHAT):
            stand = await self._selling.call(keys, *first, *itertools.chain(*told))
        return [bool(one) for one in stand] or [False] * len(sales)

    async def sold(self, shows: Sequence[Show]) -> list[str]:
        """See `Ledger`."""
        with told_as_down(_WHAT):
            async with self._redis.pipeline(transaction=False) as pipe:
                for one in shows:
                    pipe.hget(_show(one.request_id), f"sold:{one.item_id}")
                found = await pipe.execute()
        return [str(json.loads(told)[0]) if told else "" for told in found]

    async def charge(self, charges: Sequence[Charge]) -> list[int]:
        """See `Ledger`; of many each is a step of its own."""
        paid = []
        for one in charges:
            told = (*one.show, one.kind, one.at + self._off, _or_none(one.budget))
            paid.append(int(await self._do(scripts.CHARGE, (_show(one.show.request_id),), *told)))
        return paid

    async def changes(self, place: int) -> Changes:
        """See `Ledger`."""
        came = await self._do(scripts.CHANGES, (), place, CHUNK, uuid.uuid4().hex)
        self._met, reached, last, names, (spent, held, paces), now = json.loads(came)
        off = int(now) - int(self._clock() * 1e6)
        self._off = off if abs(off - self._off) > NEAR else self._off
        rows = itertools.zip_longest(names, spent, held, paces)
        accounts = {
            name: Account(int(paid or 0), int(hold or 0), pace or "") for name, paid, hold, pace in rows
        }
        return Changes(self._met, int(reached), int(last), accounts)

    async def set_paces(self, paces: Mapping[str, tuple[str, str]]) -> None:
        """See `Ledger`."""
        await self._in_chunks(scripts.PACE, ((name, old, new) for name, (old, new) in paces.items()))

    async def bid(self, counts: Mapping[str, int]) -> None:
        """See `Ledger`."""
        await self._in_chunks(scripts.BID, counts.items(), scripts.BIDS)

    async def bids(self) -> Mapping[str, int]:
        """See `Ledger`."""
        told = list(json.loads(await self._do(scripts.READ_BIDS, (scripts.BIDS,))))
        return dict(zip(told[::2], map(int, told[1::2]), strict=True))

    async def restore(self, spent: Mapping[str, int]) -> None:
        """See `Ledger`."""
        life = self._met
        await self._in_chunks(scripts.RESTORE, spent.items())
        self._life = life

    async def merge(self, session: str, user: str) -> None:
        """See `Ledger`."""
        with told_as_down(_WHAT):
            keys = _seen(session), _seen(user)
            await self._scripts[scripts.MERGE](keys, (CAPPED // 1_000,))

    async def forget(self, who: str) -> None:
        """See `Ledger`."""
        with told_as_down(_WHAT):
            await self._redis.delete(_seen(who))

    async def close(self) -> None:
        """See `Ledger`."""
        await self._selling.close()
        await self._redis.aclose()

    async def _do(self, script: str, keys: tuple[str, ...], *told: str | int) -> Any:
        with told_as_down(_WHAT):
            return await self._scripts[script]((*scripts.KEYS, *keys), told)

    async def _in_chunks(self, script: str, told: Iterable[tuple[str | int, ...]], *keys: str) -> None:
        rest = iter(told)
        while chunk := list(itertools.islice(rest, CHUNK)):
            await self._do(script, keys, *itertools.chain(*chunk))


def _show(request_id: str) -> str:
    return f"aisle:ads:show:{request_id}"


def _seen(who: str) -> str:
    """The key of what a visitor was shown; "" of nobody."""
    return f"aisle:ads:seen:{who}" if who else ""


def _or_none(value: int | None) -> str | int:
    return "" if value is None else value
