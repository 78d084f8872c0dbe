"""What TFX's cache is shown of our code: a step runs again when what it depends on has changed."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from aisle.pipeline import code_hash as hashing
from aisle.pipeline.code_hash import code_hash

FILES = {
    "components/__init__.py": "",
    "components/tables.py": "from aisle.schema.errors import InputError\n",
    "components/cleaner/__init__.py": "",
    "components/cleaner/executor.py": "import numpy\n\ndef f():\n    from aisle.components import tables\n",
    "components/pusher/__init__.py": "",
    "components/pusher/executor.py": "import aisle.components.reports\n",
    "components/reports/__init__.py": "",
    "components/reports/page.html": "<p>",
    "schema/__init__.py": "",
    "schema/errors.py": "class InputError(Exception): ...\n",
}


@pytest.fixture
def code(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Source as of `aisle`, of a cleaner and a pusher."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hashing, "_folder", lambda part: tmp_path / part)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("components/cleaner/executor.py", ["cleaner"]),
        ("components/tables.py", ["cleaner"]),
        ("schema/errors.py", ["cleaner"]),
        ("components/reports/page.html", ["pusher"]),
        ("components/__init__.py", ["cleaner"]),
    ],
)
def test_a_changed_file_changes_the_steps_that_lead_to_it(
    code: pathlib.Path, changed: str, again: list[str]
) -> None:
    before = {name: code_hash(f"aisle.components.{name}.executor") for name in ("cleaner", "pusher")}
    (code / changed).write_text(FILES[changed] + "\n# changed\n")
    after = {name: code_hash(f"aisle.components.{name}.executor") for name in ("cleaner", "pusher")}
    assert [name for name in before if before[name] != after[name]] == again


def test_every_step_of_ours_shows_its_code_and_a_changed_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tfx")
    from aisle.pipeline import create
    from aisle.pipeline.config import Config
    from aisle.pipeline.paths import Layout

    def specs() -> dict[str, Any]:
        tables = {"items": "1", "events": "2"}
        pipeline = create.create_pipeline("/shop", tables, Layout("/out"), Config())
        # As TFX's cache is shown them.
        return {node.id: node.executor_spec.encode() for node in pipeline.components}

    before, again = specs(), specs()
    assert before == again
    monkeypatch.setattr(hashing, "code_hash", lambda module: f"other {module}")
    changed = [name for name, spec in specs().items() if spec != before[name]]
    ours = [name for name, spec in before.items() if "aisle." in str(spec)]
    assert changed == ours
    assert {"ExampleGen.items", "AnomalyGate", "Cleaner", "Labeler", "CanaryLoad", "Pusher"} <= set(ours)
