"""Declares PictureReader."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec

from aisle.components.artifacts import Pictures, Tables
from aisle.components.pictures.executor import Executor
from aisle.components.specifications import channels, new_outputs, texts


class PictureReaderSpec(component_spec.ComponentSpec):
    """The cleaned tables in; what is seen in the items' pictures out."""

    PARAMETERS = texts("data_folder", "fingerprint", "encoder_fn", "cache_dir", "reports_dir", "code")
    INPUTS = channels(tables=Tables)
    OUTPUTS = channels(pictures=Pictures)


class PictureReader(base_component.BaseComponent):
    """Reads the pictures that items name, and calls `encoder_fn`, a dotted path, for what is seen in them."""

    SPEC_CLASS = PictureReaderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        tables: types.BaseChannel,
        data_folder: str,
        fingerprint: str,
        encoder_fn: str,
        cache_dir: str,
        reports_dir: str,
        code: str,
    ) -> None:
        """Declares the component.

        Args:
            tables: of the Cleaner.
            data_folder: below which the pictures lie.
            fingerprint: of the files below it, so that a changed picture is read again.
            encoder_fn: dotted path of a function like `aisle.model.images.encoder.encoder_fn`.
            cache_dir: holds what was seen in pictures, by the hash of their content, over runs.
            reports_dir: where the report goes.
            code: a hash of the function's code, for the cache.
        """
        super().__init__(
            PictureReaderSpec(
                tables=tables,
                data_folder=data_folder,
                fingerprint=fingerprint,
                encoder_fn=encoder_fn,
                cache_dir=cache_dir,
                reports_dir=reports_dir,
                code=code,
                **new_outputs(PictureReaderSpec),
            )
        )
