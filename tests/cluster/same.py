"""What two runs made, compared."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

TABLES = ("ExampleGen", "SchemaGen", "Cleaner", "Labeler")
"""What is the same to the byte, but for the order of the features within an example, which protobuf doesn't keep."""


def files_of(artifacts: pathlib.Path, of: Callable[[str], bool]) -> dict[str, pathlib.Path]:
    """The files of components, by what they are of: without the number of the execution."""
    found = {}
    for path in artifacts.rglob("*"):
        component, *where = path.relative_to(artifacts).parts
        if path.is_file() and of(component) and not where[0].startswith("."):
            found["/".join((component, where[0], *where[2:]))] = path
    return found


def assert_same_tables(first: pathlib.Path, second: pathlib.Path) -> None:
    """Compares what two runs' artifacts hold up to the labels."""
    here, there = (
        files_of(artifacts, lambda name: name.split(".")[0] in TABLES) for artifacts in (first, second)
    )
    kinds = {"Cleaner/tables/events.parquet", "Cleaner/ledger/ledger.json", "Cleaner/ledger/evidence.parquet"}
    kinds |= {"Cleaner/quarantine/quarantine.parquet", "ExampleGen.events/quarantine/quarantine.parquet"}
    assert kinds <= here.keys()
    assert any(name.startswith("Labeler/examples/Split-train/") for name in here)
    assert here.keys() == there.keys()
    tables = [name for name in here if "/Split-" not in name or name.endswith(".parquet")]
    assert [name for name in tables if here[name].read_bytes() != there[name].read_bytes()] == []
    for split in ("Split-items", "Split-train", "Split-eval"):
        assert records(here, split) == records(there, split), split


def records(files: dict[str, pathlib.Path], split: str) -> list[bytes]:
    """The examples of a split, in no order: as many files as there were workers hold them."""
    import tensorflow as tf

    paths = [str(path) for name, path in files.items() if f"/{split}/" in name]
    records = tf.data.TFRecordDataset(paths, "GZIP").as_numpy_iterator()
    return sorted(tf.train.Example.FromString(one).SerializeToString(deterministic=True) for one in records)
