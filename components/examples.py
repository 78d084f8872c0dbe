"""Writes Arrow tables as TFX Examples: gzip TFRecords of tf.Example, encoded in C++."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

import pyarrow as pa
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx_bsl.coders import example_coder

_BATCH_ROWS = 4096


def write_examples(artifact: standard_artifacts.Examples, splits: Mapping[str, pa.Table]) -> None:
    """Fills an Examples artifact with a split for each table.

    Args:
        artifact: the output artifact; its `split_names` and formats are set.
        splits: by split name, a table whose columns are lists of string, float32 or int64
            (a null or empty list is an absent feature).
    """
    write_example_pieces(artifact, splits.items())


def write_example_pieces(
    artifact: standard_artifacts.Examples, pieces: Iterable[tuple[str, pa.Table]]
) -> None:
    """Fills an Examples artifact as `write_examples` does, of tables that come piece by piece.

    Args:
        artifact: the same.
        pieces: the split's name and some of its rows, those of several splits in any turn.
    """
    writers: dict[str, tf.io.TFRecordWriter] = {}
    with contextlib.ExitStack() as opened:
        for split, table in pieces:
            if split not in writers:
                writers[split] = opened.enter_context(_writer(os.path.join(artifact.uri, f"Split-{split}")))
            for batch in _encodable(table).to_batches(_BATCH_ROWS):
                for record in example_coder.RecordBatchToExamples(batch):
                    writers[split].write(record)
    artifact.split_names = artifact_utils.encode_split_names(list(writers))
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(artifact, "tfrecords_gzip")


def _writer(folder: str) -> tf.io.TFRecordWriter:
    tf.io.gfile.makedirs(folder)
    path = os.path.join(folder, "data_tfrecord-00000-of-00001.gz")
    return tf.io.TFRecordWriter(path, tf.io.TFRecordOptions("GZIP", compression_level=1))


def _encodable(table: pa.Table) -> pa.Table:
    """Strings as bytes, the only text the C++ encoder takes."""
    columns = {}
    for name, column in zip(table.column_names, table.itercolumns(), strict=False):
        array = column.combine_chunks()
        text = pa.types.is_string(array.type.value_type)
        columns[name] = array.cast(pa.list_(pa.binary())) if text else array
    return pa.table(columns)
