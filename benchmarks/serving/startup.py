"""How long it takes until a command or the client can do something: import time.

    python -m benchmarks.serving.startup [--rounds 10] [--results docs/speed.md]

Each is run in a fresh process, in turn, beside Python itself and NumPy, which the client can't do without.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

NUMPY, CLIENT, HELP = "import numpy", "from aisle.serving import Client", "aisle --help"
COMMANDS = {
    "python, nothing": ["-c", "pass"],
    NUMPY: ["-c", NUMPY],
    CLIENT: ["-c", CLIENT],
    HELP: ["-m", "aisle.cli.main", "--help"],
    "aisle search --help": ["-m", "aisle.cli.main", "search", "--help"],
    "aisle versions --help": ["-m", "aisle.cli.main", "versions", "--help"],
    "aisle doctor": ["-m", "aisle.cli.main", "doctor"],
}


FIGURES = (
    Figure("client_s", lambda found: statistics.median(found["seconds"][CLIENT]), most=0.5),
    Figure("help_s", lambda found: statistics.median(found["seconds"][HELP]), most=1.0),
    Figure("numpy_s", lambda found: statistics.median(found["seconds"][NUMPY])),
)
"""On a machine that nothing else uses."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--rounds", type=int, default=10)
    command.run(lambda told, _: {"seconds": measure(told.rounds)}, {"startup": markdown})


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of each command in each round."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, words in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=False)
            found[name].append(time.perf_counter() - started)
    return found


def markdown(found: dict[str, Any]) -> str:
    """The table of docs/speed.md."""
    numpy = statistics.median(found["seconds"][NUMPY])
    rows = (
        (f"`{name}`", f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}")
        + (f"{statistics.median(seconds) / numpy:.1f}",)
        for name, seconds in found["seconds"].items()
    )
    head = ("", "seconds", "the least", f"times `{NUMPY}`")
    return f"Medians of {len(found['seconds'][NUMPY])} rounds in turn.\n\n{table(head, rows)}"


if __name__ == "__main__":
    main()
