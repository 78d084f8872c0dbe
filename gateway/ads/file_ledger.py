"""The ledger of one gateway alone: an SQLite file in its data folder, so that a kill loses no charge."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence

from aisle.gateway.ads.ledger import CAPPED, KEPT, Account, Changes, Charge, Sale, Show
from aisle.gateway.recents.store import StoreDown
from aisle.schema.errors import InputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS life (life TEXT);
CREATE TABLE IF NOT EXISTS accounts (
  campaign TEXT PRIMARY KEY, spent INTEGER DEFAULT 0, held INTEGER DEFAULT 0, pace TEXT DEFAULT '', place INTEGER DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_place ON accounts (place);
CREATE TABLE IF NOT EXISTS shows (
  request TEXT, item TEXT, campaign TEXT, price INTEGER, hold INTEGER, kind TEXT, until INTEGER, budget INTEGER,
  open INTEGER DEFAULT 1, charged INTEGER DEFAULT 0, PRIMARY KEY (request, item)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_end ON shows (open, until);
CREATE TABLE IF NOT EXISTS bids (campaign TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (who TEXT, campaign TEXT, request TEXT, at INTEGER);
CREATE INDEX IF NOT EXISTS by_visitor ON seen (who);
CREATE INDEX IF NOT EXISTS by_time ON seen (at);
"""
_MOST_ENDED = 1_000
"""Shows that one call takes leave of at most."""


class FileLedger:
    """A `Ledger` of one process.

    It is asked in the event loop: the whole of a sale takes a tenth of a millisecond, less than a thread would. A commit waits
    for no disk: a kill loses nothing, and what a power cut loses is charged again from the spool of events.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Opens the file, which is made where it is missing.

        Raises:
            InputError: it can't be opened.
        """
        try:
            self._file = sqlite3.connect(path, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(_SCHEMA)
            if not self._file.execute("SELECT 1 FROM life").fetchone():
                self._file.execute("INSERT INTO life VALUES (?)", [uuid.uuid4().hex])
        except sqlite3.Error as error:
            raise InputError(f"{path} can't be used as the ledger of campaigns: {error}") from error

    async def shown(self, who: str, now: int) -> Mapping[str, int]:
        """See `Ledger`."""
        with self._together():
            return self._seen(who, now)

    async def sell(self, request_id: str, who: str, sales: Sequence[Sale], now: int) -> list[bool]:
        """See `Ledger`."""
        with self._together():
            self._end(now)
            seen = self._seen(who, now)
            return [self._sell(request_id, who, sale, seen.get(sale.campaign_id, 0), now) for sale in sales]

    async def sold(self, shows: Sequence[Show]) -> list[str]:
        """See `Ledger`."""
        with self._together():
            rows = [
                self._one("SELECT campaign FROM shows WHERE request = ? AND item = ?", *one) for one in shows
            ]
        return [row[0] if row else "" for row in rows]

    async def charge(self, charges: Sequence[Charge]) -> list[int]:
        """See `Ledger`."""
        with self._together():
            return [self._charge(one) for one in charges]

    async def changes(self, place: int) -> Changes:
        """See `Ledger`."""
        with self._together():
            (life,) = self._one("SELECT life FROM life") or ("",)
            found = "SELECT campaign, spent, held, pace, place FROM accounts WHERE place > ? ORDER BY place"
            rows = self._file.execute(found, [place]).fetchall()
        reached = rows[-1][4] if rows else place
        return Changes(life, reached, reached, {row[0]: Account(*row[1:4]) for row in rows})

    async def set_paces(self, paces: Mapping[str, tuple[str, str]]) -> None:
        """See `Ledger`."""
        with self._together():
            for campaign, (old, new) in paces.items():
                if self._account(campaign).pace == old:
                    self._change(campaign, pace=new)

    async def bid(self, counts: Mapping[str, int]) -> None:
        """See `Ledger`."""
        told = "INSERT INTO bids VALUES (?, ?) ON CONFLICT (campaign) DO UPDATE SET count = count + excluded.count"
        with self._together():
            self._file.executemany(told, counts.items())

    async def bids(self) -> Mapping[str, int]:
        """See `Ledger`."""
        with self._together():
            return dict(self._file.execute("SELECT campaign, count FROM bids").fetchall())

    async def restore(self, spent: Mapping[str, int]) -> None:
        """See `Ledger`."""
        with self._together():
            for campaign, least in spent.items():
                more = least - self._account(campaign).spent
                if more > 0:
                    self._change(campaign, spent=more)

    async def merge(self, session: str, user: str) -> None:
        """See `Ledger`."""
        with self._together():
            self._file.execute("UPDATE seen SET who = ? WHERE who = ?", [user, session])

    async def forget(self, who: str) -> None:
        """See `Ledger`."""
        with self._together():
            self._file.execute("DELETE FROM seen WHERE who = ?", [who])

    async def close(self) -> None:
        """See `Ledger`."""
        self._file.close()

    def _seen(self, who: str, now: int) -> dict[str, int]:
        counted = "SELECT campaign, COUNT(*) FROM seen WHERE who = ? AND at > ? GROUP BY campaign"
        return dict(self._file.execute(counted, [who, now - CAPPED]).fetchall())

    def _sell(self, request_id: str, who: str, sale: Sale, seen: int, now: int) -> bool:
        account = self._account(sale.campaign_id)
        if account.spent + account.held + sale.price > sale.budget:
            return False
        if sale.cap is not None and not (who and seen < sale.cap):
            return False
        told = "INSERT INTO shows (request, item, campaign, price, hold, kind, until, budget) VALUES (?,?,?,?,?,?,?,?)"
        values = (sale.campaign_id, sale.price, sale.hold, sale.kind, sale.until, sale.budget)
        self._file.execute(told, [request_id, sale.item_id, *values])
        if sale.cap is not None:
            self._file.execute("INSERT INTO seen VALUES (?,?,?,?)", [who, sale.campaign_id, request_id, now])
        self._change(sale.campaign_id, held=sale.hold)
        return True

    def _charge(self, one: Charge) -> int:
        named = "campaign, price, hold, budget, open FROM shows WHERE request = ? AND item = ?"
        found = self._one(
            f"SELECT {named} AND kind = ? AND until >= ? AND NOT charged", *one.show, one.kind, one.at
        )
        if not found:
            return 0
        campaign, price, hold, budget, still_open = found
        budget = budget if one.budget is None else min(budget, one.budget)
        amount = max(0, min(price, budget - self._account(campaign).spent))
        done = "UPDATE shows SET charged = 1, open = 0 WHERE request = ? AND item = ?"
        self._file.execute(done, list(one.show))
        self._change(campaign, spent=amount, held=-hold if still_open else 0)
        return amount

    def _end(self, now: int) -> None:
        """Has the shows whose window has ended give back what they hold."""
        ended = self._file.execute(
            "SELECT request, item, campaign, hold FROM shows WHERE open = 1 AND until < ? LIMIT ?",
            [now, _MOST_ENDED],
        ).fetchall()
        for request, item, campaign, hold in ended:
            self._file.execute("UPDATE shows SET open = 0 WHERE request = ? AND item = ?", [request, item])
            self._change(campaign, held=-hold)
        if ended:
            self._file.execute("DELETE FROM shows WHERE open = 0 AND until < ?", [now - KEPT])
            self._file.execute("DELETE FROM seen WHERE at <= ?", [now - CAPPED])

    def _account(self, campaign: str) -> Account:
        row = self._one("SELECT spent, held, pace FROM accounts WHERE campaign = ?", campaign)
        return Account(*row) if row else Account()

    def _change(self, campaign: str, spent: int = 0, held: int = 0, pace: str | None = None) -> None:
        self._file.execute("INSERT OR IGNORE INTO accounts (campaign) VALUES (?)", [campaign])
        self._file.execute(
            "UPDATE accounts SET spent = spent + ?, held = held + ?, pace = COALESCE(?, pace), "
            "place = 1 + (SELECT MAX(place) FROM accounts) WHERE campaign = ?",
            [spent, held, pace, campaign],
        )

    def _one(self, asked: str, *values: object) -> tuple | None:
        found: tuple | None = self._file.execute(asked, values).fetchone()
        return found

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """All of it or nothing."""
        try:
            with self._file:
                self._file.execute("BEGIN IMMEDIATE")
                yield
        except sqlite3.Error as error:
            raise StoreDown(f"the ledger of campaigns can't be used: {error}") from error
