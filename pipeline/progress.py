"""What a run says while it runs: a line as each step starts, and errors."""

from __future__ import annotations

import logging
import re
import warnings

_STARTED = re.compile(r"Component (\S+) is running\.")


class _Steps(logging.Filter):
    """Lets through the start of each step, reworded, and errors that are not told twice."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Says whether a record is shown; gives the start of a step its words."""
        message = record.getMessage()
        started = _STARTED.match(message)
        if started:
            record.msg, record.args = f"  {started.group(1)}", None
            return True
        return record.levelno >= logging.ERROR and not re.match(r"Execution \d+ failed", message)


def show_steps() -> None:
    """Makes TFX's log a list of steps on stderr; libraries' warnings are not shown."""
    from absl import logging as absl_logging

    warnings.filterwarnings("ignore")
    absl_logging.set_verbosity(absl_logging.INFO)
    handler = absl_logging.get_absl_handler()
    handler.addFilter(_Steps())
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name in ("tensorflow", "apache_beam", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
