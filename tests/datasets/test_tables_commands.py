"""`aisle simulate` and `aisle import` on the command line."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys

import click.testing
import pytest

from aisle.cli.tables import import_, simulate
from aisle.datasets.simulator import Planted, SimulatorOptions
from aisle.datasets.simulator.experiment import LEAST_EFFECT, MOST_EFFECT
from aisle.schema.errors import InputError


def test_simulate_prints_rows_by_table_and_faults_by_kind(tmp_path: pathlib.Path) -> None:
    arguments = [str(tmp_path / "shop"), "--users", "60", "--items", "80", "--days", "4", "--dirt", "0.2"]
    result = click.testing.CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 0, result.output
    for word in ("items", "judgements", "events: bad_price", "faults.csv"):
        assert word in result.output
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == [
        "events", "ground_truth", "items.csv", "judgements.csv", "users.csv",
    ]  # fmt: skip


def test_simulate_makes_a_shop_in_a_language(tmp_path: pathlib.Path) -> None:
    arguments = [str(tmp_path / "shop"), "--users", "10", "--items", "50", "--days", "1", "--language", "zh"]
    result = click.testing.CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 0, result.output
    assert "手机" in (tmp_path / "shop" / "items.csv").read_text(encoding="utf-8")
    wrong = click.testing.CliRunner().invoke(simulate, [str(tmp_path / "other"), "--language", "tlh"])
    assert wrong.exit_code == 2
    assert "'en', 'zh', 'ja', 'mixed'" in wrong.output


@pytest.mark.parametrize(
    "wrong", [["--users", "0"], ["--items", "49"], ["--days", "0"], ["--dirt", "1.1"], ["--seed", "-1"]]
)
def test_simulate_refuses_options_out_of_range(tmp_path: pathlib.Path, wrong: list[str]) -> None:
    result = click.testing.CliRunner().invoke(simulate, [str(tmp_path / "shop"), *wrong])
    assert result.exit_code == 2
    assert wrong[0] in result.output
    assert not (tmp_path / "shop").exists()


def test_simulate_takes_the_ranges_and_defaults_of_the_options() -> None:
    """Written a second time, since help must come without pydantic."""
    told = SimulatorOptions.model_json_schema()["properties"]
    of_a_shop = [p for p in simulate.params if p.name not in ("effect", "experiment_days", "visits", "rate")]
    ranges = {p.name: (p.type.min, p.type.max) for p in of_a_shop if hasattr(p.type, "min")}
    choices = {p.name: list(p.type.choices) for p in of_a_shop if hasattr(p.type, "choices")}
    assert choices == {name: one["enum"] for name, one in told.items() if "enum" in one} != {}
    flags = {p.name for p in of_a_shop if p.name in told and getattr(p, "is_flag", False)}
    assert ranges.keys() | choices.keys() | flags == told.keys()
    for name, (least, most) in ranges.items():
        number = next(iter(told[name].get("anyOf", [told[name]])))
        assert (least, most) == (
            number["minimum"],
            number.get("maximum", number.get("exclusiveMaximum", 0) - 1),
        )
    assert {p.name: p.default for p in simulate.params if p.name in told} == SimulatorOptions().model_dump()
    effect, days = (p for p in simulate.params if p.name in ("effect", "experiment_days"))
    assert (effect.type.min, effect.type.max) == (LEAST_EFFECT, MOST_EFFECT)
    defaults = {field.name: field.default for field in dataclasses.fields(Planted)}
    assert (effect.default, days.default) == (defaults["effect"], defaults["days"])


def test_import_reads_sequences(tmp_path: pathlib.Path) -> None:
    (tmp_path / "toy.txt").write_text("1 10 20\n")
    arguments = ["sequences", str(tmp_path / "toy.txt"), str(tmp_path / "shop")]
    result = click.testing.CliRunner().invoke(import_, arguments)
    assert result.exit_code == 0, result.output
    assert "events" in result.output


def test_import_of_a_missing_source_is_an_input_error(tmp_path: pathlib.Path) -> None:
    arguments = ["online-retail", str(tmp_path / "nowhere"), str(tmp_path / "shop")]
    result = click.testing.CliRunner().invoke(import_, arguments)
    assert isinstance(result.exception, InputError)


def test_the_command_module_imports_nothing_heavy() -> None:
    code = "import sys, aisle.cli.tables; print({'polars', 'numpy', 'rich.table'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
