"""`aisle reviews`: what a shop's reviews say."""

from __future__ import annotations

import click

from aisle.cli.inventory.options import CONFIG, OUT, SET, SHOP


@click.command()
@SHOP
@OUT
@click.option("--item", help="Say what the reviews of this item come to.")
@click.option("--conflicts", is_flag=True, help="List the reviews whose stars and words say opposite things.")
@CONFIG
@SET
def reviews(
    shop: str,
    out: str,
    item: str | None,
    conflicts: bool,
    config_file: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Learn from the ratings of the reviews in SHOP what their words say: of items, of aspects, and what changed."""
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.config import load_config
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout
    from aisle.pipeline.reviews.shop import read_reviews

    config = load_config(config_file, assignments)
    check_out(out)
    folder = Layout(out).reviews
    read = read_reviews(shop, folder, config)
    read.check(item)
    quieten_tensorflow()
    from aisle.pipeline.reviews.files import write

    told = write(read, config, folder, Layout(out).reports)
    if conflicts:
        for line in told.conflicts():
            click.echo(line)
    if item is not None:
        for line in told.of(item):
            click.echo(line)
    click.echo(
        f"{len(read.written.reviews):,} reviews of {told.items:,} items; judged by models of others, {told.accuracy:.1%} of "
        f"{told.known:,} known ones are right"
    )
    for line in told.rises():
        click.echo(line)
    click.echo(f"tables in {folder}; report: {told.page}")
