"""Files of questions in, files of answers out."""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.cli.ask.batch import PAIRS_AT_ONCE, rank_rows, rank_scores, recommend_rows, search_rows
from aisle.cli.ask.files import Pair, check_writable, read_pairs, read_values, write_csv
from aisle.schema.contract import Signature
from aisle.schema.csv_cells import read_cell, write_cell
from aisle.schema.errors import InputError
from aisle.serving import Recommender
from aisle.serving.client.inputs import Tensors


class Echo(Recommender):
    """Lists `=item` and then `b`; ranks an item by the length of query, user and item together."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        if signature.name == "rank":
            self.shapes.append(inputs["item_ids"].shape)
            rows = zip(inputs["query"], inputs["user_id"], inputs["item_ids"], strict=True)
            scores = [[len(q) + len(u) + len(item) for item in items] for q, u, items in rows]
            return {"scores": np.array(scores, np.float32)}
        b, k = len(next(iter(inputs.values()))), int(inputs["k"])
        self.shapes.append((b,))
        ids = np.array([[b"=item", b"b"] + [b""] * (k - 2)] * b, object)
        scores = np.array([[0.1, -2.5] + [-np.inf] * (k - 2)] * b, np.float32)
        return {"item_ids": ids[:, :k], "scores": scores[:, :k]}


@given(st.text(alphabet=st.sampled_from("'=+-@\t\ra é"), max_size=6))
def test_a_cell_is_read_back_and_never_a_formula(text: str) -> None:
    cell = write_cell(text)
    assert read_cell(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("text", "cell"), [("=1", "'=1"), ("-5", "'-5"), ("'tis", "'tis"), ("'=1", "''=1"), ("", "")]
)
def test_cells_by_hand(text: str, cell: str) -> None:
    assert write_cell(text) == cell


def test_a_text_file_is_one_value_a_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "queries.txt"
    path.write_bytes('\ufeffred, "shirt"\r\n\r\né✓\u2028x\n=1'.encode())
    assert read_values(path, "query") == ['red, "shirt"', "é✓\u2028x", "=1"]


def test_a_csv_file_is_its_column(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_bytes(b'grade,query\n1,"red, shirt\nlong"\n2,\n\n3,\'=1\n')
    assert read_values(path, "query") == ["red, shirt\nlong", "", "=1"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.txt", b"", "is empty"),
        ("q.txt", b"\n \n", "is empty"),
        ("q.csv", b"query\n", "is empty"),
        ("q.csv", b"", "no column 'query'"),
        ("q.csv", b"text\nx\n", "no column 'query'; its header is 'text'"),
        ("q.csv", b"query,n\nx,1\ny\n", "line 3: 1 cells; expected 2"),
        ("q.csv", b'query\n"x\n', "line 2"),
        ("q.txt", b"ab\xff", "not UTF-8 at byte 2"),
    ],
)
def test_a_file_that_can_not_be_used_is_said(
    tmp_path: pathlib.Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_values(tmp_path / name, "query")


def test_a_missing_file_and_a_folder_are_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_values(tmp_path / "none", "query")
    with pytest.raises(InputError, match="can't be read"):
        read_pairs(tmp_path)


def test_lists_are_numbered_from_one_and_their_cells_are_safe() -> None:
    echo = Echo()
    assert list(search_rows(echo, ["+q"], 4)) == [
        [("'+q", "1", "'=item", "0.100000001"), ("'+q", "2", "b", "-2.5")]
    ]
    chunks = list(recommend_rows(echo, [f"u{i}" for i in range(100)], 1, exclude_seen=True))
    assert [len(chunk) for chunk in chunks] == [64, 36]
    assert chunks[1][-1] == ("u99", "1", "'=item", "0.100000001")


def test_pairs_keep_their_order_whatever_order_they_are_asked_in(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("item_id,query,user_id\nabc,q,u\n-x,query,\na,q,u\nabc,q,u\n", encoding="utf-8")
    pairs = read_pairs(path)
    assert pairs[1] == Pair("query", "-x", "")
    scores = {place: score for found in rank_scores(Echo(), pairs) for place, score in found.items()}
    assert rank_rows(pairs, scores) == [
        ("q", "abc", "5"),
        ("query", "'-x", "7"),
        ("q", "a", "3"),
        ("q", "abc", "5"),
    ]


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.text("ab", max_size=4)), max_size=700))
def test_every_pair_is_scored_and_no_request_is_larger_than_allowed(keys: list[tuple[str, str]]) -> None:
    pairs = [Pair(query * 3, item) for query, item in keys]
    echo = Echo()
    scores = {place: score for found in rank_scores(echo, pairs) for place, score in found.items()}
    assert scores == {place: 3 + len(pair.item_id) for place, pair in enumerate(pairs)}
    assert all(rows * places <= PAIRS_AT_ONCE for rows, places in echo.shapes)


def test_a_written_file_is_read_back(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "answers.csv"
    rows = [(write_cell('=a,"b"\n'), "1", "x", "0.5")]
    assert write_csv(path, ("query", "rank", "item_id", "score"), [rows, []]) == 1
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["query", "rank", "item_id", "score"],
            ['\'=a,"b"\n', "1", "x", "0.5"],
        ]
    assert read_values(path, "query") == ['=a,"b"\n']


def test_answers_that_fail_midway_leave_the_old_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("old", encoding="utf-8")

    def failing() -> Iterator[list[tuple[str, ...]]]:
        yield [("a",)]
        raise InputError("the server is gone")

    with pytest.raises(InputError, match="gone"):
        write_csv(path, ("query",), failing())
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_that_can_not_be_written_is_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path)
    (tmp_path / "taken").touch()
    with pytest.raises(InputError, match="can't be written: File exists"):
        check_writable(tmp_path / "taken" / "answers.csv")


def test_an_outputs_folder_is_made(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new" / "answers.csv"
    assert check_writable(path) == path
    assert path.parent.is_dir()
