"""TensorFlow without the lines it prints when it is imported."""

from __future__ import annotations

import os
import warnings


def quieten_tensorflow() -> None:
    """Silences what a user can do nothing about; call it before TensorFlow is imported.

    TensorFlow looks for a GPU's libraries at import and logs as an error what it does not find; what it
    raises is not silenced.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
