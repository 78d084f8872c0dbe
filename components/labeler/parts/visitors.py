"""Who may be the same visitor: sessions and users that were seen together, one through the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import polars as pl
from scipy import sparse

from aisle.components.plans.sorted_numbers import found_at
from aisle.schema.tables import MICROSECONDS_PER_DAY


@dataclasses.dataclass(frozen=True)
class Visitors:
    """Parts visitors so that nothing joins what one did to what another of another part did.

    Where a session has events of several users, or of one and of nobody, it and they are one visitor, with all else that
    they are seen with. All others are told by their user, else by their session. A visitor is as large as what it is seen
    with: an id that stands for everybody who isn't known makes one of all who were seen with it.

    Attributes:
        sessions: `session` (a key of `visitor_keys`), ascending, and `visitor` of those that have several users.
        users: `user`, ascending, and `visitor` of those that are in such sessions.
    """

    sessions: pl.DataFrame
    users: pl.DataFrame

    @staticmethod
    def of(keys: Iterable[pl.DataFrame]) -> Visitors:
        """Finds who is seen with whom.

        Args:
            keys: of `visitor_keys`, of all events, those of a session in one frame; repeated ones may be left out.
        """
        seen = pl.concat([_seen_with_several(pairs) for pairs in keys])
        session, user = (seen[name].rank("dense").to_numpy().astype(np.int64) - 1 for name in seen.columns)
        sessions = int(session.max(initial=-1)) + 1
        nodes = sessions + int(user.max(initial=-1)) + 1
        together = sparse.coo_matrix((np.ones(len(seen), bool), (session, sessions + user)), (nodes, nodes))
        _, visitor = sparse.csgraph.connected_components(together, directed=False)
        known = seen.with_columns(pl.Series("visitor", visitor[session].astype(np.uint64)))
        return Visitors(*(known.select(name, "visitor").unique().sort(name) for name in seen.columns))

    def parts(self, events: pl.DataFrame, count: int) -> pl.Series:
        """Returns the part of each event, from 0 to below `count`; those of a visitor lie in one."""
        keys = visitor_keys(events)
        of_session, of_user = _visitor(keys["session"], self.sessions), _visitor(keys["user"], self.users)
        visitor = keys.select(pl.coalesce(of_session, of_user, "user", "session")).to_series()
        return visitor.hash(seed=0) % count


def _visitor(keys: pl.Series, known: pl.DataFrame) -> pl.Series:
    """The visitor of each key, null where it is of none: [n]. Of `known` the first column has the keys, the second the visitors."""
    number, visitor = known.get_columns()
    if number.is_empty():
        return visitor.clear(len(keys))
    at = found_at(number.to_numpy(), keys.fill_null(0).to_numpy())
    return pl.select(pl.when(number.gather(at) == keys).then(visitor.gather(at))).to_series()


def _seen_with_several(keys: pl.DataFrame) -> pl.DataFrame:
    """Returns the pairs of sessions that were seen with several users, or with one and with nobody."""
    pairs = keys.drop_nulls("session").unique()
    several = pairs.group_by("session").len().filter(pl.col("len") > 1)
    return pairs.join(several, on="session", how="semi").drop_nulls("user")


def visitor_keys(events: pl.DataFrame) -> pl.DataFrame:
    """Returns the `session` and the `user` of each event, as numbers that stand for their ids; null where there is none.

    What has neither is of the session of its day, as in `make_interactions`.
    """
    day = (pl.col("timestamp") // MICROSECONDS_PER_DAY).cast(pl.String)
    session = pl.coalesce("session_id", pl.when(pl.col("user_id").is_null()).then(day))
    return events.select(_number(session).alias("session"), _number(pl.col("user_id")).alias("user"))


def _number(text: pl.Expr) -> pl.Expr:
    """Texts that are told apart nowhere else may have the same: that only joins parts."""
    return pl.when(text.is_not_null()).then(text.hash(seed=0))
