"""`aisle ads campaigns`: the campaigns of a shop as a gateway reads them, without a run."""

from __future__ import annotations

import click

from aisle.cli.run import CONFIG, SET


@click.command()
@click.argument("shop", type=click.Path())
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Folder of the run; the campaigns go to OUT/ads/campaigns.parquet.")  # fmt: skip
@CONFIG
@SET
def campaigns(shop: str, out: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Read and clean the table campaigns of SHOP, CSV or Parquet, as a run does, for `aisle gateway --campaigns`."""
    import time

    import polars as pl

    from aisle.ads import table
    from aisle.ads.unsold import unsold
    from aisle.cli.ads.tables import cleaned_campaigns
    from aisle.components.cleaner.campaigns.export import write_campaigns
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout
    from aisle.schema.tables import CAMPAIGNS

    check_out(out)
    cleaned = cleaned_campaigns(shop, config_file, assignments)
    rows = cleaned.tables[CAMPAIGNS.name]
    path = write_campaigns(rows, Layout(out).ads)
    click.echo(f"campaigns: {rows.num_rows:,} in {path}")
    refused = pl.DataFrame(pl.from_arrow(cleaned.quarantine)).filter(pl.col("table") == CAMPAIGNS.name)
    for reason, count in refused["reason"].value_counts(sort=True).iter_rows():
        click.echo(f"not among them: {count:,} ({reason})")
    if told := unsold(table.campaigns(rows.to_pylist()), int(time.time() * 1e6)):
        click.echo(told)
