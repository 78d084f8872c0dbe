"""What a visitor searches for, as a page's address says it."""

from __future__ import annotations

import dataclasses
import math
import urllib.parse
from typing import Any

from starlette.datastructures import QueryParams

from aisle.gateway.events import MAX_TEXT
from aisle.gateway.pages.visitors import Visitor
from aisle.gateway.questions import MAX_K, Search

PAGE = 24
"""Items of a page."""
LAST_PAGE = (MAX_K - 1) // PAGE
MAX_BRANDS = 100
MAX_QUERY = 256
"""Characters of a query: it stands in many links of its page."""


@dataclasses.dataclass(frozen=True)
class Looking:
    """A search; what can't be read of it counts as absent, since a person typed it.

    Attributes:
        query: as typed; "" lists everything that passes.
        category: a path.
        brands: any of them.
        price_min: the lowest price; None is open.
        price_max: the highest.
        in_stock: leaves out what is sold out.
        page: from 1.
    """

    query: str = ""
    category: str = ""
    brands: tuple[str, ...] = ()
    price_min: float | None = None
    price_max: float | None = None
    in_stock: bool = False
    page: int = 1

    @classmethod
    def of(cls, params: QueryParams) -> Looking:
        """Reads an address; prices that came the wrong way round are turned."""
        prices = [_price(params.get(name, "")) for name in ("price_min", "price_max")]
        low, high = sorted(prices) if None not in prices else prices  # type: ignore[type-var]
        page = params.get("page", "")
        return cls(
            " ".join(params.get("q", "").split())[:MAX_QUERY],
            params.get("category", "")[:MAX_TEXT],
            tuple(dict.fromkeys(brand[:MAX_TEXT] for brand in params.getlist("brand") if brand))[:MAX_BRANDS],
            low,
            high,
            params.get("in_stock", "") not in ("", "0"),
            min(max(int(page), 1), LAST_PAGE) if page.isdecimal() and len(page) < 9 else 1,
        )

    def asked(self, visitor: Visitor) -> Search:
        """The gateway's question, for one item more than the pages up to this one hold."""
        return Search(
            user_id=visitor.user_id,
            session_id=visitor.session_id,
            k=self.page * PAGE + 1,
            query=self.query,
            category=self.category,
            brand=list(self.brands),
            in_stock=self.in_stock,
            price_min=self.price_min,
            price_max=self.price_max,
            facets=True,
        )

    @property
    def narrowed(self) -> bool:
        """Whether more than the query narrows it."""
        return self != Looking(self.query, page=self.page)

    def url(self, **changes: Any) -> str:
        """The address of this search with changes, from its first page on where they name none."""
        new = dataclasses.replace(self, **{"page": 1, **changes})
        said: list[tuple[str, str]] = [("q", new.query), ("category", new.category)]
        said += [("brand", brand) for brand in new.brands]
        prices = (("price_min", new.price_min), ("price_max", new.price_max))
        said += [(name, f"{price:.15g}") for name, price in prices if price is not None]
        said += [("in_stock", "1" if new.in_stock else ""), ("page", str(new.page) if new.page > 1 else "")]
        return "/search?" + urllib.parse.urlencode([(name, value) for name, value in said if value])

    def with_brand(self, brand: str) -> str:
        """The address with a brand added, or taken away where it is there."""
        others = tuple(one for one in self.brands if one != brand)
        return self.url(brands=others if len(others) < len(self.brands) else (*self.brands, brand))


def _price(came: str) -> float | None:
    try:
        price = float(came.replace(",", "."))
    except ValueError:
        return None
    return price if math.isfinite(price) and 0 <= price <= 1e12 else None
