"""Ids that are no products: those the options name, and those that sell as no product of this shop does."""

from __future__ import annotations

import dataclasses
import math

import polars as pl

from aisle.components.cleaner.options import CleanerOptions

_OWN_PRICES = 0.4
"""The share of sales with a price that no other sale has, from which on a price is typed in, not looked up."""
_MOST_ODD = 0.05
"""Where a larger share of the ids is priced so, it is how the shop sells. Of the forms of ids: what is usual."""
_PRODUCTS = 20
"""So many products that sell often say what is usual for a product."""
_MOST = 0.99
"""What nearly all products stay below."""
_SINGLY, _TOGETHER = 0.95, 0.9
"""The share of an id's sales of one piece that is odd, where nearly all products have less than the second one."""
_MOST_RETURNS = 10
"""So many returns, if they are more than the sales, are no bad luck."""
_CHANCE, _KNOWN = 0.001, 0.75
"""What is less likely didn't come by chance; five sales at least where more customers than this share are known."""


@dataclasses.dataclass(frozen=True)
class NoProducts:
    """What tells the ids that are no products.

    Attributes:
        stated: the pattern of those that the options name; "" where they name none.
        usual: the forms (`form`) that the catalogue's ids have.
        unlike: ids of another form that sell as no product does.
        by_hand: ids whose prices are typed in.
    """

    stated: str
    usual: pl.Series
    unlike: pl.Series
    by_hand: pl.Series

    @classmethod
    def find(cls, ids: pl.Series, sold: pl.DataFrame, options: CleanerOptions) -> NoProducts:
        """Finds them by the options and by what this shop's own data show.

        Args:
            ids: of the catalogue.
            sold: how each id sells, see `selling`.
            options: patterns, and how often an id must be sold to be judged.
        """
        stated = "^(?:" + "|".join(options.non_product) + ")$" if options.non_product else ""
        usual = _usual_forms(ids)
        odd = sold.select(~form(pl.col("item_id")).is_in(usual.implode())).to_series()
        unlike, by_hand = unlike_products(sold, odd, options), priced_by_hand(sold, options)
        return cls(stated, usual, unlike, by_hand)

    def has_odd_form(self) -> pl.Expr:
        """Says of `item_id` whether hardly any item has an id of its form."""
        return ~form(pl.col("item_id")).is_in(self.usual.implode())

    def named(self) -> pl.Expr:
        """Says of `item_id` whether its code is that of no product."""
        item = pl.col("item_id")
        unlike = item.is_in(self.unlike.implode())
        return unlike | item.str.contains(self.stated) if self.stated else unlike


def form(ids: pl.Expr) -> pl.Expr:
    """Returns the form of ids: what they begin with, and whether letters, digits and signs are in them.

    `85123A` has the form of `22086B`, and `POST` has another.
    """
    parts = (r"^\p{L}", r"^\p{N}", r"\p{L}", r"\p{N}", r"[^\p{L}\p{M}\p{N}]")
    return pl.sum_horizontal(
        ids.str.contains(part).cast(pl.Int32) * 2**place for place, part in enumerate(parts)
    )


def _usual_forms(ids: pl.Series) -> pl.Series:
    forms = pl.DataFrame({"id": ids.drop_nulls().unique()}).group_by(form=form(pl.col("id"))).len()
    return forms.filter(pl.col("len") >= _MOST_ODD * pl.col("len").sum())["form"]


def priced_by_hand(sold: pl.DataFrame, options: CleanerOptions) -> pl.Series:
    """Returns the ids whose sales cost anything from a little to a lot, as postage, fees and corrections do.

    Args:
        sold: how each id sells, see `selling`.
        options: how often such an id was sold at least, and how far its prices lie apart.
    """
    none = sold["item_id"].clear()
    if not options.odd_sales:
        return none
    odd = sold.filter(
        (pl.col("sales") >= options.odd_sales)
        & (pl.col("factor") >= math.log(options.odd_factor))
        & (pl.col("prices") >= _OWN_PRICES * pl.col("sales"))
        & ~pl.col("looked")
    )["item_id"]
    return odd if len(odd) <= _MOST_ODD * len(sold.filter(pl.col("sales") > 0)) else none


def unlike_products(sold: pl.DataFrame, odd: pl.Series, options: CleanerOptions) -> pl.Series:
    """Returns the ids of an odd form that sell as nearly no product does, and that nobody looked at.

    They have more prices than any, are sold singly where products go by the dozen, come back more often than
    they are sold, cost less than zero or far less than anything else, or no customer who is known ever bought
    them or another id with the same beginning.

    Args:
        sold: how each id sells, see `selling`.
        odd: whether the id of each row has a form that hardly any item has.
        options: how often an id must be sold to be judged, and which factor between prices is odd.
    """
    products = sold.filter(~odd & (pl.col("sales") > 0))
    often, sales = pl.col("sales") >= options.odd_sales, pl.col("sales")
    usual = products.filter(often)
    if not options.odd_sales or len(usual) < _PRODUCTS:
        return sold["item_id"].clear()
    many, singly = usual.select(
        pl.col("prices").quantile(_MOST), (pl.col("singly") / sales).quantile(_MOST)
    ).row(0)
    cheapest, known = products.select(pl.col("price").min(), pl.col("customers").sum() / sales.sum()).row(0)
    many_prices = often & (pl.col("prices") > 2 * many)
    one_by_one = often & (pl.col("singly") >= _SINGLY * sales) & pl.lit(singly < _TOGETHER)
    came_back = (pl.col("returns") >= _MOST_RETURNS) & (pl.col("returns") > sales)
    no_price = (pl.col("negative") > 0) | (pl.col("price") < cheapest - math.log(options.odd_factor))
    # So many sales without a customer who is known, where so few have none, are no chance.
    beginning = pl.col("item_id").str.extract(r"^(\p{L}*)").str.to_lowercase()
    nobody = (pl.col("customers").sum() == 0) & ((1 - min(known, _KNOWN)) ** sales.sum() < _CHANCE)
    judged = sold.filter(odd).with_columns(nobody=nobody.over(beginning))
    strange = many_prices | one_by_one | came_back | no_price | pl.col("nobody")
    return judged.filter(strange & ~pl.col("looked"))["item_id"]
