"""`aisle run` and `aisle compile`."""

from __future__ import annotations

import json
import os
import warnings

import click

from aisle.schema.errors import NotBlessed

CONFIG = click.option("--config", "config_file", type=click.Path(), help="Settings as TOML.")
SET = click.option(
    "--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; repeatable."
)


@click.command()
@click.argument("data", type=click.Path())
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Output folder.")
@click.option(
    "--from",
    "source",
    type=click.Path(),
    help="Another shop's output folder (or a model that it pushed), to begin with what that has learnt.",
)
@CONFIG
@SET
def run(
    data: str, out: str, source: str | None, config_file: str | None, assignments: tuple[str, ...]
) -> None:
    """Run the pipeline on the tables in DATA; run again, it resumes from what is done."""
    from aisle.components.canary.options import check_tf_serving
    from aisle.pipeline.config import load_config
    from aisle.pipeline.memory import give_back_where_large
    from aisle.pipeline.output_folder import check_out, check_push
    from aisle.pipeline.tracking.options import check_installed
    from aisle.pipeline.transfer.taught import find_taught
    from aisle.schema.bert.files import check_bert

    given = (f"transfer.from={json.dumps(source)}",) if source else ()
    config = load_config(config_file, (*assignments, *given))
    if large := give_back_where_large(data, config.readings(), config.infra.large_mb):
        click.echo(large, err=True)
    # Before anything imports Polars.
    from aisle.pipeline.inputs import check_schemas, fingerprint_tables
    from aisle.pipeline.named_columns import check_named_columns

    # Wrong input is told before TFX's slow import.
    check_out(out)
    check_push(config.push.to)
    find_taught(config.transfer.source, out)
    check_installed(config.tracking)
    readings = config.readings()
    fingerprints = fingerprint_tables(data, config.data.tables, readings, bool(config.transfer.source))
    check_schemas(config.data.schema_dir, fingerprints)
    check_named_columns(data, config.cleaner, readings)
    if config.model.bert:
        check_bert(config.model.bert)
    check_tf_serving(config.infra.tf_serving)
    warnings.filterwarnings("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    click.echo("loading TFX (about 20 s), then running:", err=True)
    from aisle.cli.report import line_of
    from aisle.pipeline.local import run_pipeline

    try:
        result = run_pipeline(data, fingerprints, out, config)
    except NotBlessed:
        # What was lost may be why.
        click.echo(f"cleaning: {line_of('cleaning', os.path.join(out, 'reports'))}")
        raise
    click.echo(f"cleaning: {line_of('cleaning', result.reports)}")
    click.echo(f"pushed version {result.version}")
    served = f"served from {config.push.to}" if config.push.to else f"serve with: aisle serve --out {out}"
    click.echo(f"reports in {result.reports}; {served}")


@click.command("compile")
@click.argument("data_uri")
@click.option(
    "--root", required=True, help="Folder for artifacts and the served model, such as gs://bucket/aisle."
)
@click.option("--image", required=True, help="Container image that aisle is installed in.")
@click.option(
    "--output", required=True, type=click.Path(), help="The file to write: JSON, which is YAML, too."
)
@CONFIG
@SET
def compile_(
    data_uri: str, root: str, image: str, output: str, config_file: str | None, assignments: tuple[str, ...]
) -> None:
    """Write the pipeline as a Kubeflow Pipelines v2 spec, offline."""
    from aisle.cli.ask.files import check_writable
    from aisle.pipeline.config import load_config

    config = load_config(config_file, assignments)
    check_writable(output)
    if config.tracking.to:
        click.echo("tracking.to is of aisle run; Kubeflow tracks its own runs", err=True)
    from aisle.pipeline.kubeflow.compiler import compile_pipeline

    click.echo(f"wrote {compile_pipeline(data_uri, root, image, output, config)}")
