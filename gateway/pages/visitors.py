"""Who visits: an anonymous session's cookie and, where the shop is for trying, the user that one shops as."""

from __future__ import annotations

import dataclasses
import re
import secrets
import urllib.parse
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from aisle.gateway.events import AnyId, Id

SESSION_COOKIE, USER_COOKIE = "aisle_session", "aisle_user"
SESSION_SECONDS = 30 * 86_400
_SESSION = re.compile(r"web-[A-Za-z0-9_-]{22}")
"""Of the storefront's own sessions alone: a cookie that names another's session is not believed."""
_ANY_ID, _ID = TypeAdapter(AnyId), TypeAdapter(Id)


@dataclasses.dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        session_id: of the cookie.
        user_id: whom one shops as; "" is nobody.
        known: whether the cookie came with the request.
    """

    session_id: str
    user_id: str = ""
    known: bool = True

    @property
    def ids(self) -> dict[str, Any]:
        """As questions and events say them."""
        return {"user_id": self.user_id, "session_id": self.session_id}


def visitor_of(request: Request, trying: bool) -> Visitor:
    """The visitor of a request; a new one where its cookie is missing or none of ours.

    Args:
        request: of a page.
        trying: whether the cookie of the user one shops as is believed.
    """
    session = request.cookies.get(SESSION_COOKIE, "")
    known = _SESSION.fullmatch(session) is not None
    came = urllib.parse.unquote(request.cookies.get(USER_COOKIE, "")) if trying and known else ""
    try:
        user = _ANY_ID.validate_python(came)
    except ValidationError:
        user = ""
    return Visitor(session if known else new_session(), user, known)


def new_session() -> str:
    """A session that nobody guesses."""
    return f"web-{secrets.token_urlsafe(16)}"


def remember(response: Response, visitor: Visitor, secure: bool) -> None:
    """Has the browser send the visitor along from now on.

    Args:
        response: that sets the cookies.
        visitor: whom they name.
        secure: whether the page came over TLS, and they must.
    """
    set_cookie(response, SESSION_COOKIE, visitor.session_id, SESSION_SECONDS, secure)
    user = urllib.parse.quote(visitor.user_id, safe="")
    if user:
        set_cookie(response, USER_COOKIE, user, SESSION_SECONDS, secure)


def set_cookie(
    response: Response, name: str, value: str, seconds: int, secure: bool, path: str = "/"
) -> None:
    """Sets a cookie that no script reads and no other site sends."""
    response.set_cookie(name, value, seconds, path=path, secure=secure, httponly=True, samesite="strict")


def is_own_link(request: Request) -> bool:
    """Whether a page was asked for by a link of this site: no other site's, no prefetch."""
    headers = request.headers
    fetched = f"{headers.get('purpose', '')} {headers.get('sec-purpose', '')}"
    return headers.get("sec-fetch-site", "same-origin") == "same-origin" and "prefetch" not in fetched


def valid_id(came: str) -> str:
    """An id as the gateway takes it, "" of none; raises HTTPException 404."""
    try:
        return _ID.validate_python(came)
    except ValidationError:
        raise HTTPException(404, "there is no such item") from None
