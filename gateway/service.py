"""The gateway as a whole: it records, and it asks, with what was recorded."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
from collections.abc import AsyncIterator, Callable

from aisle.gateway.ads.service import Ads
from aisle.gateway.arms.asking import AskingByArms
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.asking import Asking, new_request_id, sells_nothing
from aisle.gateway.events import microseconds
from aisle.gateway.files.records import shown
from aisle.gateway.items.service import Items
from aisle.gateway.log import EventLog
from aisle.gateway.questions import Answer, Done, Listing, Question, Recommend, Search, Slots
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recording import Recording, utc_now
from aisle.gateway.spool import NotWritten, Record
from aisle.gateway.uploads.questions import Pictured, SimilarByImage
from aisle.gateway.uploads.reading import PictureReading
from aisle.serving import AsyncClient

SHOWN_SECONDS = 0.1
"""How long what was shown is gathered for, so that many answers share one write to the disk."""


class Gateway(Recording):
    """Records, asks, merges and forgets.

    Attributes:
        asking: asks the served model.
        items: what is told of items.
        ads: sells places; None where nothing is sold.
        metrics: of the process.
    """

    def __init__(
        self,
        client: AsyncClient,
        recents: Delivery,
        log: EventLog,
        items: Items,
        now: Callable[[], datetime.datetime] = utc_now,
        experiments: Experiments | None = None,
        ads: Ads | None = None,
    ) -> None:
        """Nothing runs yet, see `running`; without experiments nobody is assigned, without ads nothing sold."""
        super().__init__(recents, log, now, ads.charging if ads else None)
        self.items, self.ads = items, ads
        told = (client, recents, items, now, ads.considers if ads else sells_nothing)
        self.asking = AskingByArms(experiments, *told) if experiments else Asking(*told)
        self._experiments = experiments
        self._client = client
        if ads:
            ads.observe = self.metrics.ads_seconds.observe
            self.metrics.ads_shows.set_function(lambda: ads.shows)
            self.metrics.ads_charged.set_function(lambda: ads.charging.charged)
        self._pictures = PictureReading()
        self._shown: list[Callable[[], Record]] = []
        """What makes the records of what was shown: an answer doesn't wait for its own."""
        self._noting: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As `Recording.running`; what was shown is in the files, too, and what changes of items is followed."""
        async with super().running():
            await self.items.start()
            following = asyncio.create_task(self.items.run())
            try:
                async with self.ads.running() if self.ads else contextlib.nullcontext():
                    yield
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                if self._noting:
                    await self._noting
                await self.items.close()
                await self._client.close()
                if self._experiments:
                    await self._experiments.close()

    async def forget(self, user_id: str) -> Done:
        """As `Recording.forget`."""
        # A record forgets those before it alone.
        await self._write_shown()
        return await super().forget(user_id)

    async def answer(self, route: str, asked: Listing, **who: str) -> Answer:
        """Answers a question for a list, with its sponsored places sold, and notes what is shown.

        Args:
            route: that is asked.
            asked: the question.
            who: is shown the answer, by `user_id` and `session_id`, where the question is asked as of anybody.
        """
        ask, shown_to = functools.partial(getattr(self.asking, route), asked), asked.model_copy(update=who)
        answer: Answer = await (self.ads.answered(route, shown_to, ask) if self.ads else ask())
        self.note_shown(route, shown_to, answer)
        return answer

    async def similar_by_image(self, asked: SimilarByImage, data: bytes, **who: str) -> Answer:
        """As `answer`, with the file of a picture; raises InputError where it can't be used."""
        small = await self._pictures.small(data)
        told = asked.model_dump(include=set(SimilarByImage.model_fields))
        return await self.answer("similar_by_image", Pictured(**told, image=small), **who)

    async def advertise(self, asked: Slots) -> Answer:
        """Sponsored items for slots of their own; none where nothing is sold. In no experiment."""
        if self.ads is None:
            return Answer(request_id=new_request_id(), version=None, stale=False, items=[])
        told = asked.model_dump(exclude={"query", "slots"})
        question: Listing = Search(query=asked.query, **told) if asked.query.strip() else Recommend(**told)
        route = "search" if isinstance(question, Search) else "recommend"
        answer = await self.ads.alone(
            route, question, asked.slots, functools.partial(getattr(Asking, route), self.asking, question)
        )
        self.note_shown("ads", asked, answer)
        return answer

    def note_shown(self, source: str, asked: Question, answer: Answer) -> None:
        """Notes that an answer was shown; the answer doesn't wait for it."""
        self._shown.append(functools.partial(_record, source, asked, answer, microseconds(self._now())))
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note_all())

    async def _note_all(self) -> None:
        while self._shown:
            await asyncio.sleep(SHOWN_SECONDS)
            await self._write_shown()

    async def _write_shown(self) -> None:
        batch, self._shown = self._shown, []
        try:
            await self._log.append([make() for make in batch])
        except NotWritten:
            self.metrics.unwritten.inc(len(batch))


def _record(source: str, asked: Question, answer: Answer, at: int) -> Record:
    """What the log says of an answer that was shown at a moment, in microseconds."""
    told = asked.model_dump(include={"user_id", "session_id", "query", "experiment", "arm"})
    if answer.assigned:
        told |= answer.assigned.noted
    filled = {name: value for name, value in told.items() if value}
    filled["timestamp"] = at
    items = [item.item_id for item in answer.items]
    arms = answer.assigned.arms if answer.assigned else ()
    campaigns = [item.campaign_id for item in answer.items]
    scores = [item.score if item.sponsored else None for item in answer.items]
    return shown(source, answer.request_id, answer.version, items, filled, arms, campaigns, scores)
