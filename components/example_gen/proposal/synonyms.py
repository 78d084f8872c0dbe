"""What the columns of the tables are called elsewhere."""

from __future__ import annotations

import re

_ITEM_ID = (
    *(
        "item",
        "itemid",
        "product id",
        "productid",
        "product",
        "sku",
        "asin",
        "article",
        "article id",
        "article number",
    ),
    *(
        "artikelnummer",
        "art nr",
        "artikel",
        "stock code",
        "product code",
        "goods id",
        "variant id",
        "parent asin",
        "id",
    ),
    *("ref", "reference", "codigo", "商品id", "product_sku", "movieid", "isbn", "ean", "gtin"),
)
_USER_ID = (
    *(
        "user",
        "userid",
        "customer id",
        "customer",
        "customerid",
        "visitor id",
        "visitorid",
        "client id",
        "member id",
    ),
    *(
        "reviewer id",
        "kunde",
        "kundennummer",
        "client",
        "email",
        "uid",
        "person id",
        "anonymous id",
        "用户id",
    ),
)
_QUERY = (
    "search query",
    "search term",
    "keyword",
    "keywords",
    "search",
    "q",
    "suchbegriff",
    "query text",
    "查询",
)
_PRICE = (
    "unit price",
    "sale price",
    "regular price",
    "preis",
    "prix",
    "precio",
    "cost",
    "amount",
    "price usd",
    "价格",
)

SYNONYMS: dict[str, dict[str, tuple[str, ...]]] = {
    "items": {
        "item_id": _ITEM_ID,
        "title": (
            *(
                "name",
                "product name",
                "product title",
                "item name",
                "item title",
                "bezeichnung",
                "titel",
                "nom",
                "nombre",
            ),
            *("titre", "titulo", "标题", "商品名称", "product_title", "productdisplayname", "description"),
        ),
        "description": (
            *(
                "desc",
                "product description",
                "body",
                "body html",
                "long description",
                "short description",
                "beschreibung",
            ),
            *("details", "text", "summary", "描述"),
        ),
        "category": (
            *(
                "categories",
                "category name",
                "product category",
                "product type",
                "type",
                "department",
                "kategorie",
                "warengruppe",
            ),
            *("categorie", "categoria", "category path", "main category", "类目", "google product category"),
        ),
        "brand": (
            "vendor",
            "manufacturer",
            "maker",
            "marke",
            "hersteller",
            "marque",
            "marca",
            "brand name",
            "品牌",
        ),
        "price": _PRICE,
        "available_at": (
            "available from",
            "created at",
            "published at",
            "launch date",
            "release date",
            "date added",
        ),
        "stock": (
            *(
                "inventory",
                "qty",
                "quantity",
                "stock quantity",
                "inventory quantity",
                "in stock",
                "on hand",
                "lager",
            ),
            *("bestand", "available", "库存"),
        ),
    },
    "users": {
        "user_id": (*_USER_ID, "id"),
        "country": ("country code", "land", "pays", "pais", "nation"),
        "age": ("years", "alter", "edad"),
        "gender": ("sex", "geschlecht", "sexe"),
        "joined_at": (
            "created at",
            "registered at",
            "signup date",
            "joined",
            "registration date",
            "member since",
        ),
    },
    "events": {
        "timestamp": (
            *(
                "time",
                "date",
                "datetime",
                "event time",
                "event timestamp",
                "created at",
                "order date",
                "invoice date",
            ),
            *("ts", "occurred at", "datum", "zeit", "fecha", "visit time", "unixreviewtime", "时间"),
        ),
        "event": (
            *(
                "event type",
                "event name",
                "action",
                "behavior",
                "behaviour",
                "activity",
                "type",
                "interaction",
            ),
            *("behavior type", "ereignis", "行为"),
        ),
        "item_id": _ITEM_ID,
        "user_id": _USER_ID,
        "session_id": (
            "session",
            "sessionid",
            "visit id",
            "order id",
            "invoice",
            "invoice no",
            "basket id",
            "order number",
        ),
        "query": _QUERY,
        "position": ("rank", "pos", "slot", "index"),
        "quantity": ("qty", "count", "units", "menge", "anzahl", "cantidad", "数量"),
        "price": _PRICE,
        "rating": ("stars", "score", "overall", "rate", "bewertung"),
        "text": ("review", "review text", "comment", "body", "reviewtext"),
    },
    "judgements": {
        "query": _QUERY,
        "item_id": _ITEM_ID,
        "grade": (
            "relevance",
            "label",
            "score",
            "judgement",
            "judgment",
            "rating",
            "gain",
            "relevance score",
        ),
    },
    "stock": {
        "item_id": _ITEM_ID,
        "on_hand": (
            *("quantity on hand", "qty on hand", "stock on hand", "stock", "in stock", "stock level"),
            *("stock quantity", "inventory quantity", "available quantity", "available", "inventory"),
            *("lagerbestand", "bestand", "existencias", "库存"),
        ),
        "on_order": ("quantity on order", "qty on order", "incoming", "inbound", "ordered", "bestellt"),
        "as_of": (
            "snapshot date",
            "counted at",
            "inventory date",
            "stock date",
            "updated at",
            "date",
            "stand",
        ),
    },
    "campaigns": {
        "campaign_id": (
            "campaign",
            "campaignid",
            "ad id",
            "ad",
            "ad group id",
            "kampagne",
            "campaña",
            "广告id",
        ),
        "advertiser_id": ("advertiser", "advertiserid", "account id", "seller id", "vendor id", "werbekunde"),
        "item_id": _ITEM_ID,
        "category": ("product category", "category path", "kategorie", "类目"),
        "query": _QUERY,
        "bid": ("bid micros", "max bid", "bid amount", "cpc bid micros", "gebot", "出价"),
        "bid_kind": ("bid type", "pricing model", "billing event", "bidding strategy", "cost type"),
        "budget": ("budget micros", "total budget", "amount micros", "lifetime budget", "预算"),
        "starts_at": ("start", "start date", "start time", "begin", "beginn", "开始时间"),
        "ends_at": ("end", "end date", "end time", "ende", "结束时间"),
        "frequency_cap": ("frequency", "max impressions", "impressions cap"),
        "currency": ("currency code", "waehrung", "货币"),
    },
    "supply": {
        "item_id": _ITEM_ID,
        "lead_time_days": ("lead time", "lead time in days", "leadtime", "delivery days", "lieferzeit"),
        "lead_time_sd": ("lead time deviation", "lead time standard deviation", "lead time std"),
        "pack_size": ("pack", "case pack", "case size", "carton quantity", "order multiple", "vpe"),
        "min_order": ("moq", "minimum order quantity", "minimum order", "mindestbestellmenge"),
        "unit_cost": ("cost", "cost price", "purchase price", "unit price", "einkaufspreis"),
        "holding_rate": ("holding cost rate", "carrying rate", "carrying cost rate"),
        "review_days": ("review period", "review period days", "order cycle", "order cycle days"),
    },
}
"""By table and our column, the surest first; case, blanks and punctuation don't matter."""


def folded(name: str) -> str:
    """A header as it is compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


def place(table: str, column: str, header: str) -> int | None:
    """How sure a header is a column's name: 0 is our own name, larger is less sure, None is no name of it."""
    names = [folded(column), *(folded(name) for name in SYNONYMS[table].get(column, ()))]
    return names.index(folded(header)) if folded(header) in names else None
