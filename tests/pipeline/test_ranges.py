"""Each number among the settings has a range, and each value out of it is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

from aisle.datasets.simulator import SimulatorOptions
from aisle.pipeline.config import Config, load_config
from aisle.schema.errors import InputError

BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
Place = Callable[[Any], Any]
"""Puts a number where a setting holds it: in a mapping, in a tuple, or as it is."""


def numbers(schema: dict[str, Any], place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The JSON schema of each number in a setting's, with where it lies; a choice of numbers has its bounds in itself."""
    if schema.get("type") in ("integer", "number") and "enum" not in schema:
        yield schema, place
    for choice in schema.get("anyOf", ()):
        yield from numbers(choice, place)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from numbers(schema["additionalProperties"], lambda value: place({"items.name": value}))
    if isinstance(schema.get("items"), dict):
        yield from numbers(schema["items"], lambda value: place([value]))
    for index, one in enumerate(schema.get("prefixItems", ())):
        given: list[Any] = list(schema["default"])
        yield from numbers(one, lambda v, i=index, g=given: place([*g[:i], v, *g[i + 1 :]]))


def settings() -> Iterator[tuple[str, dict[str, Any], Place]]:
    """Each number of the configuration: the name of its setting, its JSON schema, and where it lies in the setting."""
    for section, field in Config.model_fields.items():
        assert isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel)
        for key, schema in field.annotation.model_json_schema()["properties"].items():
            for number, place in numbers(schema, lambda value: value):
                yield f"{section}.{key}", number, place


def wrong(number: dict[str, Any]) -> Iterator[float]:
    """The values just out of a number's range, and those that are in no range."""
    step = 1 if number["type"] == "integer" else 1e-6
    yield from (number[name] - step for name in ("minimum",) if name in number)
    yield from (number[name] + step for name in ("maximum",) if name in number)
    yield from (number[name] for name in ("exclusiveMinimum", "exclusiveMaximum") if name in number)
    if number["type"] == "number":
        yield from (math.nan, math.inf, -math.inf)


SETTINGS = list(settings())
WRONG = [(name, place(value)) for name, number, place in SETTINGS for value in wrong(number)]


def test_the_settings_that_are_numbers_are_found() -> None:
    found = {name for name, _, _ in SETTINGS}
    assert found >= {
        "cleaner.max_title",
        "cleaner.rates",
        "cleaner.ratings",
        "gate.drift_by_column",
        "bless.max_drop",
    }
    assert len(found) > 90


@pytest.mark.parametrize("name", sorted({name for name, _, _ in SETTINGS}))
def test_every_number_has_a_bound(name: str) -> None:
    assert all(BOUNDS & number.keys() for found, number, _ in SETTINGS if found == name)


def test_every_number_of_a_simulated_shop_has_both_bounds() -> None:
    for name, schema in SimulatorOptions.model_json_schema()["properties"].items():
        if "enum" in schema or schema.get("type") == "boolean":
            continue
        ((number, _),) = numbers(schema, lambda value: value)
        assert len(BOUNDS & number.keys()) == 2, name


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda part: str(part))
def test_a_number_out_of_its_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        load_config(None, [f"{name}={json.dumps(value)}"])
    assert str(refused.value).startswith(f"the setting {name}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("section", Config.model_fields)
def test_a_choice_that_is_none_is_refused_by_name(section: str) -> None:
    kind: Any = Config.model_fields[section].annotation
    for key, schema in kind.model_json_schema()["properties"].items():
        if "enum" in schema:
            with pytest.raises(InputError, match=f"^the setting {section}.{key}='sideways' is wrong"):
                load_config(None, [f"{section}.{key}=sideways"])
