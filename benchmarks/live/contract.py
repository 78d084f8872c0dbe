"""Asks a gateway all that its OpenAPI allows, and much that it doesn't: no answer may be a failure or beside the contract.

    python -m benchmarks.live.contract [--out out] [--examples 200] [--seed 1]

A redis-server, `aisle serve` and `aisle gateway` run on this machine; schemathesis makes the requests from
`/openapi.json`. `out` is the output folder of `aisle run`; without one, a small shop is simulated and a model trained.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.live.processes import live_shop, make_run
from benchmarks.serving.model_server import newest, publish
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "unsupported_method"),
)
"""Of schemathesis. An address too long for the HTTP server is refused in plain text, so types of content aren't held."""
_LONGEST = 3_600.0
"""Seconds; two hundred examples of each operation take some minutes."""
_COMMAND = "from schemathesis.cli import schemathesis; schemathesis()"

FIGURES = (
    Figure("requests", lambda found: found["requests"], least=1_000),
    Figure("failures", lambda found: found["failures"], most=0),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--out", type=pathlib.Path, help="output folder of `aisle run`")
    command.add_argument(
        "--examples", type=int, default=200, help="of each operation, beside the edges of all values"
    )
    command.add_argument("--seed", type=int, default=1)
    command.run(measured, {"contract": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Runs a shop, and asks its gateway as the command line says."""
    out = told.out or make_run(scratch)
    with tempfile.TemporaryDirectory(dir=out) as folder:  # Where the model can be linked to.
        publish(newest(out), pathlib.Path(folder) / "out", 1)
        # What is slow is measured elsewhere, and is no failure here.
        patient = ("--timeout", "60")
        with live_shop(pathlib.Path(folder) / "out", pathlib.Path(folder), *patient) as shop:
            return ask_everything(shop.gateway.target, scratch / "report.json", told.examples, told.seed)


def ask_everything(address: str, report: pathlib.Path, examples: int, seed: int, *more: str) -> Found:
    """Has schemathesis ask a gateway; what is wrong is printed.

    Args:
        address: http://HOST:PORT.
        report: a file for what schemathesis found.
        examples: random ones of each operation.
        seed: of them.
        more: options of schemathesis.

    Returns:
        `requests`, `failures`, and the `operations` that were tested.

    Raises:
        RuntimeError: it couldn't ask, or not all.
    """
    words = [sys.executable, "-c", _COMMAND, "run", f"{address}/openapi.json", "--no-color"]
    words += ["--max-examples", str(examples), "--seed", str(seed), "--checks", ",".join(CHECKS)]
    words += ["--continue-on-failure", "--generation-database", "none"]
    words += ["--report", "json", "--report-json-path", str(report)]
    done = subprocess.run([*words, *more], capture_output=True, text=True, check=False, cwd=report.parent)
    if not report.exists():
        raise RuntimeError(
            f"schemathesis ended with {done.returncode}: {done.stderr[-2000:] or done.stdout[-2000:]}"
        )
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    operations, cases = told["operations"], told["test_cases"]
    if told["failures"] or told["errors"]:
        print(*(line[:300] for line in done.stdout.splitlines()), sep="\n", file=sys.stderr)
    if told["errors"] or not told["complete"] or operations["tested"] < operations["total"]:
        raise RuntimeError(
            f"schemathesis didn't ask all: {told['stop_reason']}, {operations}, {told['errors'][:3]}"
        )
    return {
        "operations": operations["tested"],
        "requests": cases["generated"],
        "failures": cases["unique_failures"],
        "seconds": told["running_time"],
    }


def markdown(found: Found) -> str:
    """The table people read."""
    head = ("operations", "requests", "not as the contract says")
    return table(head, [(found["operations"], f"{found['requests']:,}", found["failures"])])


if __name__ == "__main__":
    main()
