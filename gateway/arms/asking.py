"""Each question goes to the version, by the policy and with the settings of the arm of whoever asks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.interleaving import team_draft
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.asking import Asking, Considers, sells_nothing
from aisle.gateway.items.service import Items
from aisle.gateway.questions import (
    Answer,
    Assigned,
    Explain,
    Explained,
    Listing,
    Question,
    Rank,
    Recommend,
    Search,
    Similar,
)
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.uploads.questions import Pictured
from aisle.serving import AsyncClient

Asked = TypeVar("Asked", bound=Question)
_AS_IS = Arm("", 1.0)


class AskingByArms(Asking):
    """Asks as the arm says that whoever asks gets; who is in no experiment is answered as without."""

    def __init__(
        self,
        experiments: Experiments,
        client: AsyncClient,
        recents: Delivery,
        items: Items,
        now: Callable[[], datetime],
        considers: Considers = sells_nothing,
    ) -> None:
        """As `Asking`; the experiments are the caller's to close."""
        told = (recents, items, now, considers)
        super().__init__(client, *told)
        self._experiments = experiments
        self._labelled = {label: Asking(one, *told) for label, one in experiments.clients.items()}

    async def search(self, asked: Search) -> Answer:
        """The best items for a query."""
        return await self._answered("search", asked, asked.query)

    async def recommend(self, asked: Recommend) -> Answer:
        """The best items for a visitor."""
        return await self._answered("recommend", asked)

    async def similar(self, asked: Similar) -> Answer:
        """What is like an item."""
        return await self._answered("similar", asked, asked.item_id)

    async def similar_by_image(self, asked: Pictured) -> Answer:
        """What looks like a picture."""
        about = hashlib.sha256(asked.image).hexdigest()
        return await self._answered("similar_by_image", asked, about)

    async def rank(self, asked: Rank) -> Answer:
        """The items' scores, in their order."""
        return await self._answered("rank", asked)

    async def explain(self, asked: Explain) -> Explained:
        """Why the items score as they do, by the version of whoever asks."""
        found = self._experiments.assign("explain", asked)
        label = found[1].arm.label if found else ""
        return await Asking.explain(self._labelled.get(label, self), asked)

    async def _answered(self, route: str, asked: Question, about: str = "") -> Answer:
        found = self._experiments.assign(route, asked)
        if found is None:
            return await self._by_arm(route, asked, _AS_IS)
        experiment, assignment = found
        if experiment.interleaved and not assignment.forced and isinstance(asked, Listing):
            return await self._interleaved(route, asked, experiment, about)
        answer = await self._by_arm(route, asked, assignment.arm)
        forced = assignment.forced and getattr(asked, experiment.unit) not in experiment.forced
        said = Assigned(experiment=experiment.name, arm=assignment.arm.name, forced=forced)
        return answer.model_copy(update={"assigned": said})

    async def _by_arm(self, route: str, asked: Question, arm: Arm) -> Answer:
        asking = self._labelled.get(arm.label, self)
        return await _asks(route, arm.policy)(asking, _with_settings(asked, arm))

    async def _interleaved(self, route: str, asked: Listing, experiment: Experiment, about: str) -> Answer:
        """Both arms' rankings in one answer, the same for whoever asks the same again in their visit."""
        one, other = await asyncio.gather(*(self._by_arm(route, asked, arm) for arm in experiment.arms))
        items = {item.item_id: item for item in (*other.items, *one.items)}
        seed = "\n".join((experiment.seed, asked.user_id, asked.session_id, route, about))
        k = max(_with_settings(asked, arm).k for arm in experiment.arms)
        mine, theirs = ([item.item_id for item in answer.items] for answer in (one, other))
        mixed = team_draft(mine, theirs, k, seed)
        arms = ["" if team is None else experiment.arms[team].name for team in mixed.teams]
        return one.model_copy(
            update={
                "items": [items[item] for item in mixed.items],
                "version": one.version if one.version == other.version else None,
                "stale": one.stale or other.stale,
                "assigned": Assigned(experiment=experiment.name, arm="", arms=arms),
            }
        )


def _asks(route: str, policy: str) -> Callable[[Asking, Any], Awaitable[Answer]]:
    """How a question of a route is asked, past the arms."""
    found: Callable[[Asking, Any], Awaitable[Answer]] = getattr(
        Asking, "retrieve" if (route, policy) == ("recommend", "retrieve") else route
    )
    return found


def _with_settings(asked: Asked, arm: Arm) -> Asked:
    fields = type(asked).model_fields
    return asked.model_copy(update={name: value for name, value in arm.settings.items() if name in fields})
