"""What `infra.tf_serving` may name: nothing, an executable, or a server that runs."""

from __future__ import annotations

import re
import shutil

from aisle.schema.errors import InputError

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})", re.ASCII)
"""HOST:PORT; an IPv6 address stands in brackets."""


def is_address(tf_serving: str) -> bool:
    """Whether the setting is HOST:PORT."""
    match = _ADDRESS.fullmatch(tf_serving)
    return match is not None and 0 < int(match["port"]) < 65536


def check_tf_serving(tf_serving: str) -> None:
    """Checks the setting on the machine that the canary runs on.

    Args:
        tf_serving: "" for the embedded server, an executable's path (or its name on the PATH), or HOST:PORT.

    Raises:
        InputError: it is none of them.
    """
    if tf_serving and not is_address(tf_serving) and shutil.which(tf_serving) is None:
        raise InputError(
            f"infra.tf_serving={tf_serving!r} is neither an executable nor HOST:PORT; name the path of "
            "tensorflow_model_server, or a TF Serving that is set aside for canaries, such as localhost:8500"
        )
