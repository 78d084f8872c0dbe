"""`aisle ads report`: revenue, spend against plan, prices, calibration, and what relevance was given up."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--out", default="out", show_default=True, type=click.Path(),
    help="The folder that `aisle ads simulate` or `aisle ads replay` wrote to.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(out: str, as_json: bool) -> None:
    """Say what was sold, to whom and for how much, and write reports/ads.html, .json and .md."""
    from aisle.cli.ads.files import read_sales
    from aisle.cli.ads.summary import summarise
    from aisle.components.reports.ads import headline, write_ads
    from aisle.components.reports.publish import as_json as as_text
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    check_out(out)
    found = summarise(read_sales(Layout(out).ads))
    page = write_ads(found, Layout(out).reports)
    click.echo(as_text(found) if as_json else f"{headline(found)}; report: {page}")
