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
@click.option(
    "--tls-certificate", type=click.Path(), help="The server's certificate (PEM); plain text without."
)
@click.option("--tls-key", type=click.Path(), help="Its private key (PEM).")
@click.option(
    "--tls-client-ca", type=click.Path(), help="Whose certificates a client must show (PEM): mutual TLS."
)
@click.option(
    "--metrics-port", type=int, help="Prometheus's metrics at http://HOST:PORT/metrics; 0 for a free one."
)
@click.option("--log", "log_folder", default="", help="Folder for a sample of the requests, as Parquet.")
@click.option(
    "--log-share", default=0.01, show_default=True, type=float, help="Of the requests that are logged."
)
@click.option(
    "--waiting", default=64, show_default=True, type=int, help="Requests that may wait; more are refused."
)
@click.option(
    "--batch",
    default=0,
    show_default=True,
    type=int,
    help="Join waiting requests to one call of the model of at most so many rows; 0: never.",
)
@click.option(
    "--batch-wait-ms",
    default=0.0,
    show_default=True,
    type=float,
    help="Wait so long for more rows; 0: take what waits already.",
)
def serve(
    out: str,
    host: str,
    port: int,
    tls_certificate: str | None,
    tls_key: str | None,
    tls_client_ca: str | None,
    metrics_port: int | None,
    log_folder: str,
    log_share: float,
    waiting: int,
    batch: int,
    batch_wait_ms: float,
) -> None:
    """Serve the pushed model by the embedded server, until it is stopped.

    It speaks TF Serving's gRPC protocol, and is for development: in production give the same folder to
    TF Serving. A version pushed while it runs is switched to.
    """
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.paths import Layout
    from aisle.serving.releases.folders import require_version
    from aisle.serving.server.server import ServerOptions, check_addresses
    from aisle.serving.server.server import serve as run_server
    from aisle.serving.server.tls import ServerTls

    options = ServerOptions(
        host,
        port,
        ServerTls.of(tls_certificate, tls_key, tls_client_ca),
        waiting=waiting,
        batch=batch,
        batch_wait_ms=batch_wait_ms,
        metrics_port=metrics_port,
        log_folder=log_folder,
        log_share=log_share,
    )
    base = Layout(out).serving
    # Told before TensorFlow's slow import.
    require_version(pathlib.Path(base))
    check_addresses(options)
    click.echo(f"loading the newest version in {base}", err=True)
    quieten_tensorflow()
    run_server(base, options, lambda address: click.echo(f"listening on {address}"))
