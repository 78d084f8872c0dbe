"""How long it takes until a command or the client can do something: import time.

    python -m benchmarks.serving.startup [--rounds 10] [--results docs/speed.md]

Each is run in a fresh process, in turn, beside Python itself and NumPy, which the client can't do without.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

from benchmarks.shared.results import write_section

COMMANDS = {
    "python, nothing": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "from aisle.serving import Client": ["-c", "from aisle.serving import Client"],
    "aisle --help": ["-m", "aisle.cli.main", "--help"],
    "aisle search --help": ["-m", "aisle.cli.main", "search", "--help"],
    "aisle versions --help": ["-m", "aisle.cli.main", "versions", "--help"],
    "aisle doctor": ["-m", "aisle.cli.main", "doctor"],
}


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("startup.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    arguments = parser.parse_args()
    found = measure(arguments.rounds)
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(markdown(found))
    if arguments.results:
        write_section(arguments.results, "startup", markdown(found))


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of each command in each round."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, words in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=False)
            found[name].append(time.perf_counter() - started)
    return found


def markdown(found: dict[str, list[float]]) -> str:
    """The table of docs/speed.md."""
    numpy = statistics.median(found["import numpy"])
    lines = [
        f"Medians of {len(found['import numpy'])} rounds in turn.",
        "",
        "| | seconds | the least | times `import numpy` |",
        "|---|---|---|---|",
    ]
    for name, seconds in found.items():
        median = statistics.median(seconds)
        lines.append(f"| `{name}` | {median:.2f} | {min(seconds):.2f} | {median / numpy:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
