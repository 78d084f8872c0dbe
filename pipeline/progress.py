"""What a run says while it runs: a line a step on stderr; everything else goes to a log file."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import re
import sys
import time
import warnings
from collections.abc import Iterator

_RUNNING = re.compile(r"Component (\S+) is running\.")
_NEW = re.compile(r"Going to run a new execution \d+")
_FINISHED = re.compile(r"Component (\S+) is finished\.")
_LIBRARIES = ("tensorflow", "apache_beam", "transformers", "h5py")


class Steps(logging.Handler):
    """Prints a line as each step of the pipeline starts, or is found to be done already.

    The lines are made of what TFX's LocalDagRunner and Launcher log, the only signs they give.
    """

    def __init__(self, count: int, started: float) -> None:
        """Args: `count`: steps of the pipeline. `started`: `time.monotonic()` at the beginning."""
        super().__init__(logging.INFO)
        self._count, self._started = count, started
        self._step, self._at, self._new = "", 0, False

    def emit(self, record: logging.LogRecord) -> None:
        """Reads one record of the log."""
        message = record.getMessage()
        if running := _RUNNING.match(message):
            self._step, self._new = running.group(1), False
            self._at += 1
        elif _NEW.fullmatch(message) and not self._new:
            self._new = True
            self._say("")
        elif _FINISHED.match(message) and not self._new:
            self._say(" (done before)")

    def _say(self, how: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        print(f"{minutes:3}:{seconds:02}  {self._at:2}/{self._count} {self._step}{how}", file=sys.stderr)


class _LogFile(logging.FileHandler):
    """Loses what a full disk doesn't take; by default every line would be a traceback on stderr."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Does nothing."""


@contextlib.contextmanager
def narrated(log: pathlib.Path, count: int) -> Iterator[None]:
    """Shows the steps of a run, and keeps TFX's own log in a file.

    Args:
        log: the file; appended to.
        count: steps of the pipeline.
    """
    from absl import logging as absl_logging

    warnings.filterwarnings("ignore")
    log.parent.mkdir(parents=True, exist_ok=True)
    file = _LogFile(log, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = [file, Steps(count, time.monotonic())]
    root.setLevel(logging.INFO)
    absl_logging.set_verbosity(absl_logging.INFO)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        file.close()
