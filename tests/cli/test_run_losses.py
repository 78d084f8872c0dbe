"""`aisle run` on a shop of which the cleaner can't use a whole class of rows: it stops behind it and says why."""

from __future__ import annotations

import csv
import json
import pathlib
import sys

import pytest

pytest.importorskip("tfx")

from aisle.cli.main import main

LINE = (
    "aisle: all 100 purchases were lost, so that the models would learn click instead of purchase: 100 × quantity "
    "'not a number' (events.csv:2 …). To keep them: say by reading.numbers how events.quantity is written, or mend it in "
    "the feed. To go on without them: --set 'losses.allowed=[\"events.event=purchase\"]'. See "
)


def shop(folder: pathlib.Path) -> pathlib.Path:
    """Thirty items, 500 clicks, and 100 purchases whose quantity is written as a word."""
    folder.mkdir()
    items = [f"{n},Mug of form {n}" for n in range(10, 40)]
    events = [
        f"2025-03-{n // 20 + 1:02} {n % 24:02}:00:00,{'click' if n % 6 else 'purchase'},{10 + n % 30},u{n % 40},"
        + ("1" if n % 6 else "two")
        for n in range(600)
    ]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items]), encoding="utf-8")
    header = "timestamp,event,item_id,user_id,quantity"
    (folder / "events.csv").write_text("\n".join([header, *events]), encoding="utf-8")
    return folder


def aisle(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Runs the command in this process, which has TFX imported, and returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["aisle", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_run_that_loses_every_purchase_stops_behind_the_cleaner_each_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data, out = shop(tmp_path / "shop"), tmp_path / "out"
    for _ in range(2):
        assert aisle(monkeypatch, "run", str(data), "--out", str(out)) == 3
        said = capfd.readouterr().err.strip().splitlines()
        assert said[-1] == f"{LINE}{out}/reports/cleaning.html"
        assert "Cleaner" in said[-2]
        assert "done before" not in said[-2]
    with open(out / "quarantine" / "events.csv", encoding="utf-8", newline="") as file:
        lost = list(csv.DictReader(file))
    assert [(row["file"], row["line"], row["value"]) for row in lost[:2]] == [
        ("events.csv", "2", "two"),
        ("events.csv", "8", "two"),
    ]
    assert len(lost) == 100
    losses = json.loads((out / "reports" / "cleaning.json").read_text(encoding="utf-8"))["losses"]
    assert losses["verdict"] == "blocked"
    assert "What was lost" in (out / "reports" / "cleaning.html").read_text(encoding="utf-8")
