"""The errors a user sees as one line on stderr, and the exit code of each.

AisleError            1
├── InputError        2   wrong usage, table, file or setting
├── GateBlocked       3   the anomaly gate, or the gate behind the Cleaner, stopped the run
└── NotBlessed        4   the model is worse than what it must beat
"""

from __future__ import annotations


class AisleError(Exception):
    """Something went wrong that the message explains in full; shown without a traceback."""

    exit_code = 1


class InputError(AisleError):
    """The user's input can't be used: says what came, what was expected and how to mend it."""

    exit_code = 2


class GateBlocked(AisleError):
    """The data holds anomalies of severity ERROR, or too much of it was lost; the message names the report."""

    exit_code = 3


class NotBlessed(AisleError):
    """The new model did not pass its evaluation; the served model is unchanged."""

    exit_code = 4
