"""Tables, whole files and pushed models in object stores: servers of S3 and of GCS on this machine, asked by pyarrow's clients."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pytest

from aisle.components import object_store
from aisle.components.example_gen.discovery import find_tables, fingerprint
from aisle.components.example_gen.reader import read_table
from aisle.components.mounts import on_disk
from aisle.components.pusher import remote
from aisle.components.storage import exists, is_folder, list_folder, open_file, remove_folder, write_whole
from aisle.components.tables import read_parquet, write_parquet
from aisle.pipeline.output_folder import check_out, check_push
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS
from tests import gcs_server, s3_server
from tests.s3_server import BUCKET, KEYS, free_port

ITEM_ROWS = "item_id,title,price\ni1,red mug,4.50\ni2,blue mug,5\n"
EVENT_ROWS = "timestamp,event,item_id,user_id\n2026-01-05 10:00:00,click,i1,u1\nsoon,click,i2,u1\n"


SCHEMES = {"s3": s3_server, "gs": gcs_server}


@pytest.fixture(scope="module", params=SCHEMES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The scheme of a store's addresses, and what tells a client of a server of it."""
    if not SCHEMES[request.param].installed():
        pytest.skip(SCHEMES[request.param].INSTALL)
    with contextlib.ExitStack() as running:
        if request.param == "gs":
            yield "gs", running.enter_context(gcs_server.gcs_server())
        else:
            listening = running.enter_context(s3_server.s3_server(tmp_path_factory.mktemp("store")))
            yield "s3", listening.environment


@pytest.fixture
def store(server: tuple[str, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket, with who asks told by the environment."""
    scheme, environment = server
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return f"{scheme}://{BUCKET}"


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


def test_folders_are_named_whether_files_or_folders_lie_in_them_and_removed_whole(store: str) -> None:
    for name in ("a.txt", "deep/b.txt", "deep/er/c.txt", "deeper.txt"):
        write_whole(f"{store}/tree/{name}", b"x")
    assert list_folder(f"{store}/tree") == ["a.txt", "deep", "deeper.txt"]
    remove_folder(f"{store}/tree/deep")
    assert list_folder(f"{store}/tree") == ["a.txt", "deeper.txt"]
    remove_folder(f"{store}/tree")
    assert not exists(f"{store}/tree") and list_folder(f"{store}/tree") == []


def test_a_bucket_that_is_not_there_is_told_in_one_line(store: str) -> None:
    none = store.replace(BUCKET, "none")
    with pytest.raises(InputError, match=f"{none}/a.json can't be used: there is no such bucket") as told:
        write_whole(f"{none}/a.json", b"{}")
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match=f"the data folder {none}/raw does not exist"):
        find_tables(f"{none}/raw")


@pytest.mark.parametrize("server", ["s3"], indirect=True)
def test_a_wrong_key_is_told_in_one_line(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(InputError, match="the store refuses who asks; AWS_ACCESS_KEY_ID") as told:
        find_tables(f"{store}/raw")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("path", "names", "hint"),
    [
        ("s3://shop/raw", (*KEYS, "AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL names one"),
        ("gs://shop/raw", ("STORAGE_EMULATOR_HOST",), "STORAGE_EMULATOR_HOST names an emulator"),
    ],
)
def test_a_store_that_does_not_answer_is_told_in_one_line(
    path: str, names: tuple[str, ...], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_PATIENCE", datetime.timedelta(seconds=1))
    nobody = f"http://127.0.0.1:{free_port()}"
    for name in names:
        monkeypatch.setenv(name, KEYS.get(name, nobody))
    with pytest.raises(InputError, match=f"the store doesn't answer; {hint}") as told:
        object_store.exists(path)
    assert "\n" not in str(told.value)


def test_where_a_model_is_to_be_pushed_is_asked_before_it_is_made(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_push(f"{store}/not/there/yet")
    check_push("")
    scheme = store.partition("://")[0]
    with pytest.raises(InputError, match=f"push.to={scheme}:// names no bucket; expected {scheme}://BUCKET"):
        check_push(f"{scheme}://")
    monkeypatch.setattr(object_store, "_PATIENCE", datetime.timedelta(seconds=1))
    for name in ("AWS_ENDPOINT_URL", "STORAGE_EMULATOR_HOST"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(InputError, match="the store doesn't answer"):
        check_push(f"{store}/models")


def test_google_without_credentials_is_told_what_says_who_asks(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_PATIENCE", datetime.timedelta(seconds=1))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="the store refuses who asks; GOOGLE_APPLICATION_CREDENTIALS"):
        object_store.exists("gs://shop/raw")


def test_a_run_on_this_machine_writes_to_a_disk_and_says_how_the_model_gets_to_a_store() -> None:
    with pytest.raises(InputError, match=r"--set push.to=s3://shop/out pushes the model there"):
        check_out("s3://shop/out/")
