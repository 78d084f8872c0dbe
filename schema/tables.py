"""The canonical tables a shop's data folder holds: one frozen record per column."""

from __future__ import annotations

import dataclasses
import enum

MICROSECONDS_PER_DAY = 24 * 60 * 60 * 1_000_000


class Kind(enum.Enum):
    """What the values of a column are, and how the reader stores them."""

    STRING = "string"
    """UTF-8 text."""
    INTEGER = "integer"
    """A whole number that fits 64 bits, signed."""
    NUMBER = "number"
    """A finite or non-finite decimal number, stored as float64."""
    TIMESTAMP = "timestamp"
    """ISO 8601, UTC where it names no zone; stored as int64 microseconds since the epoch."""
    BOOLEAN = "boolean"
    """True or false; stored as int64, 1 or 0: TFDV has no statistics of booleans."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a canonical table.

    Attributes:
        name: the header in the file.
        kind: the type of its values.
        required: whether the column must be there and every row must fill it.
        identifier: whether its text names something: what can't be seen in it is no part of it.
        bookkeeping: whether it says how a row came about, or where something lies, and not what happened. No model reads
            it, no schema or gate holds it against anything, and of a table's files some may have it and others not.
        of_day: whether a day alone says when: its first moment.
        planned: whether its times may lie ahead: what they tell is a plan.
        picture: whether it names a file, a path below the data folder; in Parquet, its cells may be the file's bytes.
    """

    name: str
    kind: Kind
    required: bool = False
    identifier: bool = False
    bookkeeping: bool = False
    of_day: bool = False
    planned: bool = False
    picture: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A canonical table: its name, its columns, and the columns that name a row (may be none)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """Returns the declared column called `name`, or None for an extra column."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def bookkeeping(self) -> frozenset[str]:
        """The names of the columns that only say how a row came about."""
        return frozenset(column.name for column in self.columns if column.bookkeeping)

    @property
    def pictures(self) -> frozenset[str]:
        """The names of the columns that name files of pictures."""
        return frozenset(column.name for column in self.columns if column.picture)


ITEMS = Table(
    "items",
    (
        Column("item_id", Kind.STRING, required=True, identifier=True),
        Column("title", Kind.STRING, required=True),
        Column("description", Kind.STRING),
        Column("category", Kind.STRING),
        Column("brand", Kind.STRING),
        Column("price", Kind.NUMBER),
        # An item may be announced before it can be bought.
        Column("available_at", Kind.TIMESTAMP, of_day=True, planned=True),
        Column("stock", Kind.INTEGER),
        Column("image", Kind.STRING, bookkeeping=True, picture=True),
        # Of a shop that is several in one: which of them sells it.
        Column("domain", Kind.STRING),
    ),
    key=("item_id",),
)

USERS = Table(
    "users",
    (
        Column("user_id", Kind.STRING, required=True, identifier=True),
        Column("country", Kind.STRING),
        Column("age", Kind.INTEGER),
        Column("gender", Kind.STRING),
        Column("joined_at", Kind.TIMESTAMP, of_day=True),
    ),
    key=("user_id",),
)

EVENTS = Table(
    "events",
    (
        Column("timestamp", Kind.TIMESTAMP, required=True),
        Column("event", Kind.STRING, required=True),
        Column("item_id", Kind.STRING, required=True, identifier=True),
        Column("user_id", Kind.STRING, identifier=True),
        Column("session_id", Kind.STRING, identifier=True),
        Column("query", Kind.STRING),
        Column("position", Kind.INTEGER),
        Column("quantity", Kind.NUMBER),
        Column("price", Kind.NUMBER),
        Column("rating", Kind.NUMBER),
        Column("text", Kind.STRING),
        Column("event_id", Kind.STRING, identifier=True, bookkeeping=True),
        Column("request_id", Kind.STRING, identifier=True, bookkeeping=True),
        Column("experiment", Kind.STRING, bookkeeping=True),
        Column("arm", Kind.STRING, bookkeeping=True),
        # Of what was shown, written by the gateway: which signature and version answered.
        Column("source", Kind.STRING, bookkeeping=True),
        Column("version", Kind.STRING, bookkeeping=True),
        # Of what somebody paid for to be shown, and what came of it: no label of the organic ranking is made of it.
        Column("sponsored", Kind.BOOLEAN, bookkeeping=True),
        Column("campaign_id", Kind.STRING, identifier=True, bookkeeping=True),
        # Of a sponsored impression: what the model's head said of it when its place was sold. Calibration learns by it.
        Column("ad_score", Kind.NUMBER, bookkeeping=True),
    ),
)

JUDGEMENTS = Table(
    "judgements",
    (
        Column("query", Kind.STRING, required=True),
        Column("item_id", Kind.STRING, required=True, identifier=True),
        Column("grade", Kind.NUMBER, required=True),
    ),
)

STOCK = Table(
    "stock",
    (
        Column("item_id", Kind.STRING, required=True, identifier=True),
        Column("on_hand", Kind.NUMBER, required=True),
        Column("on_order", Kind.NUMBER),
        Column("as_of", Kind.TIMESTAMP, required=True, of_day=True),
    ),
    key=("item_id", "as_of"),
)
"""What lies in the shop: the latest count of an item is its stock, earlier ones say when it was out of it."""

SUPPLY = Table(
    "supply",
    (
        Column("item_id", Kind.STRING, required=True, identifier=True),
        Column("lead_time_days", Kind.NUMBER),
        Column("lead_time_sd", Kind.NUMBER),
        Column("pack_size", Kind.NUMBER),
        Column("min_order", Kind.NUMBER),
        Column("unit_cost", Kind.NUMBER),
        Column("holding_rate", Kind.NUMBER),
        Column("review_days", Kind.NUMBER),
    ),
    key=("item_id",),
)
"""How an item is ordered. What is missing, the settings' section `inventory` says."""

CAMPAIGNS = Table(
    "campaigns",
    (
        Column("campaign_id", Kind.STRING, required=True, identifier=True),
        Column("advertiser_id", Kind.STRING, required=True, identifier=True),
        Column("item_id", Kind.STRING, identifier=True),
        Column("category", Kind.STRING),
        Column("query", Kind.STRING),
        # Whole micros of the currency: no sum of them is rounded.
        Column("bid", Kind.INTEGER, required=True),
        Column("bid_kind", Kind.STRING),
        Column("budget", Kind.INTEGER, required=True),
        Column("starts_at", Kind.TIMESTAMP, required=True, of_day=True, planned=True),
        Column("ends_at", Kind.TIMESTAMP, required=True, of_day=True, planned=True),
        Column("frequency_cap", Kind.INTEGER),
        Column("currency", Kind.STRING),
    ),
    key=("campaign_id",),
)
"""What advertisers ask for: an item or a category to show, and what they pay for a click or a purchase."""
BID_KINDS = ("click", "purchase")
"""What is paid for; the first where nothing is said."""
HIGHEST_BID = 10**12
"""In micros: a million units. A bid times a chance in millionths fits 64 bits then."""

TABLES: tuple[Table, ...] = (ITEMS, USERS, EVENTS, JUDGEMENTS, STOCK, SUPPLY, CAMPAIGNS)
TABLE_BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
