"""A live shop of real processes: how soon an answer knows an event, and what faults do to questions and events.

    python -m benchmarks.live.live [--out out] [--parts load overhead pairs soak] [--results docs/speed.md]

A redis-server, `aisle serve` and `aisle gateway` run on this machine, and so does the site that asks them. An answer
knows an event where the visitor was shown an item, bought it, and isn't shown it again, as they asked for. `out` is the
output folder of `aisle run`; without one, a small shop is simulated and a model trained on it. `--short` is a smoke test.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks.live.freshness import overhead, pairs, under_load
from benchmarks.live.processes import live_shop, make_run
from benchmarks.live.soak import soak
from benchmarks.serving.model_server import newest, publish
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

PARTS = ("load", "overhead", "pairs", "soak")
SHORT = {"seconds": 5.0, "rounds": 50, "pairs": 500, "minutes": 0.5, "every": 10.0}


def _of(part: str, take: Callable[[Found], float]) -> Callable[[Found], float | None]:
    """A figure of a part; None where that wasn't measured."""
    return lambda found: take(found[part]) if part in found else None


FIGURES = (
    Figure("changed_p50_ms", _of("load", lambda load: load["changed"]["p50"]), most=20.0),
    Figure("changed_p99_ms", _of("load", lambda load: load["changed"]["p99"]), most=50.0),
    Figure("events_a_second", _of("load", lambda load: load["events_a_second"]), least=99.0),
    Figure("unknown_under_load", _of("load", lambda load: load["unknown"]), most=0),
    Figure(
        "gateway_adds_ms",
        _of("overhead", lambda told: told["gateway"]["p50"] - told["server"]["p50"]),
        most=2.0,
    ),
    Figure("pairs", _of("pairs", lambda told: told["asked"]), least=100_000),
    Figure("unknown_of_pairs", _of("pairs", lambda told: told["unknown"]), most=0),
    Figure("stale_of_pairs", _of("pairs", lambda told: told["stale"])),
    Figure("failed_of_pairs", _of("pairs", lambda told: told["failed"]), most=0),
    Figure("kills_of_soak", _of("soak", lambda told: told["kills"]), least=9),
    Figure("switches_of_soak", _of("soak", lambda told: told["switches"]), least=8),
    Figure("failed_of_soak", _of("soak", lambda told: sum(told["failed"].values())), most=0),
    Figure("lost_of_soak", _of("soak", lambda told: told["lost"]), most=0),
    Figure("memory_growth", _of("soak", lambda told: told["growth"]), most=0.10),
)
"""Times on a machine that nothing else uses; what `--parts` leaves out is not asked."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--out", type=pathlib.Path, help="output folder of `aisle run`")
    command.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    command.add_argument("--short", action="store_true", help="a smoke test, whatever the sizes below say")
    command.add_argument("--seconds", type=float, default=60.0, help="of the load")
    command.add_argument("--events", type=float, default=100.0, help="a second of the load")
    command.add_argument("--questions", type=float, default=50.0, help="a second of the load")
    command.add_argument("--rounds", type=int, default=1_000, help="of asking gateway and server in turn")
    command.add_argument("--pairs", type=int, default=100_000, help="of an event and a question")
    command.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    command.add_argument("--every", type=float, default=60.0, help="seconds between two kills of the store")
    command.run(measured, {"live": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> dict[str, Any]:
    """What was found by part."""
    for name, value in SHORT.items() if told.short else ():
        setattr(told, name, value)
    out = told.out or make_run(scratch)
    model = newest(out)
    found: dict[str, Any] = {}
    for part in told.parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=out) as folder:  # Where the model can be linked to.
            found[part] = _measure(part, model, pathlib.Path(folder), told)
        print(f"{part}: {found[part]}", flush=True)
    return found


def _measure(part: str, model: pathlib.Path, folder: pathlib.Path, told: argparse.Namespace) -> Any:
    if part == "soak":
        return soak(model, folder, told.minutes, told.every, (told.events / 4, told.questions / 2))
    publish(model, folder / "out", 1)
    with live_shop(folder / "out", folder) as shop:
        if part == "load":
            return under_load(shop, told.events, told.questions, told.seconds)
        return overhead(shop, told.rounds) if part == "overhead" else pairs(shop, told.pairs)


def markdown(found: Found) -> str:
    """The table people read."""
    rows: list[tuple[str, str]] = []
    if load := found.get("load"):
        asked = (
            f"{load['events_a_second']:.0f} events and {load['questions_a_second']:.0f} questions a second"
        )
        rows += [
            (f"event sent to accepted, p50 / p99, at {asked}", _times(load["accepted"])),
            (f"event accepted to changed answer, {load['asked']:,} of them", _times(load["changed"])),
            ("cores kept busy", ", ".join(f"{name} {cores:.2f}" for name, cores in load["cores"].items())),
        ]
    if one := found.get("overhead"):
        rows += [(f"one recommendation at a time, by the {who}", _times(took)) for who, took in one.items()]
    if told := found.get("pairs"):
        said = f"{told['unknown']:,} of {told['asked']:,}"
        rows.append(("answers that did not know the event just recorded", said))
        rows.append(("answers that said that the store was too slow for them", f"{told['stale']:,}"))
        rows.append(("questions or events of these pairs that weren't answered", f"{told['failed']:,}"))
    if told := found.get("soak"):
        asked = sum(told["asked"].values())
        rows += [
            (
                f"soak of {told['minutes']:g} minutes, {told['kills']} kills, {told['switches']} switches: not answered",
                f"{sum(told['failed'].values())} of {asked:,}",
            ),
            ("accepted events that are in no file", f"{told['lost']} of {told['accepted']:,}"),
            ("the gateway's memory, MB", " → ".join(f"{size:.0f}" for size in told["memory"])),
        ]
    return table(("", ""), rows)


def _times(took: dict[str, float]) -> str:
    return f"{took['p50']:.1f} / {took['p99']:.1f} ms"


if __name__ == "__main__":
    main()
