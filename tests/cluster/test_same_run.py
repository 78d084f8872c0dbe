"""A run whose Beam works in other processes makes what a run in one process makes."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from tests.cluster.same import assert_same_tables, files_of, records


def test_tables_ledger_quarantine_and_labels_are_the_same_to_the_byte(
    here: pathlib.Path, there: pathlib.Path
) -> None:
    assert_same_tables(here, there)


def test_beams_statistics_are_those_of_this_process(here: pathlib.Path, there: pathlib.Path) -> None:
    import tensorflow_data_validation as tfdv

    mine, other = (
        files_of(artifacts, lambda name: name.startswith("StatisticsGen.")) for artifacts in (here, there)
    )
    assert mine
    assert mine.keys() == other.keys()
    for name, path in mine.items():
        told = [tfdv.load_stats_binary(str(one)).datasets[0] for one in (path, other[name])]
        counts, found = ({one.path.step[0]: _counts(one) for one in dataset.features} for dataset in told)
        assert told[0].num_examples == told[1].num_examples
        assert counts == found, name


def _counts(feature: Any) -> tuple[Any, ...]:
    """What a feature's statistics count, which no order of the rows changes."""
    of = feature.string_stats if feature.HasField("string_stats") else feature.num_stats
    return of.common_stats.num_missing, of.common_stats.num_non_missing, getattr(of, "unique", 0)


def test_transform_finds_the_same_vocabularies_and_examples(here: pathlib.Path, there: pathlib.Path) -> None:
    mine, other = (files_of(artifacts, lambda name: name == "Transform") for artifacts in (here, there))
    words = [name for name in mine if "/assets/" in name]
    assert len(words) > 2
    assert [name for name in words if mine[name].read_bytes() != other[name].read_bytes()] == []
    splits = {name.split("/")[2] for name in mine if "/Split-" in name}
    assert "Split-train" in splits
    for split in splits:
        # The means that numbers are scaled by are sums in another order: their last bits differ.
        (others, numbers), (found, floats) = (_parted(records(files, split)) for files in (mine, other))
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
