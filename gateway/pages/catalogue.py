"""What is known of a shop's items and users: the cleaned tables of a run."""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aisle.schema.events import PURCHASE
from aisle.schema.tables import EVENTS, ITEMS

SAMPLE = 12
"""Users to shop as."""
DEPARTMENTS = 8
"""Categories that every page leads to."""


_SCRIPTS = tuple(
    (language, re.compile(f"[{signs}]"))
    for language, signs in (
        ("ja", "\u3040-\u30ff"),  # Kana; its Han is no sign of Chinese.
        ("zh", "\u3400-\u4dbf\u4e00-\u9fff"),
        ("ko", "\u1100-\u11ff\uac00-\ud7af"),
        ("th", "\u0e00-\u0e7f"),
        ("el", "\u0370-\u03ff"),
        ("he", "\u0590-\u05ff"),
    )
)
"""Languages that alone are written in a script, by what tells a title of theirs."""
_LIVE = {"price", "stock", "withdrawn"}
"""What changes of an item without its being another."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of an item; empty or None is unknown.

    Attributes:
        item_id: its id.
        title: "" has the id stand for it.
        description: as the shop has it.
        category: a path, `/` between its levels.
        brand: as the shop has it.
        price: in the shop's currency.
        stock: pieces.
        image: the path of its picture below the folder of pictures.
        withdrawn: whether it is not sold any more.
        few_left: whether it will soon run out.
    """

    item_id: str
    title: str = ""
    description: str = ""
    category: str = ""
    brand: str = ""
    price: float | None = None
    stock: float | None = None
    image: str = ""
    withdrawn: bool = False
    few_left: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return self.title or self.item_id

    @property
    def sold_out(self) -> bool:
        """Whether it is known that there is none."""
        return self.stock is not None and self.stock <= 0

    @property
    def gone(self) -> bool:
        """Whether it can't be had."""
        return self.withdrawn or self.sold_out

    def now(self, told: Mapping[str, Any], left: float | None) -> Facts:
        """As it is now.

        Args:
            told: what was told of it since, by field; its own texts stay.
            left: what lay there when it was found to be low; None where it wasn't. More than that is a delivery since.
        """
        lacking = {name for name in told if not getattr(self, name)}
        facts = dataclasses.replace(self, **{name: told[name] for name in told if name in _LIVE | lacking})
        few = left is not None and not facts.gone and (facts.stock is None or facts.stock <= left)
        return dataclasses.replace(facts, few_left=few)


@dataclasses.dataclass(frozen=True)
class Person:
    """A user to shop as: the id, and how many purchases are known."""

    user_id: str
    purchases: int


class Catalogue:
    """The items of a table, by their ids."""

    def __init__(self, items: pa.Table | None = None) -> None:
        """Takes rows of the table `items`; a column that is missing is unknown of every item."""
        self._columns: dict[str, pa.ChunkedArray] = {}
        self._rows: dict[str, int] = {}
        if items is not None:
            names = {field.name for field in dataclasses.fields(Facts)} & set(items.column_names)
            names -= {"withdrawn", "few_left"}  # A run heeds neither.
            self._columns = {name: items[name] for name in sorted(names)}
            self._rows = {item: row for row, item in enumerate(items["item_id"].to_pylist())}

    def facts(self, item_id: str, titles: Mapping[str, str] | None = None) -> Facts:
        """What is known of an item; of one that the table lacks, its title among `titles`."""
        row = self._rows.get(item_id)
        if row is None:
            return Facts(item_id, (titles or {}).get(item_id, ""))
        values = {name: column[row].as_py() for name, column in self._columns.items()}
        return Facts(**{name: value for name, value in values.items() if _is_known(value)})

    @functools.cached_property
    def departments(self) -> list[str]:
        """The first levels of the categories that have the most items."""
        paths = self._columns["category"].to_pylist() if "category" in self._columns else []
        counts = Counter(path.split("/")[0] for path in paths if path)
        return [name for name, _ in counts.most_common(DEPARTMENTS)]

    @functools.cached_property
    def language(self) -> str:
        """Of most titles (BCP 47), where their script tells it; "" where many languages are written so."""
        titles = [title for title in self._columns["title"].to_pylist() if title] if self._rows else []
        for language, script in _SCRIPTS:
            if 2 * sum(script.search(title) is not None for title in titles) > len(titles):
                return language
        return ""

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._rows


def read_catalogue(tables: pathlib.Path) -> Catalogue:
    """The items of a folder of cleaned tables; raises OSError and pa.ArrowException."""
    return Catalogue(pq.read_table(tables / f"{ITEMS.name}.parquet"))


def read_people(tables: pathlib.Path) -> list[Person]:
    """The users of the most purchases, the first one first; none where no events are known."""
    path = tables / f"{EVENTS.name}.parquet"
    if not path.is_file():
        return []
    bought = pq.read_table(path, columns=["user_id"], filters=[("event", "=", PURCHASE.name)])["user_id"]
    counts = pc.value_counts(bought.combine_chunks()).to_pylist()
    known = [(-one["counts"], one["values"]) for one in counts if one["values"]]
    return [Person(user, -count) for count, user in sorted(known)[:SAMPLE]]


def read_bought(tables: pathlib.Path, user_id: str) -> list[str]:
    """The items that a user bought, each once, the last one first; none where no events are known."""
    path = tables / f"{EVENTS.name}.parquet"
    if not path.is_file():
        return []
    theirs = [("event", "=", PURCHASE.name), ("user_id", "=", user_id)]
    bought = pq.read_table(path, columns=["item_id", "timestamp"], filters=theirs)
    return list(dict.fromkeys(bought.sort_by([("timestamp", "descending")])["item_id"].to_pylist()))


def _is_known(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
