"""What every class of options is: frozen, of known names, each number in its range; and JSON for the way to a component.

It needs pydantic, which the light client does without: nothing that `aisle.serving` imports may import this.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import pydantic
from pydantic import Field

from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self

AtLeastZero = Annotated[int, Field(strict=True, ge=0)]
AtLeastOne = Annotated[int, Field(strict=True, ge=1)]
Even = Annotated[int, Field(strict=True, ge=2, multiple_of=2)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
"""From 0 to 1, both among them."""
ShareBelowOne = Annotated[float, Field(strict=True, ge=0, lt=1)]
Rate = Annotated[float, Field(strict=True, gt=0, lt=1)]
"""Between 0 and 1, neither among them."""
Amount = Annotated[float, Field(strict=True, ge=0)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Factor = Annotated[float, Field(strict=True, ge=1)]

Days = Annotated[float, Field(strict=True, ge=0, le=36_500)]
"""A hundred years at most: the microseconds of any length must fit 64 bits."""


class Options(pydantic.BaseModel):
    """Base of all options; a subclass says what each means, with its range (or the `Literal` choice) and its default.

    NaN and infinity are refused. A wrong value raises `pydantic.ValidationError` where options are made in Python, and
    `InputError` where they are read.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_json(self) -> str:
        """Returns the options as JSON, the form of a component's exec property: the same text for the same options."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote; what is absent has its default.

        Raises:
            InputError: the text is no JSON object, or a name or a value is not one of these options.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"{cls.__name__}: {text!r} is not JSON: {error}") from error
        return cls.read(values)

    @classmethod
    def read(cls, values: Any) -> Self:
        """Reads options from a mapping, as of a file.

        Raises:
            InputError: a name or a value is not one of these options; one line, which names the first of them.
        """
        try:
            return cls.model_validate(values)
        except pydantic.ValidationError as error:
            raise InputError(_line(cls, error)) from error


def _line(options: type[Options], error: pydantic.ValidationError) -> str:
    """What is wrong, in one line: of names first, since a name that is mistyped leaves others without a value."""
    wrong = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")[0]
    # pydantic's mark that a key of a mapping is meant, not its value.
    path = [str(part) for part in wrong["loc"] if part != "[key]"]
    key, value = ".".join(path) or options.__name__, wrong["input"]
    if wrong["type"] == "extra_forbidden":
        for part in path[:-1]:
            options = options.model_fields[part].annotation  # type: ignore[assignment]
        there_are = f"{'.'.join(path[:-1])} has" if path[:-1] else "there are"
        close = difflib.get_close_matches(path[-1], options.model_fields, 1)
        perhaps = f"; is {close[0]} meant?" if close else ""
        return f"unknown setting {key}; {there_are}: {', '.join(options.model_fields)}{perhaps}"
    said = str(wrong["ctx"]["error"]) if wrong["type"] == "value_error" else wrong["msg"]
    if wrong["type"] == "value_error" and isinstance(value, Mapping):  # Several that don't go together.
        return f"the settings {key} are wrong: {said}"
    return f"the setting {key}={value!r} is wrong: {said}"
