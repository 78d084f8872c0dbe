"""A model says which parts of another shop's it took."""

from __future__ import annotations

import json
import pathlib

from aisle.model.gain import Gain
from aisle.model.transfer.told import tell, told


def test_a_model_says_what_it_took_and_nothing_where_nothing_was_tried(tmp_path: pathlib.Path) -> None:
    gains = [Gain("head", True, 0.02, 0.01, 80), Gain.off("worth", "another vocabulary")]
    tell(str(tmp_path / "with"), gains)
    tell(str(tmp_path / "without"), [])
    assert told(str(tmp_path / "with")) == gains
    assert told(str(tmp_path / "without")) == [] and not (tmp_path / "without").exists()
    written = json.loads((tmp_path / "with" / "assets.extra" / "transfer.json").read_text(encoding="utf-8"))
    assert [part["why"] for part in written] == ["", "another vocabulary"]
