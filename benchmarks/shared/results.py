"""Keeps the tables of docs/results.md, experiments.md and speed.md: each benchmark rewrites its own section."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Sequence


def write_section(path: pathlib.Path, name: str, text: str) -> None:
    """Replaces what stands between `<!-- NAME -->` and `<!-- end -->`.

    Raises:
        ValueError: the file has no such section.
    """
    content = path.read_text(encoding="utf-8")
    section = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not section.search(content):
        raise ValueError(f"{path} has no section <!-- {name} --> … <!-- end -->")
    path.write_text(section.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", content), encoding="utf-8")


def with_interval(value: float, interval: Sequence[float]) -> str:
    """A difference and its interval: `+0.0100 [-0.0050, +0.0250]`."""
    return f"{value:+.4f} [{interval[0]:+.4f}, {interval[1]:+.4f}]"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table of cells as they are."""
    lines = [
        "|" + "|".join(f" {cell} " if cell != "" else " " for cell in cells) + "|" for cells in (head, *rows)
    ]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
