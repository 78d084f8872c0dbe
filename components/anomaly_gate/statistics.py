"""TFDV's statistics of a table in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.tables import nested_rows


def table_statistics(rows: pa.Table) -> statistics_pb2.DatasetFeatureStatistics:
    """Returns the statistics of flat rows, as StatisticsGen would write them."""
    if not rows.num_rows or not rows.num_columns:
        return statistics_pb2.DatasetFeatureStatistics(num_examples=rows.num_rows)
    (batch,) = nested_rows(rows).combine_chunks().to_batches()
    # A mean over NaN, infinities or what overflows is none; the gate tells of the values themselves.
    with np.errstate(invalid="ignore", over="ignore"):
        return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions()).datasets[0]
