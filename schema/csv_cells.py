"""Cells of a CSV file that a spreadsheet must not take for a formula.

A cell that starts with `=`, `+`, `-`, `@`, tab or carriage return gets an apostrophe in front. A cell
that starts with apostrophes and then one of these gets one more, so that what was written can be read
back: `read_cell(write_cell(text)) == text` for every text.
"""

from __future__ import annotations

import re

FORMULA = r"^'*[=+\-@\t\r]"
"""The beginning of a text that a cell has an apostrophe in front of, as a regular expression."""
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def write_cell(text: str) -> str:
    """The cell as it is written."""
    return f"'{text}" if re.match(FORMULA, text) else text


def read_cell(cell: str) -> str:
    """The text of a cell that `write_cell` wrote; any other cell as it is."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell
