"""`aisle experiment analyze`: the verdict, printed and as the report `experiment`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aisle.cli.experiment.options import JSON, KEEP_BOTS, of_a_shop, print_table
from aisle.cli.finite import FiniteRange
from aisle.schema.errors import ExperimentUntrusted, GuardrailHarmed, InputError

if TYPE_CHECKING:
    from aisle.cli.experiment.shop import Asked
    from aisle.experiments.analysis.analyze import Analysis
    from aisle.experiments.analysis.interleaved import Interleaved


@click.command()
@of_a_shop
@click.option("--look", "looks", type=FiniteRange(0, 1, True), multiple=True, help="The looks so far, as shares of the planned users, rising; none: this is the only one.")  # fmt: skip
@KEEP_BOTS
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Folder for the report.")
@JSON
def analyze(
    shop: str, file: str, name: str | None, config_file: str | None, assignments: tuple[str, ...],
    looks: tuple[float, ...], keep_bots: bool, out: str, as_json: bool,
) -> None:  # fmt: skip
    """Judge the experiment of FILE by the events of SHOP; ends with 3 where they can't be trusted, with 4 where a guardrail is harmed."""
    from aisle.cli.experiment.shop import read_file
    from aisle.components.reports.experiment import report_of, report_of_interleaved, write_experiment
    from aisle.components.reports.publish import as_json as as_text
    from aisle.experiments.analysis.analyze import Analysis
    from aisle.pipeline.output_folder import check_out
    from aisle.pipeline.paths import Layout

    check_out(out)
    asked = read_file(file, name)
    found = _judged(asked, shop, (config_file, assignments), looks, keep_bots)
    report = report_of(found) if isinstance(found, Analysis) else report_of_interleaved(found)
    page = write_experiment(report, Layout(out).reports)
    if as_json:
        click.echo(as_text(report))
    else:
        _print(found)
        click.echo(f"report: {page}")
    if found.outcome in ("untrusted", "harmed"):
        raise (ExperimentUntrusted if found.outcome == "untrusted" else GuardrailHarmed)(found.verdict)


def _judged(
    asked: Asked,
    shop: str,
    reading: tuple[str | None, tuple[str, ...]],
    looks: tuple[float, ...],
    keep_bots: bool,
) -> Analysis | Interleaved:
    """The experiment by the shop's events, read by a file of settings and single ones."""
    from aisle.cli.experiment.shop import read_events, read_users
    from aisle.experiments.analysis.analyze import analyze as judged
    from aisle.experiments.analysis.interleaved import preferred
    from aisle.experiments.statistics.group_sequential import Looks
    from aisle.experiments.statistics.spending import obrien_fleming

    experiment, metrics, slices = asked
    if experiment.interleaved and (looks or slices):
        raise InputError(
            f"{experiment.name!r} is interleaved: it is judged once and as a whole; leave --look and [[slice]] out"
        )
    events = read_events(shop, experiment.unit, *reading, asked.columns("events."))
    if experiment.interleaved:
        return preferred(experiment, events, asked.kinds, keep_bots=keep_bots)
    compared = max(sum(not metric.guardrail for metric in metrics) * (len(experiment.arms) - 1), 1)
    several = Looks.spent(looks, obrien_fleming, 0.05 / compared) if looks else None
    users = read_users(shop, asked.columns("users."), *reading)
    return judged(experiment, events, metrics, several, slices=slices, users=users, keep_bots=keep_bots)


def _print(found: Analysis | Interleaved) -> None:
    """The verdict, then what is behind it, then who was left out."""
    from aisle.experiments.analysis.analyze import Analysis

    click.echo(f"{found.experiment}: {found.verdict}\n")
    if isinstance(found, Analysis):
        _print_metrics(found)
        _print_slices(found)
        users = ", ".join(f"{arm} {count:,}" for arm, count in found.sample_ratio.users.items())
    else:
        users = f"{found.users:,} who were shown both rankings"
    said = ", ".join(f"{reason} {count:,}" for reason, count in found.left_out.items() if count)
    click.echo(f"users: {users}" + (f"; left out: {said}" if said else ""))
    if noted := ", ".join(f"{count:,} {what}" for what, count in found.noted.items() if count):
        click.echo(f"kept: {noted}")
    if len(found.bots.units):
        click.echo(f"a bot does {found.bots.rule}")


def _print_metrics(found: Analysis) -> None:
    from aisle.experiments.analysis.verdict import told

    head = ("metric", "arm", "control", "arm's", "difference", "of the control's", "p", "Holm")
    print_table(
        head,
        (
            (
                row.declared.name,
                row.arm,
                f"{row.effect.control:.4g}",
                f"{row.effect.treatment:.4g}",
                f"{row.effect.difference.value:+.4g} [{row.interval[0]:+.4g}, {row.interval[1]:+.4g}]",
                told(row) if row.relative else "",
                f"{row.effect.difference.p_value:.2g}",
                "guardrail" if row.holm is None else f"{row.holm:.2g}",
            )
            for row in found.rows
        ),
    )
    for metric, reason in found.refused.items():
        click.echo(f"{metric}: not judged: {reason}")


def _print_slices(found: Analysis) -> None:
    """Each metric in each part, and whether the parts differ."""
    from aisle.experiments.analysis.verdict import told

    if not found.parts:
        return
    click.echo("\nslices, exploratory: p among all of them, by Benjamini and Hochberg")
    head = ("slice", "users", "metric", "arm", "difference", "p", "among all", "found")
    print_table(
        head,
        (
            (
                f"{part.by} {part.value}",
                " / ".join(f"{count:,}" for count in part.users.values()),
                row.declared.name,
                row.arm,
                told(row),
                f"{row.effect.difference.p_value:.2g}",
                "guardrail" if row.benjamini_hochberg is None else f"{row.benjamini_hochberg:.2g}",
                row.found,
            )
            for part in found.parts
            for row in part.rows
        ),
    )
    for part in found.parts:
        for metric, reason in part.refused.items():
            click.echo(f"{part.by} {part.value}{f', {metric}' if metric else ''}: not judged: {reason}")
    for one in found.differing:
        if one.adjusted < 0.05:
            click.echo(f"{one.metric} in {one.arm} differs by {one.by} (p = {one.adjusted:.2g} among all)")
    click.echo()
