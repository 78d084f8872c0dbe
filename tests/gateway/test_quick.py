"""The quick way answers what FastAPI's own does, and passes no dependency over."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from aisle.gateway.questions import Item, Search
from aisle.gateway.quick.routes import Quick
from aisle.gateway.security import Guard, Rates, require_key
from aisle.schema.errors import InputError


async def _gateway(request: Request) -> str:
    return str(request.app.state.gateway)


async def _refuse() -> None:
    raise HTTPException(403, "refused")


async def _said(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse([[one["type"], list(one["loc"]), one["msg"]] for one in error.errors()], 422)


async def _wrong(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 422)


Asked = Annotated[str, Depends(_gateway)]


async def _answer(asked: Search, gateway: Asked) -> Item:
    if asked.query == "wrong":
        raise InputError("wrong is no query")
    return Item(item_id=f"{gateway}: {asked.query} é", score=float("nan") if asked.in_stock else asked.k / 3)


def _app(quick: bool, *needs: Any, on: str = "router", key: str = "") -> FastAPI:
    """An app of one route, which `needs` something; `on` says where that is declared."""
    needed: dict[str, Any] = {"dependencies": [Depends(one) for one in needs]}
    router = APIRouter(**(needed if on == "router" else {}))
    router.add_api_route("/ask", _answer, methods=["POST"], **(needed if on == "route" else {}))
    app = FastAPI()
    app.state.gateway, app.state.key = "shop", key
    app.add_exception_handler(RequestValidationError, _said)
    app.add_exception_handler(InputError, _wrong)
    app.include_router(router)
    if quick:
        app.add_middleware(Quick, routers=[router])
    app.add_middleware(
        Guard, rates=Rates(0), observe=lambda *told: app.state.__dict__.update(told=told), key=key
    )
    return app


def _ask(app: FastAPI, body: bytes, **headers: str) -> httpx.Response:
    async def use() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
            return await http.post(
                "/ask", content=body, headers={"Content-Type": "application/json", **headers}
            )

    return asyncio.run(use())


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "red mug", "k": 7}',
        b'{"query": "wrong"}',
        b'{"in_stock": true}',
        b'{"query": "\\ud800"}',
        b'{"k": 1e3}',
        b'{"k": "5", "price_min": NaN}',
        b'{"k": 0}',
        b'{"nothing": 1}',
        b"[]",
        b"{",
        b"",
        b"\xff",
    ],
)
def test_answers_and_refusals_are_fastapis_own(body: bytes) -> None:
    quick, usual = (_ask(_app(way), body) for way in (True, False))
    assert (quick.status_code, quick.json()) == (usual.status_code, usual.json())
    assert quick.headers["Content-Type"] == usual.headers["Content-Type"]


@pytest.mark.parametrize("on", ["route", "router"])
def test_no_dependency_is_passed_over(on: str) -> None:
    assert _ask(_app(True), b"{}").status_code == 200
    assert _ask(_app(True, _refuse, on=on), b"{}").status_code == 403


@pytest.mark.parametrize("on", ["route", "router"])
def test_the_key_is_asked_for(on: str) -> None:
    app = _app(True, require_key, on=on, key="a key of sixteen")
    assert _ask(app, b"{}").status_code == 401
    assert _ask(app, b"{}", Authorization="Bearer a key of seventeen").status_code == 401
    assert _ask(app, b"{}", Authorization="Bearer a key of sixteen").status_code == 200


def test_what_is_asked_is_counted_for_its_route() -> None:
    app = _app(True)
    _ask(app, b"{}")
    assert app.state.told[:2] == ("/ask", 200)


def test_another_kind_of_body_goes_fastapis_way() -> None:
    quick, usual = (_ask(_app(way), b"{}", **{"Content-Type": "text/plain"}) for way in (True, False))
    assert (quick.status_code, quick.json()) == (usual.status_code, usual.json())
    assert quick.status_code == 422
