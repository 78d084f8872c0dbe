"""A curated schema that changes runs again what depends on it."""

from __future__ import annotations

import pathlib

from aisle.components.curated_schema.component import CuratedSchema
from aisle.pipeline.inputs import schema_file, schema_fingerprint


def test_the_cache_sees_a_value_accepted_into_a_schema(tmp_path: pathlib.Path) -> None:
    def properties() -> dict[str, object]:
        path = schema_file(str(tmp_path), "items")
        return dict(CuratedSchema(path, schema_fingerprint(str(tmp_path), "items")).exec_properties)

    written = tmp_path / "items.pbtxt"
    written.write_text('feature { name: "category" }')
    before = properties()
    assert properties() == before
    written.write_text('feature { name: "category" string_domain { value: "Toys" } }')
    assert properties() != before
    assert properties()["schema_file"] == before["schema_file"] == str(written)


def test_a_schema_that_is_not_on_this_machine_has_no_fingerprint(tmp_path: pathlib.Path) -> None:
    assert schema_fingerprint("gs://bucket/schemas", "items") == ""
    assert schema_fingerprint(str(tmp_path), "items") == ""
