"""`aisle simulate` and `aisle import`: put a shop's tables into a folder, made up or public."""

from __future__ import annotations

import importlib
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from aisle.cli.live.walk import visit, walking_options

if TYPE_CHECKING:
    from aisle.datasets.destination import Counts

ADAPTERS: dict[str, str] = {
    "online-retail": "aisle.datasets.online_retail",
    "judgements": "aisle.datasets.judgements",
    "sequences": "aisle.datasets.sequences",
}
"""The module whose `convert(src, dest)` reads each kind of public data set."""

Language = Literal["en", "zh", "ja", "mixed"]
LANGUAGE = click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    default="en",
    show_default=True,
    help="Of titles, queries and reviews: English, Chinese, Japanese, or all three in one shop.",
)
OF_EXPERIMENTS = ("name", "effect", "experiment_days")
OF_WALKS = ("visits", "rate", "key_file")
OF_TABLES = (
    "users",
    "items",
    "days",
    "dirt",
    "events",
    "language",
    "campaigns",
    "pictures",
    "experiment_days",
)
"""Options that say nothing without an experiment, without a shop that runs, and of one that is written already."""
_FOLDER = click.Path(path_type=pathlib.Path)


@click.command()
@click.argument("dest", type=_FOLDER)
@click.option("--users", type=click.IntRange(10, 1_000_000), default=500, show_default=True, help="Users.")
@click.option("--items", type=click.IntRange(50, 1_000_000), default=400, show_default=True, help="Items.")
@click.option("--days", type=click.IntRange(1, 1_460), default=60, show_default=True, help="Days of events.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="The same options and seed give the same bytes.",
)  # fmt: skip
@click.option(
    "--dirt", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Share of rows to plant a fault in; DEST/ground_truth/faults.csv lists them.",
)  # fmt: skip
@click.option(
    "--events", type=click.IntRange(1_000, 50_000_000), default=None,
    help="About how many event rows to aim for.  [default: by the users' usual activity]",
)  # fmt: skip
@LANGUAGE
@click.option(
    "--campaigns", type=click.IntRange(0, 100_000), default=0, show_default=True,
    help="Campaigns of advertisers; DEST/ground_truth/campaigns.csv tells what is worth how much to them.",
)  # fmt: skip
@click.option(
    "--pictures", is_flag=True, default=False, help="Draw a picture of each item into DEST/pictures."
)
@click.option(
    "--experiment", type=click.Path(),
    help="A file of an A/B test that the shop has run; DEST/ground_truth/experiment.json tells its effect.",
)  # fmt: skip
@click.option("--name", help="Which experiment of the file; needed where it holds several.")
@click.option(
    "--effect", type=click.FloatRange(-0.9, 0.19), default=0.05, show_default=True,
    help="Of every arm but the first on what its users buy; 0 is an A/A test.",
)  # fmt: skip
@click.option(
    "--experiment-days", type=click.IntRange(1), default=28, show_default=True,
    help="The newest days, in which the experiment runs.",
)  # fmt: skip
@walking_options
def simulate(
    dest: pathlib.Path,
    users: int,
    items: int,
    days: int,
    seed: int,
    dirt: float,
    events: int | None,
    language: Language,
    campaigns: int,
    pictures: bool,
    experiment: str | None,
    name: str | None,
    effect: float,
    experiment_days: int,
    **walking: Any,
) -> None:
    """Write a made-up shop's tables into the folder DEST.

    With --ask or --walk, which need an aisle that runs: have the users of the shop in DEST, which was written before, come
    there, and click and buy what they like of what they are shown. --seed is then of their visits. See docs/ab-tests.md.
    """
    from aisle.cli.experiment.shop import read_file
    from aisle.datasets import simulator

    planted = None
    if experiment:
        planted = simulator.Planted(read_file(experiment, name)[0], effect, experiment_days)
    else:
        _refuse(OF_EXPERIMENTS, "an experiment; give --experiment FILE, too")
    if walking["ask"] or walking["walk"]:
        _refuse(OF_TABLES, "a shop to be written; leave it out: the shop in DEST has its own")
        visit(dest, seed, planted, **walking)
        return
    _refuse(OF_WALKS, "a shop that runs; give --ask URL or --walk URL, too")
    options = simulator.SimulatorOptions(
        users=users, items=items, days=days, seed=seed, dirt=dirt, events=events, language=language,
        campaigns=campaigns, pictures=pictures,
    )  # fmt: skip
    written = simulator.write(simulator.simulate(options, planted), dest)
    _print_counts(f"{dest}", "table", written.rows)
    if written.faults:
        _print_counts(f"planted faults, listed in {dest / simulator.GROUND_TRUTH}", "kind", written.faults)
    if planted:
        click.echo(f"the experiment's effect: {dest / simulator.EXPERIMENT_TRUTH}")


def _refuse(names: Sequence[str], of_what: str) -> None:
    """Options of something else say nothing here."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is of {of_what}")


@click.command("import")
@click.argument("kind", type=click.Choice(list(ADAPTERS)))
@click.argument("src", type=_FOLDER)
@click.argument("dest", type=_FOLDER)
def import_(kind: str, src: pathlib.Path, dest: pathlib.Path) -> None:
    """Turn the public data set in SRC into a shop's tables in the folder DEST.

    Columns are renamed and reshaped, and nothing is cleaned: that is the pipeline's work.
    """
    rows: Counts = importlib.import_module(ADAPTERS[kind]).convert(src, dest)
    _print_counts(f"{dest}", "table", rows)


def _print_counts(title: str, what: str, counts: Counts) -> None:
    """Prints rows by name as a table on stdout."""
    import rich.console
    import rich.markup
    import rich.table

    table = rich.table.Table(title=rich.markup.escape(title), title_justify="left")
    table.add_column(what)
    table.add_column("rows", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    rich.console.Console().print(table)
