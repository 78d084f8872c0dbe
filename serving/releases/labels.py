"""TF Serving's configuration file beside a model's folder, which holds the labels of its versions.

TF Serving reads it by `--model_config_file`. There is one only once a label was given.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from aisle.schema.contract import MODEL_NAME
from aisle.schema.errors import InputError
from aisle.schema.whole_files import whole_file

LABEL = re.compile(r"[a-z][a-z0-9_-]*")


def config_file(base: pathlib.Path) -> pathlib.Path:
    """Where the configuration of the model in `base` lies."""
    return base.parent / "models.config"


def read_labels(base: pathlib.Path) -> dict[str, int]:
    """Labels to versions; empty where no label was ever given.

    Raises:
        InputError: the file can't be read.
    """
    entry = _entry(_read(config_file(base)))
    return dict(entry.version_labels) if entry is not None else {}


def read_versions(base: pathlib.Path) -> set[int]:
    """The versions that TF Serving is told to load; empty where that is left to it. Raises as `read_labels`."""
    entry = _entry(_read(config_file(base)))
    return set(entry.model_version_policy.specific.versions) if entry is not None else set()


def write_labels(
    base: pathlib.Path, labels: Mapping[str, int], versions: Collection[int], base_path: str = ""
) -> None:
    """Replaces the file's labels and versions, at once; what else it says, of other models too, stays.

    Args:
        base: the model's folder.
        labels: to the version each means.
        versions: what TF Serving is to load.
        base_path: where TF Serving sees `base`; "" leaves it, or is the absolute path of `base` at first.

    Raises:
        InputError: the file that is there can't be read.
    """
    path = config_file(base)
    config = _read(path)
    entry = _entry(config)
    if entry is None:
        entry = config.model_config_list.config.add(name=MODEL_NAME, model_platform="tensorflow")
    entry.base_path = base_path or entry.base_path or os.path.abspath(base)
    entry.model_version_policy.Clear()
    entry.model_version_policy.specific.versions.extend(sorted(versions))
    entry.version_labels.clear()
    entry.version_labels.update(labels)
    with whole_file(path, through=True) as partial:
        partial.write_text(text_format.MessageToString(config), encoding="utf-8")


def _read(path: pathlib.Path) -> Any:
    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), config)
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise InputError(
            f"{path} can't be read as TF Serving's ModelServerConfig: {error}; mend it, or remove it "
            "and give the labels again"
        ) from error
    return config


def _entry(config: Any) -> Any:
    """The part that is about our model, or None."""
    return next((entry for entry in config.model_config_list.config if entry.name == MODEL_NAME), None)
