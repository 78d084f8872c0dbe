"""The commands of `aisle`, as a user runs them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def aisle(*words: Any, codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints.

    Args:
        words: of the command.
        codes: that it may end with.

    Raises:
        RuntimeError: it ended otherwise; it said why on standard error.
    """
    command = [sys.executable, "-m", "aisle.cli.main", *map(str, words)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode not in codes:
        raise RuntimeError(f"aisle {words[0]} ended with {done.returncode}")
    return done.stdout
