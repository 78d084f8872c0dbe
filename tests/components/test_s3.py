"""Tables, whole files and pushed models in an S3 store: a server of S3 on this machine, asked by pyarrow's client."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pyarrow as pa
import pytest

from aisle.components import s3
from aisle.components.example_gen.discovery import find_tables, fingerprint
from aisle.components.example_gen.reader import read_table
from aisle.components.mounts import on_disk
from aisle.components.pusher import remote
from aisle.components.storage import exists, is_folder, list_folder, open_file, write_whole
from aisle.components.tables import read_parquet, write_parquet
from aisle.pipeline.output_folder import check_out
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS
from tests.s3_server import BUCKET, INSTALL, KEYS, S3Server, free_port, installed, s3_server

ITEM_ROWS = "item_id,title,price\ni1,red mug,4.50\ni2,blue mug,5\n"
EVENT_ROWS = "timestamp,event,item_id,user_id\n2026-01-05 10:00:00,click,i1,u1\nsoon,click,i2,u1\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not installed():
        pytest.skip(INSTALL)
    with s3_server(tmp_path_factory.mktemp("store")) as listening:
        yield listening


@pytest.fixture
def store(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket, with who asks told by the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}"


def test_a_file_is_replaced_whole_and_read_in_pieces_and_as_text(store: str) -> None:
    path = f"{store}/reports/loss.txt"
    for content in (b"old", "née\nnew\n".encode()):
        write_whole(path, content)
    with open_file(path) as file:
        assert (file.readline(), file.read()) == ("née\n".encode(), b"new\n")
    with open_file(path, "r") as file:
        assert list(file) == ["née\n", "new\n"]
    assert list_folder(f"{store}/reports") == ["loss.txt"]
    assert is_folder(f"{store}/reports") and not is_folder(path)
    assert exists(path) and not exists(f"{store}/report")
    with pytest.raises(FileNotFoundError):
        open_file(f"{store}/reports/none.txt")


def test_a_table_comes_back_as_it_was_written(store: str) -> None:
    table = pa.table({"item_id": ["a", None], "price": [1.5, 2.0]})
    write_parquet(f"{store}/tables/items.parquet", table)
    assert read_parquet(f"{store}/tables/items.parquet").equals(table)


def test_a_shops_tables_are_found_and_read_and_what_cannot_be_read_is_quarantined(store: str) -> None:
    folder = f"{store}/raw"
    write_whole(f"{folder}/items.csv", ITEM_ROWS.encode())
    write_whole(f"{folder}/events/2026-01.csv", EVENT_ROWS.encode())
    found = find_tables(folder)
    assert found == {"items": [f"{folder}/items.csv"], "events": [f"{folder}/events/2026-01.csv"]}
    before = fingerprint(found["items"])
    assert read_table(folder, ITEMS).rows["title"].to_pylist() == ["red mug", "blue mug"]
    events = read_table(folder, EVENTS)
    assert events.rows["item_id"].to_pylist() == ["i1"]
    assert events.quarantine["value"].to_pylist() == ["soon"]
    write_whole(f"{folder}/items.csv", ITEM_ROWS.replace("5\n", "6\n").encode())
    assert fingerprint(found["items"]) != before


def test_a_model_is_pushed_whole_and_numbered_above_the_others(store: str, tmp_path: pathlib.Path) -> None:
    files = {"saved_model.pb": b"graph", "variables/variables.index": b"index", "assets/empty.txt": b""}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    base = f"{store}/serving/aisle"
    write_whole(f"{base}/.pushing-cut-off/saved_model.pb", b"half")
    versions = [remote.push(str(tmp_path), base) for _ in range(2)]
    assert list_folder(base) == sorted(version.rpartition("/")[2] for version in versions)
    assert int(versions[1].rpartition("/")[2]) > int(versions[0].rpartition("/")[2])
    for name, content in files.items():
        with open_file(f"{versions[1]}/{name}") as file:
            assert file.read() == content


def test_a_model_of_another_run_is_put_on_the_disk_while_it_is_asked(
    store: str, tmp_path: pathlib.Path
) -> None:
    folder = f"{store}/aisle/Bundle/7/tested_model"
    files = {"Format-Serving/saved_model.pb": b"graph", "Format-Serving/assets.extra/index.json": b"{}"}
    for name, content in files.items():
        write_whole(f"{folder}/{name}", content)
    with on_disk(folder) as copy:
        assert {name: (pathlib.Path(copy) / name).read_bytes() for name in files} == files
    assert not pathlib.Path(copy).exists()
    with on_disk(str(tmp_path)) as same:
        assert same == str(tmp_path)


def test_a_bucket_that_is_not_there_is_told_in_one_line(store: str) -> None:
    with pytest.raises(InputError, match="s3://none/a.json can't be used: there is no such bucket") as told:
        write_whole("s3://none/a.json", b"{}")
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="the data folder s3://none/raw does not exist"):
        find_tables("s3://none/raw")


def test_a_wrong_key_is_told_in_one_line(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(InputError, match="the store refuses who asks; AWS_ACCESS_KEY_ID") as told:
        find_tables(f"{store}/raw")
    assert "\n" not in str(told.value)


def test_a_store_that_does_not_answer_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="the store doesn't answer; AWS_ENDPOINT_URL names one") as told:
        s3.exists("s3://shop/raw")
    assert "\n" not in str(told.value)


def test_a_run_on_this_machine_writes_to_a_disk_and_says_how_the_model_gets_to_a_store() -> None:
    with pytest.raises(InputError, match=r"--set push.to=s3://shop/out pushes the model there"):
        check_out("s3://shop/out/")
