"""`aisle serve`."""

from __future__ import annotations

import pathlib

import click


@click.command()
@click.option(
    "--out", default="out", show_default=True, type=click.Path(), help="Output folder of `aisle run`."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8500, show_default=True, type=int, help="Port; 0 for a free one.")
def serve(out: str, host: str, port: int) -> None:
    """Serve the pushed model by the embedded server, until it is stopped.

    It speaks TF Serving's gRPC protocol, and is for development: in production give the same folder to
    TF Serving. A version pushed while it runs is switched to.
    """
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.paths import Layout
    from aisle.schema.errors import InputError
    from aisle.serving.folders import require_version

    if not 0 <= port < 65536:
        raise InputError(f"--port is {port}; expected 0 to 65535")
    base = Layout(out).serving
    require_version(pathlib.Path(base))  # Told before TensorFlow's slow import.
    click.echo(f"loading the newest version in {base}", err=True)
    quieten_tensorflow()
    from aisle.serving.server import serve as run_server

    run_server(base, host, port, lambda address: click.echo(f"listening on {address}"))
