"""A route that answers a question in half of FastAPI's time, by the same contract."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

_JSON = "application/json"
_ASKED = "asked"


class QuickRoute(APIRoute):
    """Reads a body by its model at once and writes the answer at once, where FastAPI makes objects of either in between.

    That goes for a `POST` whose function takes `asked`, a model, and one dependency, `gateway`; all others, and every body that
    isn't of the model, go FastAPI's own way, which says what is wrong.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        usual = super().get_route_handler()
        # Those of the router and of the app are among them, which the route itself may not know.
        dependant = inspect.getclosurevars(usual).nonlocals.get("dependant")
        named = [one.name for one in dependant.dependencies] if dependant else []
        model: Any = typing.get_type_hints(self.endpoint).get(_ASKED)
        reads = isinstance(model, type) and issubclass(model, pydantic.BaseModel)
        if self.methods != {"POST"} or named != ["gateway"] or not reads:
            return usual

        async def quick(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
                return await usual(request)
            try:
                read = model.model_validate_json(await request.body())
            except pydantic.ValidationError:
                return await usual(request)
            answer: pydantic.BaseModel = await self.endpoint(asked=read, gateway=request.app.state.gateway)
            return Response(answer.model_dump_json(), media_type=_JSON)

        return quick
