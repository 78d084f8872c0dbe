"""The errors a user sees as one line on stderr, and the exit code of each.

AisleError            1
├── InputError        2   wrong usage, table, file or setting
├── GateBlocked       3   the anomaly gate, or the gate behind the Cleaner, stopped the run
├── ExperimentUntrusted 3 an experiment's arms don't hold who was planned, or a log says nothing of another policy
├── NotBlessed        4   the model is worse than what it must beat
└── GuardrailHarmed   4   an experiment's treatment harms what it must not
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


class ExperimentUntrusted(AisleError):
    """An experiment's data say nothing of its arms, or a policy's log nothing of another one; the message says why."""

    exit_code = 3


class GuardrailHarmed(AisleError):
    """An experiment's treatment harms a metric that it must not; the message says which."""

    exit_code = 4
