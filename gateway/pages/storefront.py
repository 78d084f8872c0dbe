"""What the pages are made from, and how they come onto a gateway."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from aisle.gateway.pages.catalogue import Catalogue, Person, read_bought, read_catalogue, read_people
from aisle.gateway.pages.languages.chosen import chosen
from aisle.gateway.pages.languages.language import Language, marked
from aisle.gateway.pages.pictures import Pictures
from aisle.gateway.pages.rendering import page
from aisle.gateway.pages.runs import LowStock, Run
from aisle.gateway.pages.shelves import Shelves
from aisle.gateway.pages.signing import Signing
from aisle.gateway.pages.visitors import Visitor, visitor_of
from aisle.gateway.pages.watch import Watch, Watching
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.service import Gateway
from aisle.gateway.uploads.seeing import Seeing
from aisle.schema.errors import AisleError
from aisle.serving import AsyncClient

PROBLEMS = {
    403: marked("This is not allowed from where you came from."),
    404: marked("There is nothing here."),
    409: marked("It can't be had any more."),
    415: marked("What was sent can't be read."),
    422: marked("What was sent can't be read."),
    429: marked("That was too much at once. Wait a little."),
    503: marked("The shop doesn't answer just now. Try again in a moment."),
    504: marked("The shop doesn't answer just now. Try again in a moment."),
}
"""What a page says of a status, above the reason, which is in English."""


BY_PICTURE = "/look"
"""Where a picture is sent to be looked for."""


@dataclasses.dataclass(frozen=True)
class Shop:
    """How the shop is shown.

    Attributes:
        name: of the shop; "" is just a shop.
        currency: the sign of its prices, or its code; "" has them stand alone.
        language: of its titles, as `lang` says it (BCP 47); "" leaves it to their script.
        trying: whether a visitor may shop as any user, to see what they would: never on a real site.
    """

    name: str = ""
    currency: str = ""
    language: str = ""
    trying: bool = False


class Storefront:
    """All that the pages read.

    Attributes:
        gateway: that answers and records.
        client: asks the served model.
        recents: what visitors did of late.
        shop: how it is shown.
        run: what a run left; None where its folder isn't known.
        catalogue: the items that are known.
        people: users to shop as.
        pictures: of the items.
        shelves: make cards of answers.
        seeing: whether the model finds items by a picture.
        signing: whom the console lets in.
        watch: what was asked of late.
        uploads: the paths that take a picture.
    """

    uploads = (BY_PICTURE,)

    def __init__(
        self,
        gateway: Gateway,
        client: AsyncClient,
        recents: Delivery,
        key: str,
        shop: Shop,
        run: Run | None = None,
        pictures: pathlib.Path | None = None,
    ) -> None:
        """Reads the run's tables.

        Args:
            gateway: the caller's to end.
            client: the same, its server.
            recents: the same, its store.
            key: of the console; "" opens it to nobody.
            shop: how it is shown.
            run: what a run left.
            pictures: the folder of the items' `image`.
        """
        tables = run.tables if run else None
        self.gateway, self.client, self.recents, self.run = gateway, client, recents, run
        self.catalogue = read_catalogue(tables) if tables else Catalogue()
        self.shop = dataclasses.replace(shop, language=shop.language or self.catalogue.language)
        self.people: list[Person] = read_people(tables) if tables and shop.trying else []
        self.pictures = Pictures(pictures)
        low_stock = run.low_stock if run else LowStock()
        self.shelves = Shelves(gateway, client, recents, self.catalogue, self.pictures, low_stock)
        if tables and shop.trying:
            self.shelves.bought = functools.lru_cache(1_000)(functools.partial(read_bought, tables))
        self.seeing = Seeing(client)
        self.signing, self.watch = Signing(key), Watch()

    def visitor(self, request: Request) -> Visitor:
        """Who asks for a page."""
        return visitor_of(request, self.shop.trying)

    def page(self, request: Request, template: str, status: int = 200, **view: Any) -> Response:
        """An answer with what every page shows, for its visitor."""
        who = view.pop("who", None) or self.visitor(request)
        common = {"shop": self.shop, "who": who, "people": self.people, "query": ""}
        common |= {"departments": self.catalogue.departments, "sees": self.seeing.sees}
        return page(request, template, self.language(request), {**common, **view}, status)

    def language(self, request: Request) -> Language:
        """In which a page is asked for."""
        return chosen(request.headers.get("accept-language", ""), self.shop.language)

    def install(self, app: FastAPI) -> None:
        """Has an application serve the pages, and watches all that it is asked."""
        from fastapi.staticfiles import StaticFiles

        from aisle.gateway.pages import console, shopping

        app.state.storefront = self
        app.include_router(shopping.router)
        app.include_router(console.router)
        app.mount("/static", StaticFiles(directory=pathlib.Path(__file__).with_name("static")))
        app.add_middleware(Watching, watch=self.watch)


def _storefront(request: Request) -> Storefront:
    storefront: Storefront = request.app.state.storefront
    return storefront


Front = Annotated[Storefront, Depends(_storefront)]


class PageRoute(APIRoute):
    """A route whose refusals are pages, too: with the status and the words that the gateway has for them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            front = _storefront(request)
            await front.seeing.look(front.shelves.version)
            try:
                return await answer(request)
            except (AisleError, HTTPException, ValidationError) as error:
                status, said = await _told(request, error)
                if request.method != "GET":
                    front.watch.refuse(f"{request.method} {request.url.path}", status, said)
                problem = PROBLEMS.get(status, "")
                return front.page(request, "problem.html", status, said=said, problem=problem)

        return answered


async def _told(request: Request, error: Exception) -> tuple[int, str]:
    """The status and the words that the application answers an error with."""
    if isinstance(error, ValidationError):
        return 422, error.errors()[0]["msg"]
    handlers = request.app.exception_handlers
    handle = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
    if handle is None:
        raise error
    answer = await handle(request, error)
    return answer.status_code, json.loads(answer.body)["error"]
