"""Where in a request's body the picture lies: it is the body itself, or a field of a form."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesHeaderParser

from aisle.gateway.said import WrongKind
from aisle.schema.errors import InputError

FIELD = "image"
"""Of a form, the field that is the picture."""
FORM = "multipart/form-data"
KINDS = ("image/jpeg", "image/png", "image/webp", "image/gif")
MOST_FIELDS = 50
_MOST_HEAD = 8 << 10
"""Bytes that say what a field is."""
_LINE = b"\r\n"


def picture_in(body: bytes, content_type: str) -> bytes:
    """The picture's file, not read yet.

    Args:
        body: of the request.
        content_type: the request's header, "" where there is none.

    Raises:
        WrongKind: it is neither a picture nor a form, by its header.
        InputError: it is a form without the field, or cut off.
    """
    told = Message()
    told["Content-Type"] = content_type
    kind = told.get_content_type() if content_type else ""
    if kind == FORM:
        return _field(body, (told.get_boundary() or "").encode("latin-1", "replace"))
    if kind not in KINDS:
        raise WrongKind(
            f"the body is {ascii(content_type[:80]) if content_type else 'of no type'}; expected a picture as {', '.join(KINDS)}, "
            f"or a form ({FORM}) whose field {FIELD} is one"
        )
    return body


def _field(body: bytes, boundary: bytes) -> bytes:
    """What the field of a form holds (RFC 7578)."""
    if not boundary:
        raise InputError(f"the form names no boundary; expected {FORM}; boundary=…, as browsers send it")
    parts = (_LINE + body).split(_LINE + b"--" + boundary, MOST_FIELDS + 1)
    found: bytes | None = None
    for part in parts[1:]:
        if part.startswith(b"--"):  # Behind the last field.
            break
        head, _, content = part.partition(2 * _LINE)
        if found is None and len(head) <= _MOST_HEAD and _name(head) == FIELD:
            found = content
    else:
        raise InputError(f"the form is cut off, or has more than {MOST_FIELDS} fields; send it whole")
    if found is None:
        raise InputError(f"the form has no field {FIELD}; expected the picture in it")
    return found


def _name(head: bytes) -> object:
    """Of a field, as its headers say it."""
    headers = BytesHeaderParser().parsebytes(head.lstrip())
    return headers.get_param("name", header="content-disposition")
