"""What all benchmarks share: goals, the command line that holds figures against them, and processes of their own."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest


@pytest.mark.parametrize(
    ("least", "most", "value", "missed"),
    [
        (3.0, None, 3.0, False),
        (3.0, None, 2.99, True),
        (None, 60.0, 60.0, False),
        (None, 60.0, 60.01, True),
        (1.0, 2.0, 2.5, True),
        (1.0, 2.0, 0.5, True),
        (None, None, -1.0, False),
        (0.0, None, float("nan"), True),
        (3.0, None, None, False),
    ],
)
def test_a_goal_is_missed_beyond_its_bound(
    least: float | None, most: float | None, value: float | None, missed: bool
) -> None:
    from benchmarks.shared.command import Figure

    assert Figure("f", lambda found: found["f"], least, most).missed(value) is missed


@pytest.mark.parametrize(("value", "missed"), [(5.0, []), (0.5, ["speed"])])
def test_the_last_line_is_json_and_check_fails_where_a_goal_is_missed(
    value: float,
    missed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
) -> None:
    from benchmarks.shared.command import Command, Figure

    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n<!-- end -->\n", encoding="utf-8")

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["one", "--value", str(value), *words])
        figures = (Figure("speed", lambda found: found["value"], least=1.0), Figure("part", lambda _: None))
        command = Command("One.", figures, seeds=(1, 2))
        command.add_argument("--value", type=float)
        command.run(
            lambda told, scratch: {
                "value": told.value,
                "seeds": told.seeds,
                "empty": not [*scratch.iterdir()],
            },
            {"a": lambda found: f"| {found['value']} |", "b": lambda _: ""},
        )

    run("--seeds", "3", "--results", str(page), "--json", str(tmp_path / "found.json"))
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "speed": value,
        "part": None,
        "missed": missed,
    }
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found == {"value": value, "seeds": [3], "empty": True, "minutes": 0.0}
    assert f"| {value} |" in page.read_text(encoding="utf-8")
    if missed:
        with pytest.raises(SystemExit, match="missed: speed"):
            run("--check")
    else:
        run("--check")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["missed"] == missed


def test_a_function_in_a_fresh_process_has_a_process_of_its_own() -> None:
    import os

    from benchmarks.shared.command import in_fresh_process

    assert in_fresh_process(os.getpid) != os.getpid()
