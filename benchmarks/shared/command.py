"""The command line of a benchmark: the options that all have, what is asked of its figures, and JSON in the last line."""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from benchmarks.shared.results import write_section

Found = dict[str, Any]
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a benchmark, and what is asked of it.

    Attributes:
        name: in the last line.
        of: takes it out of what was found; None where that part wasn't measured, which misses nothing.
        least: the goal; None asks for no least.
        most: the same of a most.
    """

    name: str
    of: Callable[[Found], float | None]
    least: float | None = None
    most: float | None = None

    @property
    def goal(self) -> str:
        """In words; nothing where nothing is asked."""
        asked = (("at least", self.least), ("at most", self.most))
        return " and ".join(f"{word} {bound:g}" for word, bound in asked if bound is not None)

    def missed(self, value: float | None) -> bool:
        """Whether a value misses the goal; one that is no number (NaN) does."""
        if value is None:
            return False
        low, high = self.least is None or value >= self.least, self.most is None or value <= self.most
        return not (low and high)


class Command(argparse.ArgumentParser):
    """A benchmark's options, and how it runs.

    Args:
        about: the module's docstring.
        figures: printed in the end, and held against their goals by `--check`.
        source: what the folder of the required `--source` holds; without it there is no such option.
        seeds: the default of `--seeds`; without any there is no such option.
    """

    def __init__(
        self, about: str | None, figures: Sequence[Figure], source: str = "", seeds: Sequence[int] = ()
    ) -> None:
        asked = "".join(f"\n  {figure.name} {figure.goal}" for figure in figures if figure.goal)
        super().__init__(
            description=about,
            epilog=f"--check asks of a run with the default options:{asked or ' nothing.'}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.figures = figures
        if source:
            self.add_argument("--source", type=pathlib.Path, required=True, help=f"the folder of {source}")
        if seeds:
            self.add_argument("--seeds", type=int, nargs="+", default=list(seeds))
        self.add_argument("--check", action="store_true", help="end with 1 where a goal is missed")
        self.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
        self.add_argument("--json", type=pathlib.Path, help="a file for all that was found")

    def run(
        self,
        measure: Callable[[argparse.Namespace, pathlib.Path], Found],
        tables: Mapping[str, Callable[[Found], str]],
    ) -> None:
        """Measures, prints the tables and, in the last line, the figures as JSON.

        Args:
            measure: what was found, given the arguments and an empty folder that is deleted afterwards; `minutes` is
                added to it.
            tables: by the section of the page that `--results` names; one that is empty is left out.

        Raises:
            SystemExit: with `--check` a goal is missed.
        """
        told = self.parse_args()
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            found = measure(told, pathlib.Path(scratch))
        found["minutes"] = round((time.monotonic() - started) / 60, 1)
        if told.json:
            told.json.write_text(json.dumps(found, indent=2, default=str), encoding="utf-8")
        for section, make in tables.items():
            if table := make(found):
                print(table, end="\n\n")
                if told.results:
                    write_section(told.results, section, table)
        missed = self._say(found)
        if told.check and missed:
            sys.exit(f"missed: {', '.join(missed)}")

    def _say(self, found: Found) -> list[str]:
        """Prints the figures, each beside its goal and all as JSON; returns the names of those that miss theirs."""
        values = {figure.name: figure.of(found) for figure in self.figures}
        missed = [figure.name for figure in self.figures if figure.missed(values[figure.name])]
        for figure in self.figures:
            if (value := values[figure.name]) is not None:
                asked = f", asked {figure.goal}" if figure.goal else ""
                print(f"{figure.name}: {value:.4g}{asked}{': missed' if figure.name in missed else ''}")
        print(json.dumps({**values, "missed": missed}), flush=True)
        return missed


def in_fresh_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Calls a module's function in a process of its own, so that its memory and imports are its alone."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
