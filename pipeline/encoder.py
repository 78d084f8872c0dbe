"""Which BERT reads a shop's texts, where no setting says it: the English one, or the multilingual one made for the shop."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import tempfile

import click

from aisle.components.example_gen.shop_texts import shop_texts, shop_titles
from aisle.model.text.bert import Tokenizer
from aisle.model.text.multilingual import prepare
from aisle.model.text.packed_e5 import INSTALL, packed_file
from aisle.model.text.unread import unread_share
from aisle.pipeline.config import Config
from aisle.schema.bert.weights import BERT_VARIABLE, bert_folder
from aisle.schema.errors import InputError

_PREFIX = "multilingual-"
_LOOKED_AT = 20_000
"""Titles, or up to twice as many, that are enough to know what share of them a BERT can read."""


@dataclasses.dataclass(frozen=True)
class Reader:
    """What reads a shop's texts.

    Attributes:
        config: of the run, with its folder as `model.bert`.
        unread: the share of the titles' pieces that say nothing to it, 0 to 1.
    """

    config: Config
    unread: float


def choose_reader(config: Config, data: str, tables: str, folder: str) -> Reader:
    """Chooses the BERT, and says so where it is not the English one or can't read.

    A folder that the settings or `AISLE_BERT` name is taken as it is. Otherwise it is the installed English one, unless
    more than `gate.max_unread_share` of the titles' pieces say nothing to it: then the multilingual one is prepared for the
    shop, where its package is installed.

    Args:
        config: of the run.
        data: the folder of the tables.
        tables: what their content is known by; while it is the same, what was prepared is used again.
        folder: for what is prepared.

    Raises:
        InputError: a table can't be used.
    """
    chosen = config.model.bert or bert_folder()
    titles = shop_titles(data, config.readings())
    titles = titles[:: max(1, len(titles) // _LOOKED_AT)]
    unread = unread_share(Tokenizer(chosen), titles)
    if unread <= config.gate.max_unread_share:
        return Reader(config, unread)
    said = f"the BERT can't read {unread:.0%} of the titles' word pieces"
    if config.model.bert or os.environ.get(BERT_VARIABLE):
        click.echo(
            f"warning: {said}; another is prepared by: aisle bert prepare multilingual --out FOLDER", err=True
        )
        return Reader(config, unread)
    try:
        packed_file()
    except InputError:
        click.echo(f"warning: {said}; one of many languages is used after: {INSTALL}", err=True)
        return Reader(config, unread)
    own = _prepared(config, data, tables, folder)
    click.echo(f"{said}: a multilingual one reads them, prepared in {own}", err=True)
    model = config.model.model_copy(update={"bert": own})
    return Reader(config.model_copy(update={"model": model}), unread_share(Tokenizer(own), titles))


def _prepared(config: Config, data: str, tables: str, folder: str) -> str:
    """The multilingual BERT with the pieces of the shop's tables; those of other tables are deleted."""
    place = pathlib.Path(folder)
    own = place / f"{_PREFIX}{tables}"
    if not (tables and own.is_dir()):
        place.mkdir(parents=True, exist_ok=True)
        for other in place.glob(f"{_PREFIX}*"):
            shutil.rmtree(other)
        with tempfile.TemporaryDirectory(dir=place) as partial:
            whole = pathlib.Path(partial) / own.name
            prepare(str(whole), shop_texts(data, config.readings()))
            whole.replace(own)
    return str(own)
