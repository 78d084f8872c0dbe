"""Writes Arrow tables as TFX Examples: gzip TFRecords of tf.Example, encoded in C++."""

from __future__ import annotations

import os

import pyarrow as pa
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx_bsl.coders import example_coder

_BATCH_ROWS = 4096


def write_examples(artifact: standard_artifacts.Examples, splits: dict[str, pa.Table]) -> None:
    """Fills an Examples artifact with a split for each table.

    Args:
        artifact: the output artifact; its `split_names` and formats are set.
        splits: by split name, a table whose columns are lists of string, float32 or int64
            (a null or empty list is an absent feature).
    """
    for split, table in splits.items():
        folder = os.path.join(artifact.uri, f"Split-{split}")
        tf.io.gfile.makedirs(folder)
        path = os.path.join(folder, "data_tfrecord-00000-of-00001.gz")
        with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions("GZIP", compression_level=1)) as writer:
            for batch in _encodable(table).to_batches(_BATCH_ROWS):
                for record in example_coder.RecordBatchToExamples(batch):
                    writer.write(record)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(artifact, "tfrecords_gzip")


def _encodable(table: pa.Table) -> pa.Table:
    """Strings as bytes, the only text the C++ encoder takes."""
    columns = {}
    for name, column in zip(table.column_names, table.itercolumns(), strict=False):
        array = column.combine_chunks()
        text = pa.types.is_string(array.type.value_type)
        columns[name] = array.cast(pa.list_(pa.binary())) if text else array
    return pa.table(columns)
