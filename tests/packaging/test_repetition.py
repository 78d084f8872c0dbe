"""No two places say the same six lines: what is shared stands once and has a name."""

from __future__ import annotations

import ast
import collections
import pathlib
import re

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PARTS = (
    *("schema", "ads", "experiments", "datasets", "model", "components"),
    *("serving", "gateway", "pipeline", "cli", "benchmarks"),
)
WINDOW = 6
MADE = "_pb2.py"
"""Files that a compiler wrote."""


def statements(source: str) -> list[tuple[int, str]]:
    """The lines that do something, each with its number: no imports, signatures, fields, texts or lone brackets."""
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        field = isinstance(node, ast.AnnAssign) and node.value is None
        if isinstance(node, (ast.Import, ast.ImportFrom)) or text or field:
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            left_out.update(range(node.lineno, node.body[0].lineno))
    lines = ((number, line.strip()) for number, line in enumerate(source.splitlines(), 1))
    return [
        (number, line)
        for number, line in lines
        if number not in left_out and re.search(r"\w", line.split("#")[0])
    ]


def repeated(sources: dict[str, str], window: int = WINDOW) -> list[str]:
    """Where so many lines are the same as elsewhere: `FILE:LINE and FILE:LINE`."""
    places: dict[tuple[str, ...], list[str]] = collections.defaultdict(list)
    for name, source in sources.items():
        lines = statements(source)
        for start in range(len(lines) - window + 1):
            said = tuple(line for _, line in lines[start : start + window])
            places[said].append(f"{name}:{lines[start][0]}")
    return [" and ".join(where) for where in places.values() if len(where) > 1]


def test_no_two_places_share_six_lines() -> None:
    files = [path for part in PARTS for path in (REPOSITORY / part).rglob("*.py") if MADE not in path.name]
    assert len(files) > 300
    sources = {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8") for path in files}
    assert repeated(sources) == []


def test_lines_that_stand_twice_are_found_whatever_is_around_them() -> None:
    body = "".join(f"    print({number})\n" for number in range(6))
    one = f'import os\n\ndef first(a: int) -> None:\n    """One."""\n{body}    return\n'
    other = f"def second() -> None:\n    # Why.\n    os.remove('x')\n{body}"
    assert repeated({"one.py": one, "other.py": other}) == ["one.py:5 and other.py:4"]
    assert repeated({"one.py": one, "other.py": other.replace("print(3)", "print(9)")}) == []
