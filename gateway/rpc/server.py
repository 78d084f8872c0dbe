"""Answers the gateway's methods over gRPC, in the event loop that answers HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import grpc.aio
import pydantic
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from aisle.gateway.rpc.methods import METHODS, SERVICE, read, written
from aisle.gateway.said import WRONG_KEY, of_contract, of_ours, too_often
from aisle.gateway.security import MAX_UPLOAD_BYTES, Rates, brings_key, is_key, too_large
from aisle.gateway.service import Gateway
from aisle.schema.errors import AisleError, InputError

GRACE_SECONDS = 5.0
"""How long what is under way may take once the server ends."""
MOST_AT_ONCE = 1_000
MAX_ANSWER_BYTES = 16 << 20
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    502: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""By the HTTP status of the same error."""


class _Refused(Exception):
    """What is answered instead of an answer."""

    def __init__(self, code: grpc.StatusCode, said: str) -> None:
        super().__init__(said)
        self.code = code


class RpcServer:
    """The gRPC server of a gateway."""

    def __init__(self, gateway: Gateway, key: str, rate: float, host: str, port: int) -> None:
        """Listens on nothing yet, see `running`.

        Args:
            gateway: that does what is asked.
            key: of events and users; "" asks for none.
            rate: requests a second of an address; 0 bounds nothing.
            host: address to listen on.
            port: 0 for a free one; `running` has `self.port` be the one it got.
        """
        self._gateway, self._key, self._rates = gateway, key, Rates(rate)
        self._host, self.port = host, port

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers, with health and reflection.

        Raises:
            InputError: the address can't be listened on.
        """
        server = grpc.aio.server(
            maximum_concurrent_rpcs=MOST_AT_ONCE,
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", MAX_UPLOAD_BYTES),
                ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
            ],
        )
        handlers = {name: grpc.unary_unary_rpc_method_handler(self._answering(name)) for name in METHODS}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        checks = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        for name in ("", SERVICE):
            await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        address = f"{self._host}:{self.port}"
        try:
            self.port = server.add_insecure_port(address)
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise InputError(
                f"can't listen on {address}; another program may: choose a free --grpc-port, or 0"
            )
        await server.start()
        try:
            yield
        finally:
            await checks.enter_graceful_shutdown()
            await server.stop(GRACE_SECONDS)

    def _answering(self, name: str) -> Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]:
        async def answer(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
            # Bytes come and go as they are: what gRPC itself can't parse it would call an error of the server.
            started, code = time.perf_counter(), grpc.StatusCode.CANCELLED
            try:
                answered = await self._answer(name, data, context)
                code = grpc.StatusCode.OK
                return answered
            except _Refused as refused:
                code = refused.code
                await context.abort(code, str(refused))
                raise
            except Exception:
                code = grpc.StatusCode.UNKNOWN
                raise
            finally:
                self._gateway.metrics.observe(f"/{SERVICE}/{name}", code.name, time.perf_counter() - started)

        return answer

    async def _answer(self, name: str, data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        method = METHODS[name]
        if wait := self._rates.wait(context.peer().rpartition(":")[0]):
            raise _Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, too_often(wait))
        if len(data) > method.most:
            raise _Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, too_large(method.most))
        brings_key.set(is_key(self._key, _credentials(context)))
        if method.keyed and not brings_key.get():
            raise _Refused(grpc.StatusCode.UNAUTHENTICATED, WRONG_KEY)
        try:
            answering = asyncio.ensure_future(method.call(self._gateway, read(name, data)))
            # A caller who doesn't wait any more ends a question, but leaves nothing half recorded or half forgotten.
            return written(name, await (asyncio.shield(answering) if method.keyed else answering))
        except DecodeError:
            said = "the bytes are no such message, or a text of it is no UTF-8"
            raise _Refused(grpc.StatusCode.INVALID_ARGUMENT, said) from None
        except pydantic.ValidationError as error:
            said = of_contract(error.errors()[0])
            raise _Refused(grpc.StatusCode.INVALID_ARGUMENT, said) from None
        except AisleError as error:
            status, said = of_ours(error)
            raise _Refused(_CODES[status], said) from error


def _credentials(context: grpc.aio.ServicerContext) -> str:
    """What stands behind `Bearer` in the call's metadata."""
    sent = dict(context.invocation_metadata() or ()).get("authorization", "")
    scheme, _, credentials = str(sent).partition(" ")
    return credentials if scheme.lower() == "bearer" else ""
