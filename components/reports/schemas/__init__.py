"""What the reports' JSON files hold: a type each, from which the JSON Schemas in `docs/schemas/` are made."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from aisle.components.reports.schemas.ads import Ads
from aisle.components.reports.schemas.anomalies import Anomalies
from aisle.components.reports.schemas.cleaning import Cleaning
from aisle.components.reports.schemas.evaluation import Evaluation
from aisle.components.reports.schemas.experiment import Experiment
from aisle.components.reports.schemas.inventory import Inventory
from aisle.components.reports.schemas.labels import Labels
from aisle.components.reports.schemas.pictures import Pictures
from aisle.components.reports.schemas.record import Record
from aisle.components.reports.schemas.reviews import Reviews

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES: dict[str, type[Record]] = {
    "anomalies": Anomalies,
    "cleaning": Cleaning,
    "pictures": Pictures,
    "labels": Labels,
    "evaluation": Evaluation,
    "inventory": Inventory,
    "experiment": Experiment,
    "ads": Ads,
    "reviews": Reviews,
}


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles of fields, which say no more than their keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema(name: str) -> dict[str, Any]:
    """Returns the JSON Schema of a report.

    Args:
        name: of `aisle.components.reports.REPORTS`.
    """
    return {"$schema": DIALECT, **_TYPES[name].model_json_schema(schema_generator=_WithoutTitles)}


def validate(name: str, text: str) -> Any:
    """Holds the text of `NAME.json` against the report's type.

    Args:
        name: of `aisle.components.reports.REPORTS`.
        text: JSON.

    Returns:
        The report.

    Raises:
        pydantic.ValidationError: a key is missing, unknown, or has a value of another type.
    """
    return _TYPES[name].model_validate_json(text).model_dump(exclude_unset=True)
