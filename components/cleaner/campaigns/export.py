"""The cleaned campaigns as a file beside the reports: what a gateway sells by."""

from __future__ import annotations

import io
import os

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.components.storage import exists, make_folder, write_whole
from aisle.components.tables import read_parquet
from aisle.schema.tables import CAMPAIGNS, Kind

FILE = f"{CAMPAIGNS.name}.parquet"
SCHEMA = pa.schema(
    [(column.name, pa.string() if column.kind is Kind.STRING else pa.int64()) for column in CAMPAIGNS.columns]
)


def export_campaigns(tables: str, folder: str) -> None:
    """Writes the campaigns in the layout of their table, at once; where there are none, an earlier run's file is emptied.

    Args:
        tables: the folder of a Tables artifact.
        folder: local, or the URI of a remote folder.
    """
    source = os.path.join(tables, FILE)
    if exists(source):
        write_campaigns(read_parquet(source), folder)
    elif exists(os.path.join(folder, FILE)):
        write_campaigns(SCHEMA.empty_table(), folder)


def write_campaigns(rows: pa.Table, folder: str) -> str:
    """Writes cleaned campaigns in the layout of their table, at once.

    Args:
        rows: the campaigns.
        folder: local, or the URI of a remote folder.

    Returns:
        The path.
    """
    path, data = os.path.join(folder, FILE), io.BytesIO()
    pq.write_table(rows.select(SCHEMA.names).cast(SCHEMA), data)
    make_folder(folder)
    write_whole(path, data.getvalue())
    return path
