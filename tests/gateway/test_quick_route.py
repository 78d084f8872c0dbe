"""A quick route answers what FastAPI's own does, and passes no dependency over."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from aisle.gateway.questions import Item, Search
from aisle.gateway.quick_route import QuickRoute


async def _gateway(request: Request) -> str:
    return str(request.app.state.gateway)


async def _refuse() -> None:
    raise HTTPException(403, "refused")


async def _said(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse([[one["type"], list(one["loc"]), one["msg"]] for one in error.errors()], 422)


Asked = Annotated[str, Depends(_gateway)]


async def _answer(asked: Search, gateway: Asked) -> Item:
    return Item(item_id=f"{gateway}: {asked.query} é", score=float("nan") if asked.in_stock else asked.k / 3)


def _app(route: type[APIRoute], on: str = "") -> FastAPI:
    """An app of one route; `on` says to what a dependency that refuses is tied."""
    refusing: dict[str, Any] = {"dependencies": [Depends(_refuse)]}
    router = APIRouter(route_class=route, **(refusing if on == "router" else {}))
    router.add_api_route("/ask", _answer, methods=["POST"], **(refusing if on == "route" else {}))
    app = FastAPI(**(refusing if on == "app" else {}))
    app.state.gateway = "shop"
    app.add_exception_handler(RequestValidationError, _said)
    app.include_router(router, **(refusing if on == "include" else {}))
    return app


def _ask(app: FastAPI, body: bytes, kind: str = "application/json") -> httpx.Response:
    async def use() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
            return await http.post("/ask", content=body, headers={"Content-Type": kind})

    return asyncio.run(use())


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "red mug", "k": 7}',
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
    quick, usual = (_ask(_app(route), body) for route in (QuickRoute, APIRoute))
    assert (quick.status_code, quick.json()) == (usual.status_code, usual.json())
    assert quick.headers["Content-Type"] == usual.headers["Content-Type"]


@pytest.mark.parametrize("on", ["route", "router", "include", "app"])
def test_no_dependency_is_passed_over(on: str) -> None:
    assert _ask(_app(QuickRoute), b"{}").status_code == 200
    assert _ask(_app(QuickRoute, on), b"{}").status_code == 403


def test_the_contract_is_fastapis_own() -> None:
    assert _app(QuickRoute).openapi() == _app(APIRoute).openapi()
