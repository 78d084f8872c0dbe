"""The console: what the gateway does, for who has its key."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from aisle.gateway.pages.forms import own_form
from aisle.gateway.pages.rendering import HEADERS
from aisle.gateway.pages.signing import CONSOLE_COOKIE, SIGNED_SECONDS
from aisle.gateway.pages.storefront import Front, PageRoute, Storefront
from aisle.gateway.pages.visitors import set_cookie
from aisle.schema.errors import InputError
from aisle.serving import ServingError

router = APIRouter(prefix="/console", include_in_schema=False, route_class=PageRoute)
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""What a report's own page allows itself: it holds its style sheet, and runs nothing."""


def _signed(request: Request, front: Front) -> Storefront:
    """Lets by who has signed in; raises HTTPException 401."""
    if not front.signing.knows(request.cookies.get(CONSOLE_COOKIE, "")):
        raise HTTPException(401, "sign in at /console first")
    return front


Signed = Annotated[Storefront, Depends(_signed)]


@router.get("")
async def console(request: Request, front: Front) -> Response:
    """The console, or the form to sign in."""
    if not front.signing.knows(request.cookies.get(CONSOLE_COOKIE, "")):
        return front.page(request, "sign_in.html", wrong=False, possible=front.signing.possible)
    return front.page(request, "console.html", **await _now(front))


@router.get("/now")
async def now(request: Request, front: Signed) -> Response:
    """What the console shows, without the page around it."""
    return front.page(request, "now.html", **await _now(front))


@router.post("/sign-in")
async def sign_in(request: Request, front: Front) -> Response:
    """Takes the key."""
    form = await own_form(request)
    wait = front.signing.guesses.wait(request.client.host if request.client else "")
    if wait:
        raise HTTPException(429, f"too many tries; try again in {wait:.0f} s")
    cookie = front.signing.sign_in(form.get("key", ""))
    if not cookie:
        front.watch.refuse("POST /console/sign-in", 401, "a wrong key")
        possible = front.signing.possible
        return front.page(request, "sign_in.html", 401, wrong=True, possible=possible)
    answer = RedirectResponse("/console", 303, HEADERS)
    secure = request.url.scheme == "https"
    set_cookie(answer, CONSOLE_COOKIE, cookie, SIGNED_SECONDS, secure, "/console")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Has the browser forget that it was let in."""
    await own_form(request)
    answer = RedirectResponse("/", 303, HEADERS)
    answer.delete_cookie(CONSOLE_COOKIE, "/console", httponly=True, samesite="strict")
    return answer


@router.get("/reports/{name}")
async def report(front: Signed, name: str) -> Response:
    """A report of the last run."""
    path = front.run.report(name) if front.run else None
    if path is None:
        raise HTTPException(404, "there is no such report")
    return FileResponse(path, headers={**HEADERS, "Content-Security-Policy": REPORT_POLICY})


async def _now(front: Storefront) -> dict[str, Any]:
    """What is seen now."""
    pushed, reports = await asyncio.to_thread(_on_disk, front)
    _, stale = await front.recents.of("console")
    try:
        served, unanswered = await front.client.versions(), ""
    except ServingError as error:
        served, unanswered = [], error.details
    return {
        "served": sorted(served, key=lambda one: -one.version),
        "unanswered": unanswered,
        "pushed": {one.version: one for one in pushed},
        "reports": reports,
        "routes": front.watch.routes(),
        "stages": front.watch.stages(),
        "refused": list(front.watch.refused),
        "refusals": sorted(front.watch.refusals.items()),
        "events": front.gateway.metrics.events_by_kind(),
        "store": {"stale": stale, "waiting": front.recents.waiting, "missed": front.recents.missed},
    }


def _on_disk(front: Storefront) -> tuple[list[Any], list[Any]]:
    if front.run is None:
        return [], []
    try:
        pushed = front.run.pushed()
    except InputError:  # A file of labels that can't be read: the server says so, too.
        pushed = []
    return pushed, front.run.reports_written()
