"""Writes the JSON Schemas of the reports: `python -m aisle.components.reports.schemas DEST`."""

from __future__ import annotations

import argparse
import json
import pathlib

from aisle.components.reports import REPORTS
from aisle.components.reports.schemas import json_schema


def write(folder: pathlib.Path) -> None:
    """Writes `NAME.schema.json` of every report into a folder, made if it isn't there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in REPORTS:
        text = json.dumps(json_schema(name), indent=2, ensure_ascii=False)
        (folder / f"{name}.schema.json").write_text(f"{text}\n", encoding="utf-8")


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dest", type=pathlib.Path, help="the folder for them")
    write(parser.parse_args().dest)


if __name__ == "__main__":
    main()
