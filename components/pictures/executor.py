"""Runs PictureReader: the cleaned items to what is seen in their pictures."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils

from aisle.components.pictures.features import FeatureCache, see
from aisle.components.pictures.gathered import IMAGE
from aisle.components.pictures.storage import write_features
from aisle.components.reports import write_pictures
from aisle.components.tables import read_tables
from aisle.schema.tables import ITEMS


class Executor(base_executor.BaseExecutor):
    """Reads Tables, writes Pictures and the report."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        items = read_tables(artifact_utils.get_single_uri(input_dict["tables"]))[ITEMS.name]
        named = zip(
            items["item_id"].to_pylist(),
            items[IMAGE].to_pylist() if IMAGE in items.column_names else [None] * items.num_rows,
            strict=True,
        )
        cache = FeatureCache(exec_properties["cache_dir"])
        places = {item: place for item, place in named if place}
        encode = import_utils.import_class_by_path(exec_properties["encoder_fn"])()
        seen = see(exec_properties["data_folder"], places, encode, cache)
        uri = artifact_utils.get_single_uri(output_dict["pictures"])
        write_features(uri, list(seen.hashes), cache.take(list(seen.hashes.values())))
        report = {
            "version": 1,
            "items": items.num_rows,
            "named": len(places),
            "pictures": len(seen.hashes),
            "different": len(set(seen.hashes.values())),
            "findings": seen.findings(),
        }
        for folder in (uri, exec_properties["reports_dir"]):
            write_pictures(report, folder)
