"""The reports' JSON Schemas: those in docs/schemas are of this code, and a report that differs is refused."""

from __future__ import annotations

import copy
import json
import pathlib
import runpy
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from aisle.components.reports import REPORTS
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import json_schema, validate
from aisle.components.reports.schemas.__main__ import write

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SHOP = runpy.run_path(str(pathlib.Path(__file__).with_name("reported_shop.py")))


def test_the_schemas_in_the_documents_are_those_of_the_code(tmp_path: pathlib.Path) -> None:
    write(tmp_path)
    kept = REPOSITORY / "docs" / "schemas"
    assert {path.name for path in kept.iterdir()} == {f"{name}.schema.json" for name in REPORTS}
    for made in tmp_path.iterdir():
        text = (kept / made.name).read_text(encoding="utf-8")
        assert text == made.read_text(encoding="utf-8"), "make schemas writes them anew"


@pytest.mark.parametrize(("_", "report", "name"), SHOP["REPORTS"])
def test_a_report_of_this_version_is_accepted_and_all_of_it_known(_: Any, report: Any, name: str) -> None:
    text = as_json(report)
    # Tuples come back where the types say so, which JSON has not.
    assert json.loads(json.dumps(validate(name, text))) == json.loads(text)


def _renamed(report: dict[str, Any]) -> None:
    report["anomalies"][0]["amount"] = report["anomalies"][0].pop("value")


def _added(report: dict[str, Any]) -> None:
    report["tables"][0]["columns"]["more"] = []


def _taken(report: dict[str, Any]) -> None:
    del report["distributions"][0]["moved"]


def _retyped(report: dict[str, Any]) -> None:
    report["tables"][0]["read"] = "10"


def _misspelt(report: dict[str, Any]) -> None:
    report["verdict"] = "stopped"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_renamed, "anomalies.0.amount"),
        (_added, "tables.0.columns.more"),
        (_taken, "distributions.0.Texts.moved"),
        (_retyped, "tables.0.read"),
        (_misspelt, "verdict"),
    ],
)
def test_a_report_that_differs_in_one_place_is_refused(
    change: Callable[[dict[str, Any]], None], where: str
) -> None:
    report = copy.deepcopy(SHOP["ANOMALIES"])
    change(report)
    with pytest.raises(pydantic.ValidationError) as refused:
        validate("anomalies", as_json(report))
    assert where in {".".join(map(str, error["loc"])) for error in refused.value.errors()}


@pytest.mark.parametrize("name", REPORTS)
def test_every_record_of_a_schema_names_all_its_keys(name: str) -> None:
    schema = json_schema(name)
    for record in (schema, *schema["$defs"].values()):
        assert record["additionalProperties"] is False
        assert record["description"]
    assert schema["properties"]["version"] == {"const": 1, "type": "integer"}
    assert json.loads(json.dumps(schema)) == schema
