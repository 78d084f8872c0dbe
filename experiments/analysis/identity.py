"""Who was anonymous at first and known later: one user, of whom an experiment must not make two."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events


def recognised(events: Events) -> tuple[Events, npt.NDArray[np.bool_]]:
    """Has what an anonymous session did be its user's, where one user alone is known of the session.

    Args:
        events: of users, each with its session as `other_unit`.

    Returns:
        The events, and which of them, [e], got their user so.
    """
    named = (events.unit != "") & (events.other_unit != "")
    lacking = (events.unit == "") & (events.other_unit != "")
    found = np.zeros(len(events), dtype=bool)
    if not (named.any() and lacking.any()):
        return events, found
    pairs = np.unique(np.stack([events.other_unit[named], events.unit[named]], axis=1), axis=0)
    sessions, first, users = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    sessions, owners = sessions[users == 1], pairs[first[users == 1], 1]
    if not len(sessions):  # A device that users share is nobody's.
        return events, found
    places = np.minimum(np.searchsorted(sessions, events.other_unit), len(sessions) - 1)
    found = lacking & (sessions[places] == events.other_unit)
    unit = np.where(found, owners[places], events.unit)
    return dataclasses.replace(events, unit=unit), found
