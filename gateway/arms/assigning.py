"""Which experiment an answer is part of, and which arm whoever asks gets."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pydantic

from aisle.experiments.assignment.experiment import Assignment, Experiment
from aisle.experiments.assignment.running import Running
from aisle.gateway.questions import Listing, Question, Recommend, Search, Similar
from aisle.gateway.said import WRONG_KEY, KeyNeeded
from aisle.gateway.security import brings_key
from aisle.gateway.uploads.questions import SimilarByImage
from aisle.schema.errors import InputError
from aisle.serving import AsyncClient

UNITS = ("user_id", "session_id")
POLICIES = ("recommend", "retrieve")
SETTINGS = ("k", "exclude_seen", "in_stock", "sponsored")
"""What an arm may set of a question, in the place of what that says."""
_LISTS: dict[str, type[Listing]] = {
    **{"search": Search, "recommend": Recommend},
    **{"similar": Similar, "similar_by_image": SimilarByImage},
}
_ROUTES: tuple[str, ...] = (*_LISTS, "rank", "explain")


class Experiments:
    """The experiments that a gateway assigns by, and a client of each version label that their arms name.

    An experiment is part of an answer where one of its arms could change it: who asks for something else is no
    exposure. One whose arms change nothing here, since the site itself shows the difference, is part of all lists.
    """

    def __init__(self, running: Running, open_client: Callable[[str], AsyncClient]) -> None:
        """Opens the clients; `close` closes them.

        Raises:
            InputError: the gateway can't do what an arm says, or two experiments would be part of one answer.
        """
        self._running = running.experiments
        for experiment in self._running:
            _check(experiment)
        self._routes = {experiment.name: _concerned(experiment) for experiment in self._running}
        for one, other in itertools.combinations(self._running, 2):
            both = sorted(self._routes[one.name] & self._routes[other.name])
            if both and not (one.layer and one.layer == other.layer):
                raise InputError(
                    f"the experiments {one.name!r} and {other.name!r} both concern {both[0]}, and an answer is part "
                    "of one; give them one `layer` with a `slot` each"
                )
        labels = {arm.label for experiment in self._running for arm in experiment.arms if arm.label}
        self.clients = {label: open_client(label) for label in sorted(labels)}

    async def close(self) -> None:
        """Closes the clients."""
        for client in self.clients.values():
            await client.close()

    def assign(self, route: str, asked: Question) -> tuple[Experiment, Assignment] | None:
        """The experiment that an answer is part of, and the arm; None of none.

        Raises:
            KeyNeeded: the question names another arm than its visitor's, and brings no key.
            InputError: it names an arm that the experiment doesn't have.
        """
        units = {unit: getattr(asked, unit) for unit in UNITS}
        if asked.experiment:
            named = next((one for one in self._running if one.name == asked.experiment), None)
            # One that isn't of the file is the site's own: an answer is part of one experiment.
            return (named, _named(named, units[named.unit], asked.arm)) if named else None
        concerned = (one for one in self._running if route in self._routes[one.name])
        return next(((one, found) for one in concerned if (found := one.assign(units[one.unit]))), None)


def _named(experiment: Experiment, unit: str, name: str) -> Assignment:
    """The arm that a question names: its visitor's own, or with the key any."""
    drawn = experiment.assign(unit)
    if drawn and drawn.arm.name == name and not experiment.interleaved:
        return drawn
    arm = next((arm for arm in experiment.arms if arm.name == name), None)
    if arm is None:
        names = ", ".join(arm.name for arm in experiment.arms)
        raise InputError(f"arm is {name!r}; expected one of those of {experiment.name!r}: {names}")
    if not brings_key.get():
        raise KeyNeeded(f"another arm of {experiment.name!r} than one's own takes the key: {WRONG_KEY}")
    return Assignment(experiment.name, arm, forced=True)


def _concerned(experiment: Experiment) -> frozenset[str]:
    """The routes whose answers an arm could change; all lists where none changes anything here."""
    if experiment.interleaved:
        return frozenset(_LISTS)
    routes: set[str] = set()
    for arm in experiment.arms:
        routes.update(_ROUTES if arm.label else (), ("recommend",) if arm.policy else ())
        routes.update(name for name, asked in _LISTS.items() if set(arm.settings) & set(asked.model_fields))
    return frozenset(routes or _LISTS)


def _check(experiment: Experiment) -> None:
    """Raises InputError for what the gateway can't do."""
    where = f"the experiment {experiment.name!r}"
    if experiment.unit not in UNITS:
        raise InputError(f"{where}: unit is {experiment.unit!r}; expected one of {', '.join(UNITS)}")
    for arm in experiment.arms:
        if arm.policy and arm.policy not in POLICIES:
            raise InputError(
                f"{where}: the arm {arm.name!r} has the policy {arm.policy!r}; expected one of {', '.join(POLICIES)}"
            )
        if unknown := sorted(set(arm.settings) - set(SETTINGS)):
            raise InputError(
                f"{where}: the arm {arm.name!r} sets {unknown[0]!r}; expected one of {', '.join(SETTINGS)}"
            )
        try:
            Recommend.model_validate(dict(arm.settings), strict=True)
        except pydantic.ValidationError as error:
            wrong = error.errors()[0]
            raise InputError(
                f"{where}: the arm {arm.name!r} sets {wrong['loc'][0]} to {wrong['input']!r}: {wrong['msg']}"
            ) from error
