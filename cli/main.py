"""The `aisle` command: names the subcommands and imports only the one that is called."""

from __future__ import annotations

import importlib
import sys

import click

from aisle.schema.errors import AisleError

COMMANDS: dict[str, str] = {
    "demo": "aisle.cli.demo.command:demo",
    "simulate": "aisle.cli.tables:simulate",
    "import": "aisle.cli.tables:import_",
    "init": "aisle.cli.init:init",
    "run": "aisle.cli.run:run",
    "compile": "aisle.cli.run:compile_",
    "report": "aisle.cli.report:report",
    "schema": "aisle.cli.schema:schema",
    "serve": "aisle.cli.serve:serve",
    "gateway": "aisle.cli.live.gateway:gateway",
    "listen": "aisle.cli.live.listen:listen",
    "shop": "aisle.cli.live.shop:shop",
    "versions": "aisle.cli.versions:versions",
    "promote": "aisle.cli.versions:promote",
    "rollback": "aisle.cli.versions:rollback",
    "search": "aisle.cli.ask.search:search",
    "recommend": "aisle.cli.ask.recommend:recommend",
    "similar": "aisle.cli.ask.recommend:similar",
    "rank": "aisle.cli.ask.rank:rank",
    "forecast": "aisle.cli.inventory.forecast:forecast",
    "replenish": "aisle.cli.inventory.replenish:replenish",
    "reviews": "aisle.cli.reviews:reviews",
    "experiment": "aisle.cli.experiment.command:experiment",
    "ads": "aisle.cli.ads.command:ads",
    "bert": "aisle.cli.bert:bert",
    "doctor": "aisle.cli.doctor:doctor",
}


class LazyGroup(click.Group):
    """Looks a subcommand's module up when it is called, so that no command pays for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aisle")
def cli() -> None:
    """Search and recommendation for shops: from raw tables to a served model."""


def main() -> None:
    """Runs the command line; an AisleError becomes one line on stderr and its exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(1)
    except AisleError as error:
        click.echo(f"aisle: {error}", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        package = (error.name or "aisle").partition(".")[0]
        if package == "aisle":
            raise
        click.echo(
            f"aisle: this command needs the package {package!r}, which the client does without; install what it takes "
            "to serve by pip install 'aisle[server]', to run pipelines by pip install 'aisle[pipeline]', "
            "to stand between a site and the server by pip install 'aisle[gateway]'",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
