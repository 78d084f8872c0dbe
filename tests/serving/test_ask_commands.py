"""`aisle search`, `recommend`, `similar`, `rank` and `serve`, as they are typed."""

from __future__ import annotations

import json
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from aisle.cli.ask.answers import print_table
from aisle.serving import ScoredItem


def aisle(*words: str, cwd: pathlib.Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "aisle.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


def test_an_answer_is_a_table_with_titles(out: pathlib.Path, target: str) -> None:
    code, printed, _ = aisle("search", "shirt", "-k", "2", "--target", target, cwd=out)
    assert code == 0
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert cells == [["1", "a", "red shirt", "4"], ["2", "b", "blue shirt", "3"]]


def test_the_titles_are_those_of_the_model_that_answers_and_not_of_the_folder_here(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], target: str
) -> None:
    others = dict.fromkeys("abcd", "another shop's")
    save_tiny_model(tmp_path / "out" / "serving" / "aisle" / "7", titles=others)
    code, printed, _ = aisle("similar", "a", "-k", "2", "--target", target, cwd=tmp_path)
    assert code == 0
    assert "red shirt" in printed
    assert "another" not in printed


def test_a_model_that_tells_no_titles_is_answered_by_ids_alone(
    tmp_path: pathlib.Path,
    save_tiny_model: Callable[..., None],
    server_control: Callable[..., tuple[Any, str]],
) -> None:
    base = tmp_path / "out" / "serving" / "aisle"
    save_tiny_model(base / "7", without=["titles"])
    _, address = server_control(base)
    code, printed, said = aisle("similar", "a", "-k", "1", "--target", address, cwd=tmp_path)
    assert code == 0, said
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert cells == [["1", "a", "4"]]
    code, printed, said = aisle("search", "x", "--explain", "-k", "1", "--target", address, cwd=tmp_path)
    assert code == 0, said
    assert "red shirt" not in printed


def test_an_answer_may_be_json(out: pathlib.Path, target: str) -> None:
    words = ("recommend", "u1", "-k", "1", "--json", "--target", target)
    code, printed, _ = aisle(*words, cwd=out)
    assert code == 0
    assert json.loads(printed) == [{"rank": 1, "item_id": "a", "score": 4.0, "title": "red shirt"}]


def test_filters_reach_the_server_and_facets_are_printed(out: pathlib.Path, target: str) -> None:
    words = ("search", "", "-k", "1", "--category", "Home", "--brand", "Acme", "--brand", "[b]Ajax")
    words += ("--min-price", "2", "--max-price", "3.5", "--in-stock", "--target", target)
    code, printed, said = aisle(*words, "--facets", "--json", cwd=out)
    assert code == 0, said
    found = json.loads(printed)
    assert found["items"] == [{"rank": 1, "item_id": "a", "score": 4.0, "title": "red shirt"}]
    assert found["categories"] == [{"value": "Home", "count": 3}]
    # The tiny model's brands tell what reached it.
    assert [brand["value"] for brand in found["brands"]] == ["Acme", "[b]Ajax", "2.00", "3.50", "true"]
    code, printed, _ = aisle(*words, "--facets", cwd=out)
    assert code == 0
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert ["Home", "3"] in cells
    assert ["[b]Ajax", "1"] in cells
    code, printed, _ = aisle(*words, "--json", cwd=out)
    assert (code, [row["item_id"] for row in json.loads(printed)]) == (0, ["a"])


def test_an_explained_answer_is_a_table_of_what_sums_up(out: pathlib.Path, target: str) -> None:
    words = ("search", "shirt", "-k", "2", "--explain", "--target", target)
    code, printed, said = aisle(*words, cwd=out)
    assert code == 0, said
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    columns = [" ".join(filter(None, column)) for column in zip(*cells, strict=True)]
    assert columns[:3] == ["1 2", "red shirt a blue shirt b", "4 3"]
    why = "+2.00 = shirt ~ {} +2.50, feature.price -0.50; found by dense #3"
    assert columns[3] == " ".join(why.format(item) for item in "ab")


def test_an_explained_answer_may_be_json(out: pathlib.Path, target: str) -> None:
    words = ("search", "shirt", "-k", "1", "--explain", "--json", "--target", target)
    code, printed, _ = aisle(*words, cwd=out)
    assert code == 0
    (row,) = json.loads(printed)
    why = row.pop("explanation")
    assert row == {"rank": 1, "item_id": "a", "score": 4.0, "title": "red shirt"}
    assert why["score"] == sum(part["contribution"] for part in why["parts"]) == 2.0
    assert why["words"] == [{"word": "shirt", "matched": "a", "contribution": 2.5}]
    assert why["found_by"] == [{"source": "dense", "rank": 3}]


def test_a_file_of_queries_is_answered_by_the_server(target: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "queries.txt").write_text("red shirt\n=cmd|x\n", encoding="utf-8")
    words = ("search", "--queries", "queries.txt", "--output", "found.csv", "-k", "1", "--target", target)
    assert aisle(*words, cwd=tmp_path)[0] == 0
    assert (tmp_path / "found.csv").read_text(encoding="utf-8") == (
        "query,rank,item_id,score\nred shirt,1,a,4\n'=cmd|x,1,a,4\n"
    )


def test_files_are_answered_by_the_pushed_model_without_a_server(
    out: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "users.csv").write_text("user_id\nu1\n", encoding="utf-8")
    (tmp_path / "pairs.csv").write_text("query,item_id\nq,ccc\nq,a\n", encoding="utf-8")
    words = ("recommend", "--users", "users.csv", "--output", "users_found.csv", "--exclude-seen", "-k", "2")
    code, printed, said = aisle(*words, "--out", str(out), cwd=tmp_path)
    assert (code, printed) == (0, ""), said
    assert (tmp_path / "users_found.csv").read_text(encoding="utf-8") == (
        "user_id,rank,item_id,score\nu1,1,a,4\nu1,2,b,3\n"
    )
    words = ("rank", "--pairs", "pairs.csv", "--output", "scores.csv", "--out", str(out))
    assert aisle(*words, cwd=tmp_path)[0] == 0
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8") == "query,item_id,score\nq,ccc,3\nq,a,1\n"


def test_a_domain_is_recommended_from_for_one_user_and_for_a_file_of_them(
    out: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "users.csv").write_text("user_id\nu1\n", encoding="utf-8")
    words = ("recommend", "--users", "users.csv", "--output", "found.csv", "--domain", "f", "--out", str(out))
    code, printed, said = aisle(*words, cwd=tmp_path)
    assert (code, printed) == (0, ""), said
    # The tiny model's domain has an item for each letter of its name.
    assert (tmp_path / "found.csv").read_text(encoding="utf-8") == "user_id,rank,item_id,score\nu1,1,a,4\n"
    code, printed, said = aisle(
        "recommend", "u1", "--domain", "fo", "--json", "--out", str(out), cwd=tmp_path
    )
    assert code == 0, said
    assert [row["item_id"] for row in json.loads(printed)] == ["a", "b"]


def test_one_question_is_answered_by_the_pushed_model_without_a_server(
    out: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    code, printed, said = aisle("similar", "a", "-k", "1", "--json", "--out", str(out), cwd=tmp_path)
    assert code == 0, said
    assert json.loads(printed) == [{"rank": 1, "item_id": "a", "score": 4.0, "title": "red shirt"}]


@pytest.mark.parametrize("words", ["search --queries q.txt --output o.csv", "similar x"])
def test_where_nobody_listens_the_process_ends_with_the_message(tmp_path: pathlib.Path, words: str) -> None:
    (tmp_path / "q.txt").write_text("red\n", encoding="utf-8")
    began = time.monotonic()
    code, _, said = aisle(*words.split(), "--target", "127.0.0.1:1", cwd=tmp_path)
    # Two seconds on a quiet machine, of which 0.4 are the client's own pauses.
    assert time.monotonic() - began < 20
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("aisle: no server answers at 127.0.0.1:1; start one with `aisle serve`")
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("search", 2, "expected a QUERY"),
        ("search x --queries q.txt --output o.csv", 2, "expected a QUERY"),
        ("search --queries q.txt", 2, "go together"),
        ("search x --output o.csv", 2, "go together"),
        ("search --queries q.txt --output o.csv --json", 2, "--json prints one answer"),
        ("search --queries q.txt --output o.csv --explain", 2, "--explain goes with one QUERY"),
        ("search --queries none.txt --output o.csv", 2, "none.txt does not exist"),
        ("search --queries q.txt --output q.txt/o.csv", 2, "q.txt/o.csv can't be written"),
        ("search --queries q.txt --output o.csv", 2, "run `aisle run DATA --out DIR` first"),
        ("search x --min-price 5 --max-price 2", 2, "the lowest price is 5, above the highest, 2; swap them"),
        ("search x --min-price -1", 2, "price to filter by is -1.0; expected a number from 0 up"),
        ("search --queries q.txt --output o.csv --in-stock", 2, "filters and --facets go with one QUERY"),
        ("search x -k 0", 2, "-k is 0; expected 1 to 1000"),
        ("similar x -k 1001", 2, "-k is 1001"),
        ("similar x --out q.txt", 2, "no model version in q.txt/serving/aisle"),
        ("recommend x --out none", 2, "no model version in none/serving/aisle"),
        ("search x --out none --explain", 2, "no model version in none/serving/aisle"),
        (
            "recommend x --out out --target h:1",
            2,
            "--target h:1 and --out out came together; give --target to",
        ),
        ("recommend x --target nowhere", 2, "expected HOST:PORT"),
        (
            "recommend x --target 127.0.0.1:1",
            1,
            "no server answers at 127.0.0.1:1; start one with `aisle serve`",
        ),
        ("rank", 2, "expected --pairs"),
        ("rank --pairs q.txt --output o.csv", 2, "no column 'query'"),
        ("serve", 2, "run `aisle run DATA --out DIR` first"),
        ("serve --port 65536", 2, "--port is 65536"),
        ("serve --metrics-port -1", 2, "--metrics-port is -1"),
        ("serve --log log --log-share 2", 2, "--log-share is 2.0; expected a share"),
        ("serve --batch -1", 2, "--batch is -1; expected 0 (off) to 4096 rows"),
        ("serve --batch 8 --batch-wait-ms -1", 2, "--batch-wait-ms is -1.0; expected 0 to 60000"),
        ("serve --waiting -1", 2, "--waiting is -1"),
        ("serve --tls-certificate c.pem", 2, "TLS needs --tls-key too"),
    ],
)
def test_a_wrong_input_is_one_line(tmp_path: pathlib.Path, words: str, code: int, said: str) -> None:
    (tmp_path / "q.txt").write_text("red\n", encoding="utf-8")
    returned, printed, errors = aisle(*words.split(), cwd=tmp_path)
    assert (returned, printed) == (code, "")
    assert errors.startswith("aisle: ")
    assert errors.count("\n") == 1
    assert said in errors
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("flag", ["--port", "--metrics-port"])
def test_a_second_server_on_a_port_is_told_before_anything_is_loaded(
    tmp_path: pathlib.Path, flag: str
) -> None:
    version = tmp_path / "out" / "serving" / "aisle" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()  # Loading this would be told as another error.
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = str(first.getsockname()[1])
        code, printed, said = aisle("serve", "--port", "0", flag, port, cwd=tmp_path)
    assert (code, printed) == (2, "")
    assert said == (
        f"aisle: can't listen on 127.0.0.1:{port}: Address already in use; choose a free {flag}, or 0\n"
    )


def test_nothing_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([ScoredItem("\x1b[31mid", 1.0)], {"\x1b[31mid": "[bold]t\x07\x1b]0;x"})
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "[bold]t" in printed


def test_serve_answers_until_it_is_told_to_end(out: pathlib.Path) -> None:
    command = [sys.executable, "-m", "aisle.cli.main", "serve", "--out", str(out), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on 127.0.0.1:")
            assert aisle("search", "x", "--target", line.split()[-1], cwd=out)[0] == 0
        finally:
            process.terminate()
        assert process.wait() == 0
