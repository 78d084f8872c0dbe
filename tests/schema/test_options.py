"""The base of all options: frozen, of known names, finite, and the same after JSON."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Annotated, Literal

import pydantic
import pytest

from aisle.schema.errors import InputError
from aisle.schema.options import Amount, AtLeastOne, Options, Share


class Oven(Options):
    """Of a kitchen."""

    trays: AtLeastOne = 2
    heat: Amount = 180.0
    door: Literal["left", "right"] = "left"
    racks: tuple[str, ...] = ()
    shares: dict[str, Share] = {}


class Kitchen(Options):
    """Of sections, as a configuration."""

    oven: Oven = Oven()
    size: Annotated[int, pydantic.Field(ge=1)] | None = None


def test_json_keeps_the_options_and_the_order_of_their_keys() -> None:
    oven = Oven(racks=("a", "b"), shares={"z": 0.5, "a": 1.0}, trays=3)
    written = (
        '{"door": "left", "heat": 180.0, "racks": ["a", "b"], "shares": {"a": 1.0, "z": 0.5}, "trays": 3}'
    )
    assert oven.to_json() == written
    assert Oven.from_json(written) == oven
    assert Oven.from_json("{}") == Oven()


def test_options_do_not_change() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Oven().trays = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"oven": {"trays": 0}}, "setting oven.trays=0 is wrong: Input should be greater than or equal to 1"),
        ({"oven": {"trays": True}}, "setting oven.trays=True is wrong: Input should be a valid integer"),
        ({"oven": {"trays": "2"}}, "setting oven.trays='2' is wrong: Input should be a valid integer"),
        ({"oven": {"heat": float("nan")}}, "setting oven.heat=nan is wrong: Input should be a finite number"),
        ({"oven": {"heat": float("inf")}}, "setting oven.heat=inf is wrong: Input should be a finite number"),
        ({"oven": {"door": "up"}}, "setting oven.door='up' is wrong: Input should be 'left' or 'right'"),
        ({"oven": {"shares": {"a": 2}}}, "oven.shares.a=2 is wrong: Input should be less than or equal to 1"),
        ({"oven": 3}, "setting oven=3 is wrong: Input should be a valid dictionary or instance of Oven"),
        ({"oven": {"trays": 0, "tray": 1}}, "unknown setting oven.tray; oven has: trays, heat, door"),
        ({"oven": {"tray": 1}}, "; is trays meant?"),
        ({"stove": {}}, "unknown setting stove; there are: oven, size"),
        ([], "setting Kitchen=[] is wrong: Input should be a valid dictionary or instance of Kitchen"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(values: object, line: str) -> None:
    with pytest.raises(InputError) as caught:
        Kitchen.read(values)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1"])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(InputError, match="Oven: .* is not JSON"):
        Oven.from_json(text)


@pytest.mark.parametrize("module", ["aisle.serving", "aisle.cli.main", "aisle.schema.contract"])
def test_what_the_light_client_imports_does_without_pydantic(module: str) -> None:
    code = f"import sys, {module}; sys.exit('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_options_are_made_by_another_dialect() -> None:
    """Outside `serving`, whose server runs without pydantic."""
    root = pathlib.Path(__file__).resolve().parents[2]
    for part in ("cli", "components", "datasets", "model", "pipeline"):
        for path in (root / part).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("class ") and "Options" in line.partition("(")[0]:
                    assert line.endswith("(Options):"), f"{path}: {line}"
