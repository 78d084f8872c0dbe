"""The forms of the pages: read only where a page of this very site sent them."""

from __future__ import annotations

import urllib.parse

from fastapi import HTTPException, Request

MAX_FIELDS = 50


def check_own(request: Request) -> None:
    """Lets a request by that a form of this site sent.

    Cookies that no other site's pages send (`SameSite=Strict`) guard against forged forms already; the origin does so
    where a neighbour under the same domain is no friend.

    Raises:
        HTTPException: 403 where another site's page sent it, or none that says so.
    """
    host = urllib.parse.urlsplit(request.headers.get("origin", "")).netloc
    if not host or host != request.headers.get("host"):
        raise HTTPException(403, "that came from another site's page; use the forms of this one")


async def own_form(request: Request) -> dict[str, str]:
    """The fields of a form by name, the last of each.

    Raises:
        HTTPException: 403 as `check_own`; 422 where it has too many fields.
    """
    check_own(request)
    body = (await request.body()).decode(errors="replace")
    try:
        return dict(urllib.parse.parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise HTTPException(422, f"the form has more than {MAX_FIELDS} fields; expected fewer") from None
