"""Small exports in the form that each preset's tool publishes, with what they mean in our tables."""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, object]
Meaning = dict[str, list[dict[str, object]]]
"""By table, the rows that are expected, of some of their columns."""


def _csv(path: pathlib.Path, header: str, rows: Sequence[Row], separator: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, header.split("|"), restval="", delimiter=separator, lineterminator="\r\n"
        )
        writer.writeheader()
        writer.writerows(rows)


_SHOPIFY_PRODUCTS = (
    "Handle|Title|Body (HTML)|Vendor|Product Category|Type|Tags|Published|Option1 Name|Option1 Value|Option2 Name|"
    "Option2 Value|Option3 Name|Option3 Value|Variant SKU|Variant Grams|Variant Inventory Tracker|Variant Inventory Qty|"
    "Variant Inventory Policy|Variant Fulfillment Service|Variant Price|Variant Compare At Price|"
    "Variant Requires Shipping|Variant Taxable|Variant Barcode|Image Src|Image Position|Image Alt Text|Gift Card|"
    "SEO Title|SEO Description|Variant Image|Variant Weight Unit|Cost per item|Status"
)
_SHOPIFY_ORDERS = (
    "Name|Email|Financial Status|Paid at|Fulfillment Status|Fulfilled at|Accepts Marketing|Currency|Subtotal|Shipping|"
    "Taxes|Total|Discount Code|Discount Amount|Shipping Method|Created at|Lineitem quantity|Lineitem name|Lineitem price|"
    "Lineitem compare at price|Lineitem sku|Lineitem requires shipping|Lineitem taxable|Lineitem fulfillment status|"
    "Billing Name|Billing City|Billing Country|Vendor|Id|Tags|Source"
)


def shopify(folder: pathlib.Path) -> Meaning:
    """Products with variants and pictures, and orders of several lines."""
    mug = {"Handle": "mug", "Variant SKU": "MUG-R", "Variant Price": "9.50", "Variant Inventory Qty": 3}
    first = {
        "Title": "Mug",
        "Body (HTML)": "<p>A mug</p>",
        "Vendor": "Potter",
        "Product Category": "Home > Mugs",
    }
    _csv(
        folder / "products_export_1.csv",
        _SHOPIFY_PRODUCTS,
        [
            {**mug, **first, "Option1 Value": "Red", "Image Src": "https://x/1.jpg", "Status": "active"},
            {**mug, "Variant SKU": "MUG-B", "Variant Price": "9.90", "Option1 Value": "Blue"},
            {"Handle": "mug", "Image Src": "https://x/2.jpg", "Image Position": 2},
            {**mug, **first, "Handle": "old", "Title": "Old mug", "Variant SKU": "OLD", "Status": "archived"},
        ],
    )
    line = {"Name": "#1001", "Created at": "2024-02-26 09:11:44 -0500", "Lineitem quantity": 2}
    _csv(
        folder / "orders_export_1.csv",
        _SHOPIFY_ORDERS,
        [
            {
                **line, "Email": "ann@x.org", "Financial Status": "paid", "Currency": "USD", "Lineitem name": "Mug - Red",
                "Lineitem price": "9.50", "Lineitem sku": "MUG-R",
            },
            {**line, "Lineitem name": "Mug - Blue", "Lineitem price": "9.90", "Lineitem sku": "MUG-B"},
            {**line, "Name": "#1002", "Financial Status": "voided", "Lineitem sku": "MUG-B"},
        ],
    )  # fmt: skip
    moment = 1708956704_000000
    bought = {
        "timestamp": moment,
        "event": "purchase",
        "user_id": "ann@x.org",
        "session_id": "#1001",
        "quantity": 2,
    }
    return {
        "items": [
            {
                "item_id": "MUG-R", "title": "Mug", "description": "<p>A mug</p>", "brand": "Potter",
                "category": "Home > Mugs", "price": 9.5, "stock": 3,
            },
            {
                "item_id": "MUG-B", "title": "Mug", "description": "<p>A mug</p>", "brand": "Potter",
                "category": "Home > Mugs", "price": 9.9, "stock": 3,
            },
        ],
        "events": [
            {**bought, "item_id": "MUG-R", "price": 9.5},
            {**bought, "item_id": "MUG-B", "price": 9.9},
        ],
    }  # fmt: skip


def woocommerce(folder: pathlib.Path) -> Meaning:
    """Products as WooCommerce's own exporter writes them, and orders of a line an item."""
    header = (
        "ID|Type|SKU|GTIN, UPC, EAN, or ISBN|Name|Published|Is featured?|Visibility in catalog|Short description|"
        "Description|Date sale price starts|Date sale price ends|Tax status|Tax class|In stock?|Stock|Low stock amount|"
        "Backorders allowed?|Sold individually?|Weight (kg)|Allow customer reviews?|Purchase note|Sale price|"
        "Regular price|Categories|Tags|Shipping class|Images|Parent|Brands"
    )
    hoodie = {
        "ID": 44,
        "Type": "simple",
        "SKU": "hoodie",
        "Name": "Hoodie",
        "Published": 1,
        "Categories": "Clothing > Hoodies",
    }
    _csv(
        folder / "wc-product-export-1-3-2025-1740790611.csv",
        header,
        [
            {**hoodie, "Short description": "Warm", "Regular price": "45", "Sale price": "42", "Stock": 5},
            {**hoodie, "ID": 45, "SKU": "cap", "Name": "Cap", "Regular price": "16"},
            {**hoodie, "ID": 46, "SKU": "draft", "Name": "Not yet", "Published": 0},
        ],
    )
    _csv(
        folder / "orders-2025-03-01.csv",
        "Order Number|Order Status|Order Date|Email (Billing)|SKU|Item Name|Quantity (- Refund)|Item Cost",
        [
            {
                "Order Number": 7, "Order Status": "Completed", "Order Date": "2025-03-01 00:56", "SKU": "cap",
                "Email (Billing)": "ann@x.org", "Quantity (- Refund)": 1, "Item Cost": 16,
            },
            {"Order Number": 8, "Order Status": "Cancelled", "Order Date": "2025-03-01 00:57", "SKU": "cap"},
        ],
    )  # fmt: skip
    return {
        "items": [
            {"item_id": "hoodie", "title": "Hoodie", "description": "Warm", "category": "Clothing > Hoodies", "price": 42.0},
            {"item_id": "cap", "title": "Cap", "description": None, "category": "Clothing > Hoodies", "price": 16.0},
        ],
        "events": [
            {
                "timestamp": 1740790560_000000, "event": "purchase", "item_id": "cap", "user_id": "ann@x.org",
                "session_id": "7", "quantity": 1, "price": 16.0,
            }
        ],
    }  # fmt: skip


def google_merchant(folder: pathlib.Path) -> Meaning:
    """A feed as Google's help shows it; events are another tool's."""
    (folder / "product_feed.xml").write_text(
        """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel>
<title>Example - Google Store</title>
<link>https://store.google.com</link>
<description>This is an example of a basic RSS 2.0 document containing a single item</description>
<item>
<g:id>TV_123456</g:id>
<g:title>Google Chromecast with Google TV</g:title>
<g:description>Chromecast with Google TV brings you the entertainment you love, in up to 4K HDR</g:description>
<g:link>https://store.google.com/product/chromecast_google_tv</g:link>
<g:condition>new</g:condition>
<g:availability>in stock</g:availability>
<g:price>1,049.99 USD</g:price>
<g:shipping><g:country>US</g:country><g:service>Standard</g:service><g:price>4.95 USD</g:price></g:shipping>
<g:brand>Google</g:brand>
<g:google_product_category>Electronics &gt; Video &gt; Video Accessories</g:google_product_category>
</item>
</channel>
</rss>
""",
        encoding="utf-8",
    )
    (folder / "events.csv").write_text(
        "timestamp,event,item_id\n2025-03-01 00:56:51,view,TV_123456\n", encoding="utf-8"
    )
    return {
        "items": [
            {
                "item_id": "TV_123456", "title": "Google Chromecast with Google TV", "brand": "Google", "price": 1049.99,
                "category": "Electronics > Video > Video Accessories",
            }
        ]
    }  # fmt: skip


def retailrocket(folder: pathlib.Path) -> Meaning:
    """The first lines of its events; items are the shop's own."""
    (folder / "events.csv").write_text(
        "timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,257597,view,355908,\n"
        "1433224214164,992329,addtocart,248676,\n"
        "1433222276276,599528,transaction,356475,4000\n",
        encoding="utf-8",
    )
    (folder / "items.csv").write_text("item_id,title\n355908,Mug\n248676,Cup\n356475,Pot\n", encoding="utf-8")
    return {
        "events": [
            {"timestamp": 1433221332117000, "event": "click", "item_id": "355908", "user_id": "257597"},
            {"timestamp": 1433224214164000, "event": "cart", "item_id": "248676", "user_id": "992329"},
            {"timestamp": 1433222276276000, "event": "purchase", "item_id": "356475", "user_id": "599528"},
        ]
    }


def segment(folder: pathlib.Path) -> Meaning:
    """Warehouse tables, one an event; an order's products are JSON in a cell."""
    common = "id|received_at|anonymous_id|user_id|timestamp|event|event_text|"
    event = {
        "id": "m1",
        "anonymous_id": "anon",
        "timestamp": "2025-03-01 00:56:51.25 UTC",
        "received_at": "2025-03-01 00:56:52 UTC",
    }
    _csv(
        folder / "product_viewed.csv",
        common + "product_id|price|position",
        [
            {
                **event,
                "event": "product_viewed",
                "event_text": "Product Viewed",
                "product_id": "p1",
                "price": 18.99,
                "position": 3,
            }
        ],
    )
    _csv(
        folder / "order_completed.csv",
        common + "order_id|products",
        [
            {
                **event, "user_id": "u1", "event": "order_completed", "event_text": "Order Completed", "order_id": "o1",
                "products": '[{"product_id":"p1","price":18.99,"quantity":2},{"product_id":"p2","price":5,"quantity":1}]',
            }
        ],
    )  # fmt: skip
    (folder / "items.csv").write_text("item_id,title\np1,Mug\np2,Cup\n", encoding="utf-8")
    moment = 1740790611_250000
    bought = {"timestamp": moment, "event": "purchase", "user_id": "u1"}
    return {
        "events": [
            {
                "timestamp": moment, "event": "click", "item_id": "p1", "user_id": "anon", "price": 18.99,
                "position": 3, "quantity": None,
            },
            {**bought, "item_id": "p1", "price": 18.99, "position": None, "quantity": 2},
            {**bought, "item_id": "p2", "price": 5.0, "position": None, "quantity": 1},
        ]
    }  # fmt: skip


def ga4(folder: pathlib.Path) -> Meaning:
    """A day of the export to BigQuery, as Parquet: an event a row, items and parameters in lists."""
    value = pa.struct(
        [("string_value", pa.string()), ("int_value", pa.int64()), ("double_value", pa.float64())]
    )
    item = pa.struct(
        [
            ("item_id", pa.string()),
            ("item_name", pa.string()),
            ("price", pa.float64()),
            ("quantity", pa.int64()),
        ]
    )
    schema = pa.schema(
        [
            ("event_date", pa.string()),
            ("event_timestamp", pa.int64()),
            ("event_name", pa.string()),
            ("event_params", pa.list_(pa.struct([("key", pa.string()), ("value", value)]))),
            ("user_id", pa.string()),
            ("user_pseudo_id", pa.string()),
            ("geo", pa.struct([("country", pa.string())])),
            ("items", pa.list_(item)),
        ]
    )
    mug = {"item_id": "mug", "item_name": "Mug", "price": 9.5, "quantity": 2}
    session = [
        {"key": "page", "value": {"string_value": "/"}},
        {"key": "ga_session_id", "value": {"int_value": 99}},
    ]
    event = {
        "event_date": "20250301", "event_timestamp": 1740790611250000, "event_params": session, "user_pseudo_id": "1.2",
        "geo": {"country": "DE"}, "items": [mug],
    }  # fmt: skip
    rows = [
        {**event, "event_name": "page_view", "items": []},
        {**event, "event_name": "view_item"},
        {**event, "event_name": "purchase", "user_id": "ann", "items": [mug, {**mug, "item_id": "cup"}]},
        {**event, "event_name": "refund", "event_params": []},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "events_20250301.parquet")
    (folder / "items.csv").write_text("item_id,title\nmug,Mug\ncup,Cup\n", encoding="utf-8")
    meant = {"timestamp": 1740790611250000, "user_id": "1.2", "session_id": "99", "price": 9.5, "quantity": 2}
    return {
        "events": [
            {**meant, "event": "click", "item_id": "mug"},
            {**meant, "event": "purchase", "item_id": "mug", "user_id": "ann"},
            {**meant, "event": "purchase", "item_id": "cup", "user_id": "ann"},
            {**meant, "event": "return", "item_id": "mug", "session_id": None},
        ]
    }


EXPORTS: dict[str, Callable[[pathlib.Path], Meaning]] = {
    "ga4": ga4,
    "google-merchant": google_merchant,
    "retailrocket": retailrocket,
    "segment": segment,
    "shopify": shopify,
    "woocommerce": woocommerce,
}
