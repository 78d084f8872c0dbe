"""A command that answers quickly imports nothing slow."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("tensorflow", "tfx", "apache_beam", "transformers", "tensorflow_serving", "pydantic", "fastapi")
CHEAP = (
    ["--help"],
    ["search", "--help"],
    ["recommend", "--help"],
    ["report", "--help"],
    ["versions", "--help"],
    ["gateway", "--help"],
    ["shop", "--help"],
    ["listen", "--help"],
    ["doctor", "--help"],
)


@pytest.mark.parametrize("words", CHEAP, ids=" ".join)
def test_help_imports_no_tensorflow_and_no_tfx(words: list[str]) -> None:
    code = (
        "import sys; from aisle.cli.main import cli\n"
        f"try: cli.main({words!r}, standalone_mode=False)\n"
        "except SystemExit: pass\n"
        f"sys.exit(','.join(sorted(set({SLOW!r}) & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
