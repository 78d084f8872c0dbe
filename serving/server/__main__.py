"""The embedded server as a process of its own: `python -m aisle.serving.server --base FOLDER`."""

from __future__ import annotations

import sys

import click

from aisle.schema.errors import AisleError
from aisle.serving.server.server import ServerOptions, serve


@click.command()
@click.option("--base", required=True, help="The model's folder, which holds a folder for each version.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
def main(base: str, host: str, port: int) -> None:
    """Serve a SavedModel by the embedded server (not TF Serving)."""
    try:
        options = ServerOptions(host, port)
        serve(base, options, lambda address: print(f"listening on {address}", flush=True))
    except AisleError as error:
        click.echo(f"aisle: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
