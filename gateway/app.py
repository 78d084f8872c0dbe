"""The routes over HTTP; `/openapi.json` is their contract."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from aisle.gateway.ads.routes import campaigns
from aisle.gateway.events import Events, Id
from aisle.gateway.items.routes import items
from aisle.gateway.questions import (
    Answer,
    Done,
    Explain,
    Explained,
    Merge,
    Problem,
    Rank,
    Recommend,
    Recorded,
    Search,
    Sentiments,
    Similar,
    Slots,
    Texts,
)
from aisle.gateway.quick.routes import Quick
from aisle.gateway.said import STATUS, of_contract, of_ours
from aisle.gateway.security import Guard, Rates, problem, require_key
from aisle.gateway.service import Gateway
from aisle.gateway.uploads.body import picture_in
from aisle.gateway.uploads.questions import BODY, SimilarByImage
from aisle.schema.errors import AisleError

if TYPE_CHECKING:
    from aisle.gateway.pages.storefront import Storefront

BY_IMAGE = "/similar_by_image"
_PROBLEMS: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in ("4XX", "5XX")}


async def _gateway(request: Request) -> Gateway:
    # A coroutine, as every dependency here: FastAPI gives a plain function to a thread, and the question waits for it.
    gateway: Gateway = request.app.state.gateway
    return gateway


Asked = Annotated[Gateway, Depends(_gateway)]
questions = APIRouter(prefix="/v1", responses=_PROBLEMS, tags=["questions"])
keyed = APIRouter(responses=_PROBLEMS, dependencies=[Depends(require_key)], tags=["with the key"])


@keyed.post("/v1/events")
async def record_events(events: Events, gateway: Asked) -> Recorded:
    """Records one event or a batch; the answer says that they are safe, and known to the next question."""
    return await gateway.record(events)


@keyed.post("/v1/users/merge")
async def merge_session(merge: Merge, gateway: Asked) -> Done:
    """Has what an anonymous session did be a user's, who has signed in."""
    return await gateway.merge(merge)


@keyed.delete("/v1/users/{user_id:path}")
async def forget_user(user_id: Annotated[Id, Path()], gateway: Asked) -> Done:
    """Removes a user from the store and from the files, here and in the gateways of the same store."""
    return await gateway.forget(user_id)


@keyed.get("/metrics", response_class=PlainTextResponse)
async def metrics(gateway: Asked) -> Response:
    """Prometheus's."""
    return Response(gateway.metrics.text(), media_type="text/plain; version=0.0.4")


@questions.post("/search")
async def search(asked: Search, gateway: Asked) -> Answer:
    """The best items for a query."""
    return await gateway.answer("search", asked)


@questions.get("/search")
async def get_search(asked: Annotated[Search, Query()], gateway: Asked) -> Answer:
    """The same."""
    return await search(asked, gateway)


@questions.post("/recommend")
async def recommend(asked: Recommend, gateway: Asked) -> Answer:
    """The best items for a visitor."""
    return await gateway.answer("recommend", asked)


@questions.get("/recommend")
async def get_recommend(asked: Annotated[Recommend, Query()], gateway: Asked) -> Answer:
    """The same."""
    return await recommend(asked, gateway)


@questions.post("/similar")
async def similar(asked: Similar, gateway: Asked) -> Answer:
    """What is like an item."""
    return await gateway.answer("similar", asked)


@questions.get("/similar")
async def get_similar(asked: Annotated[Similar, Query()], gateway: Asked) -> Answer:
    """The same."""
    return await similar(asked, gateway)


@questions.post(BY_IMAGE, openapi_extra=BODY)
async def similar_by_image(
    request: Request, asked: Annotated[SimilarByImage, Query()], gateway: Asked
) -> Answer:
    """What looks like a picture: the body, as it is or as the field `image` of a form, where the model has learnt of pictures."""
    data = picture_in(await request.body(), request.headers.get("content-type", ""))
    return await gateway.similar_by_image(asked, data)


@questions.post("/sentiment")
async def sentiment(asked: Texts, gateway: Asked) -> Sentiments:
    """How likely texts are good reviews by their words, where the model has learnt of reviews."""
    return await gateway.asking.sentiment(asked)


@questions.get("/sentiment")
async def get_sentiment(asked: Annotated[Texts, Query()], gateway: Asked) -> Sentiments:
    """The same."""
    return await sentiment(asked, gateway)


@questions.post("/ads")
async def ads(asked: Slots, gateway: Asked) -> Answer:
    """Sponsored items alone, for slots of a search's page or of any other; fewer where fewer are sold."""
    return await gateway.advertise(asked)


@questions.get("/ads")
async def get_ads(asked: Annotated[Slots, Query()], gateway: Asked) -> Answer:
    """The same."""
    return await ads(asked, gateway)


@questions.post("/rank")
async def rank(asked: Rank, gateway: Asked) -> Answer:
    """The scores of items, in their order; the caller shows what it will, so nothing is noted as shown."""
    return await gateway.asking.rank(asked)


@questions.get("/rank")
async def get_rank(asked: Annotated[Rank, Query()], gateway: Asked) -> Answer:
    """The same."""
    return await rank(asked, gateway)


@questions.post("/explain")
async def explain(asked: Explain, gateway: Asked) -> Explained:
    """Why a search scores items as it does."""
    return await gateway.asking.explain(asked)


@questions.get("/explain")
async def get_explain(asked: Annotated[Explain, Query()], gateway: Asked) -> Explained:
    """The same."""
    return await explain(asked, gateway)


def create_app(
    gateway: Gateway,
    key: str,
    rate: float,
    origins: Sequence[str] = (),
    on_ready: Callable[[], None] = lambda: None,
    storefront: Storefront | None = None,
    beside: contextlib.AbstractAsyncContextManager[None] = contextlib.nullcontext(),  # noqa: B008  it holds nothing
) -> FastAPI:
    """The application, which starts and ends the gateway with itself.

    Args:
        gateway: that does what is asked.
        key: of events, users and metrics; "" asks for none.
        rate: requests a second of an address; 0 bounds nothing.
        origins: sites whose pages may ask; none may where none is named.
        on_ready: called once it answers.
        storefront: the pages that it serves, too; none without.
        beside: what else answers by the gateway, in the same event loop.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gateway.running(), beside:
            on_ready()
            yield

    # The pages of the documentation would load scripts from elsewhere.
    app = FastAPI(title="aisle gateway", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.gateway, app.state.key = gateway, key
    app.include_router(questions)
    app.include_router(keyed)
    app.include_router(items, responses=_PROBLEMS)
    app.include_router(campaigns, responses=_PROBLEMS)
    app.add_api_route("/healthz", _healthz, response_model=Done)
    for kind, *_ in STATUS:
        app.add_exception_handler(kind, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_the_contract)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_middleware(Quick, routers=(questions, keyed))
    uploads = (f"{questions.prefix}{BY_IMAGE}", *(storefront.uploads if storefront else ()))
    app.add_middleware(Guard, rates=Rates(rate), observe=gateway.metrics.observe, key=key, uploads=uploads)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    if storefront:
        storefront.install(app)
    return app


async def _healthz() -> Done:
    """Whether the process answers: neither the store nor the model need be up for that."""
    return Done()


async def _of_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, AisleError)
    return problem(*of_ours(error))


async def _of_the_contract(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, of_contract(error.errors()[0]))


async def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))
