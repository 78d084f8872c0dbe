"""A large shop's run has freed memory go back to the machine, and nobody else pays for it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from aisle.pipeline.memory import GIVEN_BACK, give_back_where_large


@pytest.fixture(autouse=True)
def _nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GIVEN_BACK:
        monkeypatch.setenv(name, "")  # So that it is taken out again afterwards.
        monkeypatch.delenv(name)


def _shop(folder: pathlib.Path, **sizes: int) -> str:
    for name, size in sizes.items():
        (folder / name.replace("_", ".")).write_bytes(b"." * size)
    return str(folder)


@pytest.mark.parametrize(
    ("sizes", "large"),
    [
        ({"items_csv": 400_000, "events_csv": 599_999}, False),
        ({"items_csv": 400_000, "events_csv": 600_000}, True),
        # Parquet and packed files are larger than they look, and what is no table doesn't count.
        ({"items_csv": 1, "events_parquet": 142_857}, True),
        ({"items_csv": 1, "events_csv_gz": 142_857}, True),
        ({"items_csv": 1, "notes_txt": 5_000_000}, False),
    ],
)
def test_a_shop_is_large_by_what_its_tables_take(
    tmp_path: pathlib.Path, sizes: dict[str, int], large: bool
) -> None:
    said = give_back_where_large(_shop(tmp_path, **sizes), {}, large_mb=1)
    assert bool(said) == large
    assert {name: os.environ[name] for name in GIVEN_BACK if name in os.environ} == (
        GIVEN_BACK if large else {}
    )


def test_a_folder_that_cant_be_used_is_left_to_who_reads_it(tmp_path: pathlib.Path) -> None:
    assert give_back_where_large(str(tmp_path), {}, large_mb=0) == ""
    assert give_back_where_large(str(tmp_path / "none"), {}, large_mb=0) == ""


def test_what_the_environment_says_stays(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = GIVEN_BACK
    monkeypatch.setenv(one, "0")
    said = give_back_where_large(_shop(tmp_path, items_csv=10), {}, large_mb=0)
    assert other in said and one not in said
    assert (os.environ[one], os.environ[other]) == ("0", GIVEN_BACK[other])
    assert give_back_where_large(str(tmp_path), {}, large_mb=0) == ""


def test_aisle_run_says_so_before_polars_is_imported(tmp_path: pathlib.Path) -> None:
    shop = _shop(tmp_path, items_csv=10)
    code = (
        "import sys\n"
        "from aisle.cli.run import run\n"
        "from aisle.pipeline import memory\n"
        "told = memory.give_back_where_large\n"
        "def watched(*given):\n"
        "    assert not {'polars', 'tensorflow'} & sys.modules.keys()\n"
        "    return told(*given)\n"
        "memory.give_back_where_large = watched\n"
        f"run([{shop!r}, '--out', {str(tmp_path / 'out')!r}, '--set', 'infra.large_mb=0'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN_BACK}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "a large shop" in done.stderr and "neither events nor judgements" in done.stderr
