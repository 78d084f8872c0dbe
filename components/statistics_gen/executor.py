"""Runs StatisticsGen: in this process, by workers, or by Beam as the stock one does."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen import executor
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, json_utils

from aisle.components.beam import runs_here
from aisle.components.statistics_gen import spread
from aisle.components.statistics_gen.in_memory import generate_statistics, needs_beam, parquet_batches
from aisle.components.storage import list_folder, make_folder, open_file


class Executor(executor.Executor):
    """The stock executor's inputs, options and outputs.

    Beam spends its time on moving record batches between stages, not on the statistics: on one machine 20
    times what they take. So on Parquet the same generators are run in a loop, here or, where a table is large
    and the runner has workers of its own, by them (`spread`).
    """

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `tfx.components.statistics_gen.executor.Executor.Do`."""
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        options = _options(input_dict, exec_properties)
        if options is None or not _is_parquet(examples):
            super().Do(input_dict, output_dict, exec_properties)
            return
        excluded = json_utils.loads(exec_properties.get(standard_component_specs.EXCLUDE_SPLITS_KEY) or "[]")
        splits = [
            split
            for split in artifact_utils.decode_split_names(examples.split_names)
            if split not in excluded
        ]
        statistics = artifact_utils.get_single_instance(output_dict[standard_component_specs.STATISTICS_KEY])
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        statistics.set_string_custom_property(executor.STATS_DASHBOARD_LINK, "")
        statistics.set_json_value_custom_property(
            executor.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(dict.fromkeys(splits, 1.0))
        )
        for split in splits:
            folder = artifact_utils.get_split_uri([examples], split)
            found = self._found([os.path.join(folder, name) for name in list_folder(folder)], split, options)
            target = artifact_utils.get_split_uri([statistics], split)
            make_folder(target)
            with open_file(os.path.join(target, executor.DEFAULT_FILE_NAME), "wb") as file:
                file.write(found.SerializeToString(deterministic=True))

    def _found(self, paths: Sequence[str], split: str, options: tfdv.StatsOptions) -> Any:
        """The statistics of a split's files."""
        if not runs_here(self._beam_pipeline_args):
            pieces = spread.pieces_of(paths, spread.PIECE_ROWS)
            if len(pieces) > 1:
                folder = os.path.join(self._get_tmp_dir(), f"statistics-{split}")
                return spread.spread_statistics(pieces, options, self._make_beam_pipeline, folder)
        batches = itertools.chain.from_iterable(parquet_batches(path) for path in paths)
        return generate_statistics(batches, options)


def _is_parquet(examples: Any) -> bool:
    return examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_PARQUET


def _options(input_dict: dict[str, Any], exec_properties: dict[str, Any]) -> tfdv.StatsOptions | None:
    """The options, with the schema among the inputs; None where only Beam can do what they ask."""
    if exec_properties.get(standard_component_specs.SHARDED_STATS_OUTPUT_KEY):
        return None
    if json_utils.loads(exec_properties.get(standard_component_specs.SAMPLE_RATE_BY_SPLIT_KEY) or "{}"):
        return None
    given = exec_properties.get(standard_component_specs.STATS_OPTIONS_JSON_KEY)
    options = tfdv.StatsOptions.from_json(given) if given else tfdv.StatsOptions()
    if schemas := input_dict.get(standard_component_specs.SCHEMA_KEY):
        if options.schema:
            return None  # The stock executor says what is wrong with that.
        folder = artifact_utils.get_single_uri(schemas)
        options.schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(folder))
    return None if needs_beam(options) else options
