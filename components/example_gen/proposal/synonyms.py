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
    *("ref", "reference", "codigo", "product_sku", "movieid", "isbn", "ean", "gtin"),
    *("商品id", "商品编号", "商品编码", "商品号", "货号", "宝贝id", "物品id", "商品sku", "商品", "编号"),
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
    ),
    *("用户id", "用户编号", "用户", "会员id", "会员编号", "会员号", "会员", "顾客id", "顾客编号", "顾客"),
    *("客户id", "客户编号", "客户", "买家id", "买家"),
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
    *("查询", "查询词", "搜索词", "搜索关键词", "关键词", "关键字"),
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
    *("价格", "商品价格", "售价", "单价", "销售价", "金额"),
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
            *("titre", "titulo", "product_title", "productdisplayname", "description"),
            *("标题", "商品名称", "商品名", "商品标题", "宝贝标题", "品名", "书名", "名称"),
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
            *("details", "text", "summary", "描述", "商品描述", "商品详情", "详情", "简介"),
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
            *("categorie", "categoria", "category path", "main category", "google product category"),
            *("类目", "商品类目", "分类", "商品分类", "类别", "品类"),
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
            *("品牌", "商品品牌", "厂家"),
        ),
        "price": _PRICE,
        "available_at": (
            "available from",
            "created at",
            "published at",
            "launch date",
            "release date",
            "date added",
            *("上架时间", "上架日期"),
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
            *("bestand", "available", "库存", "库存量", "库存数量"),
        ),
    },
    "users": {
        "user_id": (*_USER_ID, "id"),
        "country": ("country code", "land", "pays", "pais", "nation", "国家"),
        "age": ("years", "alter", "edad", "年龄"),
        "gender": ("sex", "geschlecht", "sexe", "性别"),
        "joined_at": (
            "created at",
            "registered at",
            "signup date",
            "joined",
            "registration date",
            "member since",
            *("注册时间", "注册日期"),
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
            *("ts", "occurred at", "datum", "zeit", "fecha", "visit time", "unixreviewtime"),
            *("时间", "时间戳", "行为时间", "事件时间", "操作时间", "下单时间", "订单时间", "日期"),
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
            *("behavior type", "ereignis", "行为", "行为类型", "事件", "事件类型", "操作"),
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
            *("会话id", "会话", "订单号", "订单编号", "订单id"),
        ),
        "query": _QUERY,
        "position": ("rank", "pos", "slot", "index", "位置", "排名"),
        "quantity": ("qty", "count", "units", "menge", "anzahl", "cantidad", "数量", "购买数量", "件数"),
        "price": _PRICE,
        "rating": ("stars", "score", "overall", "rate", "bewertung", "评分", "星级"),
        "text": ("review", "review text", "comment", "body", "reviewtext", "评论", "评论内容", "评价内容"),
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
            *("相关性", "相关度"),
        ),
    },
    "stock": {
        "item_id": _ITEM_ID,
        "on_hand": (
            *("quantity on hand", "qty on hand", "stock on hand", "stock", "in stock", "stock level"),
            *("stock quantity", "inventory quantity", "available quantity", "available", "inventory"),
            *("lagerbestand", "bestand", "existencias", "库存", "库存量", "库存数量"),
        ),
        "on_order": (
            *("quantity on order", "qty on order", "incoming", "inbound", "ordered", "bestellt"),
            *("在途", "在途数量"),
        ),
        "as_of": (
            "snapshot date",
            "counted at",
            "inventory date",
            "stock date",
            "updated at",
            "date",
            "stand",
            *("盘点日期", "更新时间", "日期"),
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
        "starts_at": ("start", "start date", "start time", "begin", "beginn", "开始时间", "开始日期"),
        "ends_at": ("end", "end date", "end time", "ende", "结束时间", "结束日期"),
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
