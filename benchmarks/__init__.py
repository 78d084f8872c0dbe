"""What aisle does, measured beside what it must beat; run as `python -m benchmarks.SUBJECT.NAME` from the repository."""

import os

# Before TensorFlow is first imported: TFRS refuses Keras 3.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
