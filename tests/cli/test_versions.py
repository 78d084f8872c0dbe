"""`aisle versions`, `promote` and `rollback`, as a user calls them."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest

from aisle.cli.main import main


@pytest.fixture
def out(tmp_path: pathlib.Path) -> pathlib.Path:
    """A run's output folder with two versions, the newest pushed at a time."""
    for version in (6, 1_700_000_000):
        folder = tmp_path / "out" / "serving" / "aisle" / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(bytes(1_500_000))
    return tmp_path / "out"


class Aisle:
    """Runs the command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Its exit code, and what it wrote on stdout and stderr."""
        self._monkeypatch.setattr(sys, "argv", ["aisle", *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *self._capsys.readouterr()

    def done(self, *words: str) -> str:
        """What a command that works writes."""
        code, output, errors = self(*words)
        assert (code, errors) == (0, "")
        return output


@pytest.fixture
def aisle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aisle:
    return Aisle(monkeypatch, capsys)


def test_versions_are_labelled_listed_and_rolled_back(aisle: Aisle, out: pathlib.Path) -> None:
    promoted = aisle.done(
        "promote", "6", "--label", "stable", "--out", str(out), "--base-path", "/models/aisle"
    )
    assert promoted == f"stable is version 6; see {out}/serving/models.config\n"
    assert 'base_path: "/models/aisle"' in (out / "serving" / "models.config").read_text()
    listed = [line.split() for line in aisle.done("versions", "--out", str(out)).splitlines()]
    assert listed == [
        ["version", "pushed", "(UTC)", "MB", "state", "labels"],
        ["1700000000", "2023-11-14", "22:13:20", "1.5", "served"],
        ["6", "1.5", "served", "stable"],
    ]
    assert aisle.done("rollback", "--out", str(out)) == "withdrew 1700000000; version 6 is served\n"
    assert aisle.done("rollback", "--out", str(out), "--to", "6") == "version 6 is the newest already\n"
    assert json.loads(aisle.done("versions", "--out", str(out), "--json")) == [
        {
            "version": 1_700_000_000,
            "pushed": "2023-11-14T22:13:20+00:00",
            "bytes": 1_500_000,
            "state": "withdrawn",
            "labels": [],
        },
        {"version": 6, "pushed": None, "bytes": 1_500_000, "state": "served", "labels": ["stable"]},
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["versions", "--out", "nowhere"], "aisle: no model version in nowhere/serving/aisle;"),
        (["rollback", "--to", "8"], "aisle: no version 8 in"),
        (["promote", "8", "--label", "stable"], "aisle: no version 8 in"),
        (["promote", "6", "--label", "Stable"], "aisle: the label is 'Stable'; expected a small letter"),
    ],
    ids=["folder", "rollback", "promote", "label"],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    aisle: Aisle, words: list[str], said: str, out: pathlib.Path
) -> None:
    code, output, errors = aisle(*words, *([] if "--out" in words else ["--out", str(out)]))
    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith(said)


def test_what_the_disk_refuses_is_one_line(aisle: Aisle, out: pathlib.Path) -> None:
    taken = out / "serving" / "aisle" / ".withdrawn-1700000000"
    taken.mkdir()
    (taken / "saved_model.pb").touch()
    code, _, errors = aisle("rollback", "--out", str(out))
    assert code == 1
    (line,) = errors.splitlines()
    assert "could not be read or changed" in line
