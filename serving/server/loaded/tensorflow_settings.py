"""What TensorFlow reads from the environment when it is imported, for a process that answers questions."""

from __future__ import annotations

import os

_SETTINGS = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # oneDNN's allocator never gives back what a version held, and its kernels answer single questions no sooner.
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


def set_tensorflow() -> None:
    """Sets what the user hasn't set; called before TensorFlow is imported."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
