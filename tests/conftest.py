"""What every test shares: the legacy-Keras switch, quiet logs, and the real data where present."""

from __future__ import annotations

import os
import pathlib

import pytest

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder of real data sets; the test is skipped, saying so, where it is absent."""
    folder = pathlib.Path(os.environ.get("AISLE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data sets are absent: {folder} (set AISLE_SHARED_DATA to their folder)")
    return folder
