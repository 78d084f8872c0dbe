"""What can go wrong when a served model is asked.

AisleError
├── InputError               a wrong argument, refused before anything is sent
│   └── MessageTooLarge      the request is larger than a message may be
└── ServingError
    ├── Unreachable          no server answers (UNAVAILABLE, CANCELLED)
    ├── Untrusted            TLS fails: a certificate is not trusted, or the server has none
    ├── DeadlineExceeded     the answer did not come in time
    ├── Overloaded           the server refuses more (RESOURCE_EXHAUSTED)
    ├── ModelNotFound        no such model or version there (NOT_FOUND)
    ├── RequestRefused       the model can't take it (INVALID_ARGUMENT, FAILED_PRECONDITION)
    └── BadAnswer            the answer is not what the contract says
"""

from __future__ import annotations

from aisle.schema.errors import AisleError, InputError


class MessageTooLarge(InputError):
    """The request is larger than a message may be; ask for less at a time."""


class ServingError(AisleError):
    """The server failed; the class says how, where it is one of the usual ways.

    Attributes:
        code: the gRPC status code's name, "" if the failure is not the server's.
        details: the server's own words.
    """

    def __init__(self, message: str, code: str = "", details: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class Unreachable(ServingError):
    """No server answers at the target."""


class Untrusted(ServingError):
    """The server's certificate is expired, of another authority or name, or it speaks no TLS; nothing was sent."""


class DeadlineExceeded(ServingError):
    """The answer did not come within the timeout."""


class Overloaded(ServingError):
    """The server has too much to do, or the message is too large for it."""


class ModelNotFound(ServingError):
    """The server does not have the model."""


class RequestRefused(ServingError):
    """The model has no such signature, or other inputs."""


class BadAnswer(ServingError):
    """The answer lacks a tensor, or has one of another shape."""


_UNTRUSTED = (
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "is not in peer certificate",
    "Hostname Verification Check failed",
)
"""By these (the last two of older and newer gRPC) gRPC's words for a failed handshake are told from those for a server that isn't there."""

_CLASSES: dict[str, type[ServingError]] = {
    "UNAVAILABLE": Unreachable,
    # A server that is stopping cancels what it was just sent.
    "CANCELLED": Unreachable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "RESOURCE_EXHAUSTED": Overloaded,
    "NOT_FOUND": ModelNotFound,
    "INVALID_ARGUMENT": RequestRefused,
    "FAILED_PRECONDITION": RequestRefused,
}


def from_status(code: str, details: str, target: str, timeout: float) -> ServingError:
    """The error for a gRPC status, in one line that says what to do where that is known."""
    said = " ".join(details.split())
    kind = _CLASSES.get(code, ServingError)
    if kind is Unreachable and any(mark in said for mark in _UNTRUSTED):
        kind, message = Untrusted, f"{target} is not trusted: {said.rpartition('last error: ')[2]}"
    elif kind is Unreachable:
        message = f"no server answers at {target}; start one with `aisle serve`, or name another by --target HOST:PORT"
        if "Socket closed" in said:
            message += "; something there closed the connection: it may want TLS, or a client's certificate"
    elif code == "DEADLINE_EXCEEDED":
        message = f"{target} did not answer within {timeout:g} s"
    else:
        message = f"{target} answers {code}: {said}"
    return kind(message, code, said)
