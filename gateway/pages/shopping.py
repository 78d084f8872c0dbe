"""The pages of the shop: home, search, an item, and what a visitor does there."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from aisle.gateway.events import EVENT
from aisle.gateway.pages.catalogue import Facts
from aisle.gateway.pages.forms import check_own, own_form
from aisle.gateway.pages.languages.language import Language, marked
from aisle.gateway.pages.looking import MAX_QUERY, PAGE, Looking
from aisle.gateway.pages.rendering import HEADERS, quoted
from aisle.gateway.pages.shelves import Shelf
from aisle.gateway.pages.storefront import BY_PICTURE, PROBLEMS, Front, PageRoute, Storefront
from aisle.gateway.pages.visitors import (
    USER_COOKIE,
    Visitor,
    is_own_link,
    new_session,
    remember,
    valid_id,
)
from aisle.gateway.pages.why import reasons
from aisle.gateway.questions import Answer, Explain, Recommend, Search
from aisle.gateway.uploads.body import picture_in
from aisle.gateway.uploads.questions import SimilarByImage
from aisle.schema.events import CART, CLICK, PURCHASE
from aisle.serving import RequestRefused

router = APIRouter(include_in_schema=False, route_class=PageRoute)
DONE = {CART.name: marked("It is in your cart."), PURCHASE.name: marked("Bought. Thank you!")}
"""What a visitor may do by a form, and what is said then."""
MAX_REQUEST_ID = 64


@router.get("/")
async def home(request: Request, front: Front) -> Response:
    """What the visitor may like, by what they did last."""
    who = front.visitor(request)
    answer = front.page(request, "home.html", who=who, shelves=await front.shelves.home(who))
    return _greeted(request, answer, who)


@router.get("/search")
async def search(request: Request, front: Front) -> Response:
    """What a search finds, with what it may be narrowed by."""
    who, looking = front.visitor(request), Looking.of(request.query_params)
    view = await _found(front, looking, who, shown=True)
    return _greeted(request, front.page(request, "search.html", who=who, query=looking.query, **view), who)


@router.get("/search/results")
async def results(request: Request, front: Front) -> Response:
    """The same without a page around it, while one types; what is looked past isn't noted as shown."""
    who, looking = front.visitor(request), Looking.of(request.query_params)
    return front.page(request, "results.html", who=who, **await _found(front, looking, who, shown=False))


@router.post(BY_PICTURE)
async def look(request: Request, front: Front) -> Response:
    """What looks like a picture that the visitor sends; it is not kept."""
    check_own(request)
    who = front.visitor(request)
    data = picture_in(await request.body(), request.headers.get("content-type", ""))
    answer = await front.gateway.similar_by_image(SimilarByImage(k=PAGE, in_stock=True, **who.ids), data)
    found = Shelf(marked("Items that look like your picture"), await front.shelves.cards(answer))
    return _greeted(request, front.page(request, "look.html", who=who, found=found), who)


@router.get("/item/{item_id:path}")
async def item(request: Request, front: Front, item_id: str) -> Response:
    """An item, what is like it, and why it was shown; who came by a link of this shop has clicked it."""
    who, came, item_id = front.visitor(request), _came(request), valid_id(item_id)
    similar = await front.shelves.similar(item_id, who)
    (facts,) = await front.shelves.facts([item_id])
    if not (facts.title or similar.cards):
        raise HTTPException(404, "there is no such item")
    view = await _why(front, facts, who, came, front.language(request))
    if who.known and is_own_link(request) and came["once"]:
        await _record(front, who, CLICK.name, facts, came)
    done = DONE.get(request.query_params.get("done", ""), "")
    picture = front.shelves.picture(facts)
    view["said"] = front.run.reviews.of(item_id) if front.run else None
    view |= {"facts": facts, "similar": similar, "done": done, "picture": picture, "came": came}
    return _greeted(request, front.page(request, "item.html", who=who, **view), who)


@router.post("/event")
async def do(request: Request, front: Front) -> Response:
    """Records what a visitor does to an item, as their own session alone."""
    form = await own_form(request)
    kind = form.get("event", "")
    if kind not in DONE:
        raise HTTPException(422, f"event is {kind[:80]!r}; expected one of {', '.join(DONE)}")
    who = front.visitor(request)
    (facts,) = await front.shelves.facts([valid_id(form.get("item_id", ""))])
    by_script = request.headers.get("accept") == "application/json"
    language = front.language(request)
    if facts.gone:  # Since its page was made.
        if by_script:
            return JSONResponse({"said": f"{facts.name}: {language.say(PROBLEMS[409])}"}, 409, HEADERS)
        raise HTTPException(409, f"{facts.name} can't be had any more: it is sold out")
    came = {"request_id": form.get("request_id", "")[:MAX_REQUEST_ID]}
    await _record(front, who, kind, facts, came)
    if by_script:
        said = f"{facts.name}: {language.say(DONE[kind])}"
        return _greeted(request, JSONResponse({"said": said}, headers=HEADERS), who)
    there = f"/item/{quoted(facts.item_id)}?done={kind}"
    return _greeted(request, RedirectResponse(there, 303, HEADERS), who)


@router.post("/as")
async def shop_as(request: Request, front: Front) -> Response:
    """Has the visitor be another user, or nobody known, from now on; for trying alone."""
    if not front.shop.trying:
        raise HTTPException(404, "nobody shops as another here")
    user = (await own_form(request)).get("user_id", "").strip()
    # Another session, so that nothing of one user is ever told of another.
    who = Visitor(new_session(), valid_id(user) if user else "")
    answer = RedirectResponse("/", 303, HEADERS)
    answer.delete_cookie(USER_COOKIE, httponly=True, samesite="strict")
    remember(answer, who, request.url.scheme == "https")
    return answer


@router.get("/picture/{item_id:path}")
async def picture(front: Front, item_id: str) -> Response:
    """An item's picture."""
    found = front.pictures.find(front.catalogue.facts(valid_id(item_id)).image)
    if found is None:
        raise HTTPException(404, "there is no such picture")
    kept = {**HEADERS, "Cache-Control": "private, max-age=3600"}
    return FileResponse(found[0], media_type=found[1], headers=kept)


def _greeted(request: Request, answer: Response, who: Visitor) -> Response:
    """The answer, which has a new visitor remembered; who follows another site's link keeps what cookie there is."""
    if not who.known and request.headers.get("sec-fetch-site") != "cross-site":
        remember(answer, who, request.url.scheme == "https")
    return answer


async def _found(front: Storefront, looking: Looking, who: Visitor, shown: bool) -> dict[str, Any]:
    """What a page of results shows."""
    asked, first = looking.asked(who), (looking.page - 1) * PAGE
    if looking.query or looking.narrowed:
        answer = await front.gateway.asking.search(asked)
    else:  # A search of nothing finds nothing; who asks for everything sees what sells first.
        answer = await front.gateway.asking.recommend(Recommend(k=asked.k))
    part = answer.part(first, PAGE)
    if shown:
        part = await _with_ads(front, asked, part) if looking.page == 1 and looking.query else part
        front.gateway.note_shown("search", asked, part)
    cards = await front.shelves.cards(part, first + 1, q=looking.query)
    more = len(answer.items) > first + PAGE
    view = {"looking": looking, "cards": cards, "first": first + 1, "more": more, "facets": answer.facets}
    return {**view, "instead": None if cards else await _instead(front, who)}


async def _with_ads(front: Storefront, asked: Search, part: Answer) -> Answer:
    """The first page with its sponsored items beside all others, so that the next page goes on where it ends."""
    ads = front.gateway.ads
    if ads is None:
        return part
    most = len(part.items) + len(ads.options.places)
    return await ads.in_list("search", asked, part, most)


async def _instead(front: Storefront, who: Visitor) -> Shelf | None:
    """What sells, for who found nothing."""
    shelf = await front.shelves.popular(who)
    return shelf if shelf.cards else None


def _came(request: Request) -> dict[str, str]:
    """Where a visitor to an item came from: by which answer, at which place of it, of which search."""
    params = request.query_params
    position = params.get("at", "")
    return {
        "request_id": params.get("from", "")[:MAX_REQUEST_ID],
        "once": (params.get("from") or params.get("once") or "")[:MAX_REQUEST_ID],
        "position": position if position.isdecimal() and len(position) < 9 else "",
        "query": params.get("q", "")[:MAX_QUERY],
        "by": params.get("by", ""),
    }


async def _why(
    front: Storefront, facts: Facts, who: Visitor, came: dict[str, str], language: Language
) -> dict[str, Any]:
    """Why an item was shown: by a search's explanation, or by what it is like."""
    if came["query"]:
        asked = Explain(query=came["query"], item_ids=[facts.item_id], **who.ids)
        try:
            (why,) = (await front.gateway.asking.explain(asked)).items
        except RequestRefused:  # An older model explains nothing.
            return {"why": [], "like": []}
        return {"why": reasons(why, language), "like": []}
    if came["by"] != "you":
        return {"why": [], "like": []}
    return {"why": [], "like": await front.shelves.like_what_was_seen(facts.item_id, who)}


async def _record(front: Storefront, who: Visitor, kind: str, facts: Facts, came: dict[str, str]) -> None:
    """Records an event; a click once however often its page is loaded."""
    said: dict[str, Any] = {"event": kind, "item_id": facts.item_id, **who.ids}
    said |= {name: came[name] for name in ("request_id", "query") if came.get(name)}
    if kind == CLICK.name:
        once = "\0".join((who.session_id, came["once"], facts.item_id))
        said["event_id"] = hashlib.sha256(once.encode(errors="replace")).hexdigest()[:32]
        said |= {"position": int(came["position"])} if came["position"] else {}
    else:
        said |= {"quantity": 1.0, "price": facts.price}
    await front.gateway.record([EVENT.model_validate(said)])
