"""`aisle run` on what it can't use: one clear line on stderr, code 2, no traceback."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import polars as pl
import pytest

from aisle.components.cleaner.options import CleanerOptions
from aisle.pipeline.named_columns import check_named_columns

ITEMS = "item_id,title\na,Mug\n"
EVENTS = "timestamp,event,item_id\n2024-01-01 00:00:00,purchase,a\n"


def refusal(*arguments: str) -> str:
    """The one line that `aisle run` refuses its arguments with."""
    command = [sys.executable, "-m", "aisle.cli.main", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def write(folder: pathlib.Path, **files: str) -> pathlib.Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_the_demo_tells_of_a_wrong_setting_before_it_makes_a_shop(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "aisle.cli.main", "demo", "--out", str(out), "--set", "ranker.learnt=7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "ranker.learnt=7" in done.stderr
    assert not out.exists()


def test_a_folder_that_is_absent(tmp_path: pathlib.Path) -> None:
    assert "does not exist" in refusal(str(tmp_path / "none"))


def test_an_empty_folder(tmp_path: pathlib.Path) -> None:
    assert "items" in refusal(str(tmp_path))


def test_a_folder_without_items(tmp_path: pathlib.Path) -> None:
    assert "items" in refusal(str(write(tmp_path, events=EVENTS)))


def test_a_folder_without_events_or_judgements(tmp_path: pathlib.Path) -> None:
    assert "judgements" in refusal(str(write(tmp_path, items=ITEMS)))


def test_a_file_that_is_a_folder(tmp_path: pathlib.Path) -> None:
    write(tmp_path, events=EVENTS)
    (tmp_path / "items.csv").mkdir()
    assert "items.csv" in refusal(str(tmp_path))


def test_a_parquet_file_that_is_none(tmp_path: pathlib.Path) -> None:
    write(tmp_path, events=EVENTS)
    (tmp_path / "items.parquet").write_bytes(b"nonsense")
    assert "items.parquet" in refusal(str(tmp_path))


@pytest.mark.parametrize(
    ("setting", "said"), [("ranker.layer=2", "ranker.layer"), ("nonsense", "SECTION.KEY=VALUE")]
)
def test_a_wrong_setting(tmp_path: pathlib.Path, setting: str, said: str) -> None:
    assert said in refusal(str(write(tmp_path, items=ITEMS, events=EVENTS)), "--set", setting)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('cleaner.non_product=["["]', "cleaner.non_product.0='[' is wrong: expected a regular expression"),
        (
            'cleaner.non_product=["(?=a)"]',
            "look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            'cleaner.numbers=["items.nosuch"]',
            "cleaner.numbers names items.nosuch, but items has: item_id, title",
        ),
        (
            'cleaner.numbers=["users.x"]',
            "cleaner.numbers names users.x, but the data folder holds items, ev",
        ),
        (
            'cleaner.numbers=["shop.age"]',
            "expected TABLE.COLUMN of a table of items, users, events, judgements",
        ),
        ('cleaner.rates={"EUR":-1}', "cleaner.rates.EUR=-1 is wrong: Input should be greater than 0"),
        ('cleaner.missing={"items.title":"mode:shelf"}', "cleaner.missing names items.shelf, but items has"),
        (
            'cleaner.near_duplicate_columns=["till"]',
            "near_duplicate_columns names events.till, but events has",
        ),
        ("model.bert=none", "the BERT folder none lacks"),
    ],
)
def test_a_setting_that_does_not_fit_the_data_or_the_machine(
    tmp_path: pathlib.Path, setting: str, said: str
) -> None:
    assert said in refusal(str(write(tmp_path, items=ITEMS, events=EVENTS)), "--set", setting)


def test_columns_of_the_data_and_our_own_may_be_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items").mkdir()
    write(tmp_path, events=EVENTS)
    write(tmp_path / "items", a="item_id,title,rrp\na,Mug,3\n")
    pl.DataFrame({"item_id": ["b"], "title": ["Cup"], "cost": ["1"]}).write_parquet(
        tmp_path / "items" / "b.parquet"
    )
    named = ("items.rrp", "items.cost", "items.price")
    check_named_columns(
        str(tmp_path), CleanerOptions(numbers=named, missing={"events.query": "mode:item_id"}), {}
    )
    (tmp_path / "items" / "c.parquet").write_bytes(
        b"nonsense"
    )  # Whoever reads it says what is wrong with it.
    check_named_columns(str(tmp_path), CleanerOptions(numbers=("items.unknown",)), {})


def test_an_output_folder_that_is_a_file_or_below_one(tmp_path: pathlib.Path) -> None:
    data = write(tmp_path, items=ITEMS, events=EVENTS)
    for out in (tmp_path / "items.csv", tmp_path / "items.csv" / "out"):
        assert f"{tmp_path / 'items.csv'} is a file; expected a folder" in refusal(
            str(data), "--out", str(out)
        )


def test_a_specification_that_is_to_be_written_over_a_folder(tmp_path: pathlib.Path) -> None:
    command = [
        sys.executable,
        "-m",
        "aisle.cli.main",
        "compile",
        "gs://shop",
        "--root",
        "gs://out",
        "--image",
        "i",
    ]
    done = subprocess.run([*command, "--output", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{tmp_path} is a folder; expected a file's name for --output" in done.stderr


def test_a_config_file_that_is_absent(tmp_path: pathlib.Path) -> None:
    data = write(tmp_path, items=ITEMS, events=EVENTS)
    assert "no.toml" in refusal(str(data), "--config", str(tmp_path / "no.toml"))


def test_a_schema_folder_that_lacks_a_table(tmp_path: pathlib.Path) -> None:
    write(tmp_path, items=ITEMS, events=EVENTS)
    (tmp_path / "items.pbtxt").write_text("", encoding="utf-8")
    line = refusal(str(tmp_path), "--set", f"data.schema_dir={tmp_path}")
    assert "has no events.pbtxt; write it with: aisle schema infer" in line


@pytest.mark.parametrize(
    "setting", ["no/tensorflow_model_server", "localhost:99999", "grpc://localhost:8500"]
)
def test_a_tf_serving_that_is_neither_an_executable_nor_an_address(
    tmp_path: pathlib.Path, setting: str
) -> None:
    write(tmp_path, items=ITEMS, events=EVENTS)
    line = refusal(str(tmp_path), "--set", f"infra.tf_serving={setting}")
    assert f"infra.tf_serving={setting!r} is neither an executable nor HOST:PORT" in line
