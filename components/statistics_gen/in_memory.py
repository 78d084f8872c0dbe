"""TFDV's statistics of record batches, without Beam.

The generators are those that TFDV runs in a Beam pipeline, but for one: there it counts values by shuffling
them, here by its sketches, which are made so large that they are exact for up to `EXACT_VALUES` distinct
values of a column. What has more is estimated, as TFDV's sketches do. They also keep a text of more than
1,024 bytes out of the top values, as `__LARGE_BYTES__`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.statistics.generators import stats_generator
from tensorflow_data_validation.statistics.generators.top_k_uniques_sketch_stats_generator import (
    TopKUniquesSketchStatsGenerator,
)
from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.plans.ahead import ahead
from aisle.components.storage import open_file

EXACT_VALUES = 1 << 20
BATCH_ROWS = 1 << 17

Partial = list[Any]
"""What each generator holds of some rows."""


def needs_beam(options: tfdv.StatsOptions) -> bool:
    """Says whether options ask for what TFDV computes only by Beam: slices, samples, lift."""
    return bool(
        options.slicing_config
        or options.experimental_slice_functions
        or getattr(options, "experimental_slice_sqls", None)  # gone from TFDV 1.21
        or options.sample_rate
        or options.label_feature
        or options.feature_allowlist
        or options.enable_semantic_domain_stats
        or options.use_sketch_based_topk_uniques
        or not options.add_default_generators
    )


def parquet_batches(path: str) -> Iterator[pa.RecordBatch]:
    """Reads a Parquet file piece by piece."""
    with open_file(path) as file:
        yield from pq.ParquetFile(file).iter_batches(BATCH_ROWS)


def rows_between(path: str, first: int, end: int) -> Iterator[pa.RecordBatch]:
    """Reads some of a Parquet file's rows: those from the number `first` on, and before `end`."""
    with open_file(path) as file:
        parquet, start = pq.ParquetFile(file), 0
        for group in range(parquet.num_row_groups):
            stop = start + parquet.metadata.row_group(group).num_rows
            if start < end and first < stop:
                for batch in parquet.iter_batches(BATCH_ROWS, row_groups=[group]):
                    low, high = max(first - start, 0), min(end - start, len(batch))
                    if low < high:
                        yield batch.slice(low, high - low)
                    start += len(batch)
            start = stop


def generate_statistics(
    batches: Iterable[pa.RecordBatch], options: tfdv.StatsOptions
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Computes a data set's statistics in one pass.

    Args:
        batches: of one schema; each column lists of values, a null list being a missing value.
        options: for which `needs_beam` is false.
    """
    return merged_statistics([partial_statistics(batches, options)], options)


def partial_statistics(batches: Iterable[pa.RecordBatch], options: tfdv.StatsOptions) -> Partial:
    """Returns what some of a data set's batches add to its statistics; see `generate_statistics`."""
    generators = _generators(options)
    partial = [generator.create_accumulator() for generator in generators]
    # Batches are unpacked by one thread while another counts.
    for batch in ahead(batches):
        partial = [one.add_input(part, batch) for one, part in zip(generators, partial, strict=True)]
    return partial


def merged_statistics(
    partials: Iterable[Partial], options: tfdv.StatsOptions
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Computes a data set's statistics of what its parts add to them."""
    generators = _generators(options)
    first, *others = partials
    for other in others:
        pairs = zip(generators, first, other, strict=True)
        first = [generator.merge_accumulators([one, two]) for generator, one, two in pairs]
    return stats_impl.extract_statistics_output(first, generators)


def _generators(options: tfdv.StatsOptions) -> list[stats_generator.CombinerStatsGenerator]:
    return [_exact(generator, options) for generator in stats_impl.get_generators(options, True)]


def _exact(
    generator: stats_generator.CombinerStatsGenerator, options: tfdv.StatsOptions
) -> stats_generator.CombinerStatsGenerator:
    """The generator, or if it is TFDV's sketch of a column's values one that is large enough to be exact."""
    if not isinstance(generator, TopKUniquesSketchStatsGenerator):
        return generator
    return TopKUniquesSketchStatsGenerator(
        schema=options.schema,
        example_weight_map=options.example_weight_map,
        num_top_values=options.num_top_values,
        num_rank_histogram_buckets=options.num_rank_histogram_buckets,
        frequency_threshold=options.frequency_threshold,
        weighted_frequency_threshold=options.weighted_frequency_threshold,
        num_misragries_buckets=EXACT_VALUES,
        num_kmv_buckets=EXACT_VALUES,
    )
