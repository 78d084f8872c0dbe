"""A run whose Beam works in other processes makes what a run in one process makes."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

RUNNER = pathlib.Path(__file__).with_name("portable_run.py")
TABLES = ("ExampleGen", "SchemaGen", "Cleaner", "Labeler")
"""What is the same to the byte, but for the order of the features within an example, which protobuf doesn't keep."""


@pytest.fixture(scope="module")
def both(shop: pathlib.Path, cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """The artifacts of a run here, and of one by workers."""
    outs = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    for out, args in zip(outs, ((), cluster.beam_args), strict=True):
        command = [sys.executable, "-W", "ignore", str(RUNNER), str(shop), str(out), *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]
    return [out / "artifacts" for out in outs]


def _files(artifacts: pathlib.Path, of: Callable[[str], bool]) -> dict[str, pathlib.Path]:
    """The files of components, by what they are of: without the number of the execution."""
    found = {}
    for path in artifacts.rglob("*"):
        component, *where = path.relative_to(artifacts).parts
        if path.is_file() and of(component) and not where[0].startswith("."):
            found["/".join((component, where[0], *where[2:]))] = path
    return found


def test_tables_ledger_quarantine_and_labels_are_the_same_to_the_byte(both: list[pathlib.Path]) -> None:
    here, there = (_files(artifacts, lambda name: name.split(".")[0] in TABLES) for artifacts in both)
    kinds = {"Cleaner/tables/events.parquet", "Cleaner/ledger/ledger.json", "Cleaner/ledger/evidence.parquet"}
    kinds |= {"Cleaner/quarantine/quarantine.parquet", "ExampleGen.events/quarantine/quarantine.parquet"}
    assert kinds <= here.keys()
    assert any(name.startswith("Labeler/examples/Split-train/") for name in here)
    assert here.keys() == there.keys()
    tables = [name for name in here if "/Split-" not in name or name.endswith(".parquet")]
    assert [name for name in tables if here[name].read_bytes() != there[name].read_bytes()] == []
    for split in ("Split-items", "Split-train", "Split-eval"):
        assert _records(here, split) == _records(there, split), split


def test_beams_statistics_are_those_of_this_process(both: list[pathlib.Path]) -> None:
    import tensorflow_data_validation as tfdv

    here, there = (_files(artifacts, lambda name: name.startswith("StatisticsGen.")) for artifacts in both)
    assert here
    assert here.keys() == there.keys()
    for name, path in here.items():
        told = [tfdv.load_stats_binary(str(one)).datasets[0] for one in (path, there[name])]
        counts, found = ({one.path.step[0]: _counts(one) for one in dataset.features} for dataset in told)
        assert told[0].num_examples == told[1].num_examples
        assert counts == found, name


def _counts(feature: Any) -> tuple[Any, ...]:
    """What a feature's statistics count, which no order of the rows changes."""
    of = feature.string_stats if feature.HasField("string_stats") else feature.num_stats
    return of.common_stats.num_missing, of.common_stats.num_non_missing, getattr(of, "unique", 0)


def test_transform_finds_the_same_vocabularies_and_examples(both: list[pathlib.Path]) -> None:
    here, there = (_files(artifacts, lambda name: name == "Transform") for artifacts in both)
    words = [name for name in here if "/assets/" in name]
    assert len(words) > 2
    assert [name for name in words if here[name].read_bytes() != there[name].read_bytes()] == []
    splits = {name.split("/")[2] for name in here if "/Split-" in name}
    assert "Split-train" in splits
    for split in splits:
        # The means that numbers are scaled by are sums in another order: their last bits differ.
        (others, numbers), (found, floats) = (_parted(_records(files, split)) for files in (here, there))
        assert others == found, split
        np.testing.assert_allclose(numbers, floats, rtol=1e-5, atol=1e-6, err_msg=split)


def _parted(records: list[bytes]) -> tuple[list[bytes], list[float]]:
    """Examples without their floats, and the floats, both in the order of the first and then of the second."""
    import tensorflow as tf

    parted = []
    for record in records:
        example = tf.train.Example.FromString(record)
        floats = []
        for name, feature in sorted(example.features.feature.items()):
            if feature.HasField("float_list"):
                floats += feature.float_list.value
                example.features.feature[name].float_list.ClearField("value")
        parted.append((example.SerializeToString(deterministic=True), floats))
    parted.sort(key=lambda one: (one[0], [round(number, 3) for number in one[1]]))
    return [other for other, _ in parted], [number for _, floats in parted for number in floats]


def _records(files: dict[str, pathlib.Path], split: str) -> list[bytes]:
    """The examples of a split, in no order: as many files as there were workers hold them."""
    import tensorflow as tf

    paths = [str(path) for name, path in files.items() if f"/{split}/" in name]
    records = tf.data.TFRecordDataset(paths, "GZIP").as_numpy_iterator()
    return sorted(tf.train.Example.FromString(one).SerializeToString(deterministic=True) for one in records)
