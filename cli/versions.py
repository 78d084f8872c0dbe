"""`aisle versions`, `aisle promote` and `aisle rollback`: what was pushed, and what is served of it."""

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aisle.serving.releases.pushed import Release

_OUT = click.option(
    "--out", default="out", show_default=True, type=click.Path(), help="Output folder of `aisle run`."
)


@click.command()
@_OUT
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def versions(out: str, as_json: bool) -> None:
    """List the pushed versions of the model, the newest first.

    Servers answer by the newest one that is served, unless a request names a version or a label.
    """
    from aisle.serving.releases.folders import require_version
    from aisle.serving.releases.pushed import releases

    base = _base(out)
    require_version(base)
    with _told(base):
        found = releases(base)
    if as_json:
        click.echo(json.dumps([_as_json(release) for release in found], indent=2))
    else:
        _print(found)


def _as_json(release: Release) -> dict[str, object]:
    return {
        "version": release.version,
        "pushed": release.pushed.isoformat() if release.pushed else None,
        "bytes": release.size,
        "state": release.state,
        "labels": list(release.labels),
    }


def _print(found: list[Release]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("version", "pushed (UTC)", "MB", "state", "labels"):
        table.add_column(name, justify="right" if name in ("version", "MB") else "left")
    for release in found:
        pushed = f"{release.pushed:%Y-%m-%d %H:%M:%S}" if release.pushed else ""
        size = f"{release.size / 1e6:,.1f}"
        # Text, not str: the file of labels may hold what rich reads as markup.
        labels = Text(", ".join(release.labels))
        table.add_row(str(release.version), pushed, size, release.state, labels)
    Console().print(table)


@click.command()
@_OUT
@click.option(
    "--to",
    type=click.IntRange(0),
    metavar="VERSION",
    help="The version to serve; without it, the one before the newest.",
)
def rollback(out: str, to: int | None) -> None:
    """Serve an older version: take every newer one out of service.

    Their folders are renamed to .withdrawn-VERSION, and stay to be looked into.
    """
    from aisle.serving.releases.pushed import withdraw

    base = _base(out)
    with _told(base):
        withdrawn = withdraw(base, to)
    if not withdrawn:
        click.echo(f"version {to} is the newest already")
    else:
        click.echo(f"withdrew {', '.join(map(str, withdrawn))}; {_served(base)}")


def _served(base: pathlib.Path) -> str:
    from aisle.serving.releases.folders import version_folders

    return f"version {max(version_folders(base))} is served"


@click.command()
@click.argument("version", type=click.IntRange(0))
@click.option("--label", required=True, help="Such as stable or canary; a version may have several.")
@_OUT
@click.option(
    "--base-path",
    default="",
    metavar="FOLDER",
    help="Where TF Serving sees the model's folder, such as /models/aisle in a container.",
)
def promote(version: int, label: str, out: str, base_path: str) -> None:
    """Give VERSION a label, by which requests can ask for it.

    Labels are kept in TF Serving's configuration file, serving/models.config in the output folder.
    """
    from aisle.serving.releases.labels import config_file
    from aisle.serving.releases.pushed import promote as label_version

    base = _base(out)
    with _told(base):
        left = label_version(base, version, label, base_path)
    before = f", was {left}" if left not in (None, version) else ""
    click.echo(f"{label} is version {version}{before}; see {config_file(base)}")


def _base(out: str) -> pathlib.Path:
    from aisle.pipeline.paths import Layout

    return pathlib.Path(Layout(out).serving)


@contextlib.contextmanager
def _told(base: pathlib.Path) -> Iterator[None]:
    """What the disk refuses becomes one line."""
    from aisle.schema.errors import AisleError

    try:
        yield
    except OSError as error:
        raise AisleError(f"the versions in {base} could not be read or changed: {error}") from error
