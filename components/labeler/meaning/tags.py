"""Tags of items: the words of their titles that tell their category from the others."""

from __future__ import annotations

import polars as pl

from aisle.components.labeler.meaning.categories import category_levels
from aisle.components.labeler.options import LabelerOptions

_LEAST_LETTERS = 3
_LEAST_LIFT = 2.0
"""How many times as frequent in its category as in the shop a tag must be."""
_MOST_TITLES = 0.1
"""The same where the shop has one category or none: a word in more titles than this share tells nothing."""
_LEAST_COSINE = 0.5
"""How far the titles of two words must be the same ones for the pair to be a tag."""
_TOKENS = r"[\p{L}\p{N}]+|[,;:.!?()/|]"
"""Words, and what ends a phrase."""
_IS_WORD = r"^[\p{L}\p{N}]"


def item_tags(items: pl.DataFrame, options: LabelerOptions) -> pl.DataFrame:
    """Tags items with the informative words and pairs of words of their titles.

    A word is scored for a category by TF-IDF: the share of the category's titles that have it, times the
    logarithm of how rare it is in all titles. It may be a tag where it has three letters or more, is in at
    least `tag_items` titles of the shop, and is at least twice as frequent in the category as in the shop
    (in a shop without categories: in at most a tenth of the titles). So may two words in a row, without a
    number or a comma between, that mostly come together; a word in no more titles than such a pair gives
    way to it. An item gets the `tags_per_item` best of its title for the deepest category it is in.

    Args:
        items: `item_id`, `title` and, where the shop has one, `category`.
        options: how many.

    Returns:
        Columns item_id, tag, score, by item (in the order of `items`) and score.
    """
    deepest = category_levels(items).sort("level").group_by("item_id").agg(pl.col("category").last())
    known = items.select("item_id", pl.col("title").fill_null("")).with_row_index("row")
    known = known.join(
        deepest.rename({"category": "leaf"}), on="item_id", how="left", maintain_order="left"
    ).with_columns(pl.col("leaf").fill_null(""))
    grams = _grams(known)
    in_shop = grams.group_by("tag", "first", "second").agg(pl.len().alias("titles"))
    in_shop = _candidates(in_shop.filter(pl.col("titles") >= options.tag_items))
    in_leaf = grams.group_by("leaf", "tag").agg(pl.len().alias("leaf_titles"))
    sizes = known.group_by("leaf").agg(pl.len().alias("leaf_size"))
    share, everywhere = pl.col("leaf_titles") / pl.col("leaf_size"), pl.col("titles") / len(items)
    telling = share >= _LEAST_LIFT * everywhere if sizes.height > 1 else everywhere <= _MOST_TITLES
    scored = (
        in_leaf.join(in_shop, on="tag")
        .join(sizes, on="leaf")
        .filter(telling)
        .select("leaf", "tag", (-share * everywhere.log()).alias("score"))
    )
    return (
        grams.select("row", "item_id", "leaf", "tag")
        .join(scored, on=["leaf", "tag"])
        .sort("row", "score", "tag", descending=[False, True, False])
        .group_by("row", "item_id", maintain_order=True)
        .agg(pl.col("tag").head(options.tags_per_item), pl.col("score").head(options.tags_per_item))
        .explode("tag", "score")
        .select("item_id", "tag", "score")
    )


def _grams(known: pl.DataFrame) -> pl.DataFrame:
    """The distinct words and pairs of words of each title: row, item_id, leaf, tag, first, second."""
    tokens = (
        known.with_columns(pl.col("title").str.to_lowercase().str.extract_all(_TOKENS).alias("first"))
        .drop("title")
        .explode("first")
        .with_columns(pl.col("first").shift(-1).over("row").alias("second"))
        .filter(pl.col("first").str.contains(_IS_WORD))
    )
    single = tokens.with_columns(pl.col("first").alias("tag"), pl.lit(None, pl.String).alias("second"))
    pairs = tokens.filter(
        pl.col("second").str.contains(_IS_WORD),
        ~(pl.col("first") + pl.col("second")).str.contains(r"\p{N}"),
    ).with_columns(pl.concat_str("first", "second", separator=" ").alias("tag"))
    columns = ["row", "item_id", "leaf", "tag", "first", "second"]
    return pl.concat([single.select(columns), pairs.select(columns)]).unique(["row", "tag"])


def _candidates(in_shop: pl.DataFrame) -> pl.DataFrame:
    """The pairs that mostly come together, and the words that say more than such a pair."""
    words = in_shop.filter(pl.col("second").is_null()).select("tag", "titles")
    pairs = in_shop.filter(pl.col("second").is_not_null())
    for part in ("first", "second"):
        pairs = pairs.join(words.rename({"tag": part, "titles": part + "_titles"}), on=part)
    product = (pl.col("first_titles") * pl.col("second_titles")).cast(pl.Float64)
    pairs = pairs.filter(pl.col("titles") / product.sqrt() >= _LEAST_COSINE)
    parts = pl.concat([pairs.select(pl.col(part).alias("tag"), "titles") for part in ("first", "second")])
    tag = pl.col("tag")
    good = words.filter((tag.str.len_chars() >= _LEAST_LETTERS) & ~tag.str.contains(r"^\p{N}+$"))
    return pl.concat([good.join(parts, on=["tag", "titles"], how="anti"), pairs.select("tag", "titles")])
