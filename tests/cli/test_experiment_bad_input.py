"""What is wrong with an experiment's log or its plan, by the real command on files: said in a line, with the exit code."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from aisle.experiments.analysis.events import Events
from aisle.schema.errors import AisleError
from benchmarks.experiments.halves import FILE, HALVES, PURCHASES
from tests.experiments.files import CLICKS, REVENUE, WITH_METRICS, ask, told, write
from tests.experiments.shop import events_of, joined

RAW = REVENUE.replace("winsorised = 0.99", "adjusted = false")
Rows = list[tuple[object, ...]]


def _rows(users: int = 60) -> Rows:
    """A balanced log: each user sees their arm once, clicks now and then, and buys a little."""
    by_arm: dict[str, list[str]] = {"as-is": [], "new": []}
    number = 0
    while min(map(len, by_arm.values())) < users // 2:
        assigned = HALVES.assign(f"u{number}")
        assert assigned is not None
        by_arm[assigned.arm.name].append(f"u{number}")
        number += 1
    rows: Rows = []
    for arm, units in by_arm.items():
        for place, unit in enumerate(units[: users // 2]):
            rows.append((unit, "impression", 1.0, math.nan, "rerank", arm))
            rows += [(unit, "click", 1.1)] * (place % 3 == 0)
            rows.append((unit, "purchase", 1.2, 5.0 + place % 7))
    return rows


ROWS = _rows()
UNITS = [str(row[0]) for row in ROWS if row[1] == "impression"]
ARMS = {str(row[0]): str(row[5]) for row in ROWS if row[1] == "impression"}


def _other(unit: str) -> str:
    return "new" if ARMS[unit] == "as-is" else "as-is"


def _shown(*units: str, arm: Callable[[str], str], day: float = 1.5) -> Rows:
    return [(unit, "impression", day, math.nan, "rerank", arm(unit)) for unit in units]


def _failed(words: list[str]) -> tuple[int, str]:
    """The exit code and the line that a user sees."""
    error = ask("analyze", *words).exception
    assert isinstance(error, AisleError), error
    assert "\n" not in str(error)
    return error.exit_code, str(error)


def test_the_log_itself_is_judged(tmp_path: pathlib.Path) -> None:
    found = told("analyze", *write(tmp_path, events_of(ROWS)))
    assert (found["outcome"], found["distrust"], found["refused"]) == ("no difference", [], [])
    assert [arm["users"] for arm in found["held"]["arms"]] == [30, 30]
    assert all(one["count"] == 0 for one in found["left_out"])


@pytest.mark.parametrize(
    ("rows", "file", "code", "said"),
    [
        # An arm of nobody, and of one user where that is no surprise.
        ([row for row in ROWS if ARMS[str(row[0])] == "as-is"], WITH_METRICS, 3, "as-is 30 of 15, new 0 of 15"),
        (
            [row for row in ROWS if row[0] in (*UNITS[:2], UNITS[30])], WITH_METRICS, 3,
            "no metric can be judged (clicks an impression: an arm of 1 users says nothing; expected two or more",
        ),
        # Denominators of 0: nobody wrote a review.
        (ROWS, FILE + CLICKS.replace("impression\"}", "review\"}"), 3, "an arm's review events add up to 0"),
        # Revenue that is none or would overflow.
        ([*ROWS, (UNITS[0], "purchase", 1.3)], FILE + RAW, 3, "have no price or a price that is no number"),
        ([*ROWS, (UNITS[0], "purchase", 1.3, 1e300)], FILE + RAW, 3, "users have values such as 1e+300"),
        # Users in two arms.
        ([*ROWS, *_shown(*UNITS[:5], arm=_other)], WITH_METRICS, 3, "8.3% of the users saw two arms"),
        # Shown after it was acted in: by an event that names the experiment.
        (
            [*ROWS, *((unit, "click", 0.5, math.nan, "rerank", ARMS[unit]) for unit in UNITS[:5])], WITH_METRICS, 3,
            "8.3% of the users acted in it before it was shown to them",
        ),
        # An arm that isn't planned, a ratio that isn't, and shares that are none.
        ([*ROWS, *_shown("v", arm=lambda unit: "newest")], WITH_METRICS, 2, "the arm 'newest' of 'rerank', which isn't planned"),
        (
            ROWS, WITH_METRICS.replace("share = 0.5}, ", "share = 0.9}, ").replace("share = 0.5, l", "share = 0.1, l"), 3,
            "as-is 30 of 54, new 30 of 6",
        ),
        (ROWS, WITH_METRICS.replace("share = 0.5}, ", "share = 0.7}, "), 2, "its shares add up to 1.2"),
        # Edited midway: another salt gives half of the users another arm.
        (ROWS, WITH_METRICS.replace('"rerank"', '"rerank"\nsalt = "2"'), 3, "it was edited midway, or isn't this one"),
        # A salt used twice.
        (
            ROWS, FILE.replace("rerank", "first") + WITH_METRICS.replace('"rerank"', '"rerank"\nsalt = "first"'), 2,
            "have one salt, 'first': their arms would hold the same users",
        ),
    ],
    ids=[
        "an arm of nobody", "an arm of one user", "denominators of 0", "revenue without a price", "revenue that overflows",
        "users in two arms", "exposure after the outcome", "an unplanned arm", "an unplanned ratio", "shares above 1",
        "edited midway", "a salt used twice",
    ],
)  # fmt: skip
def test_what_can_not_be_judged_ends_with_its_code_and_a_line(
    rows: Rows, file: str, code: int, said: str, tmp_path: pathlib.Path
) -> None:
    found, line = _failed(write(tmp_path, events_of(rows), file))
    assert said in line
    assert found == code


def test_a_price_that_is_no_number_stands_aside_with_its_row(tmp_path: pathlib.Path) -> None:
    words = write(tmp_path, events_of(ROWS), FILE + RAW)
    path = tmp_path / "events.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",5.0000,", ",nan,"), encoding="utf-8")
    assert "have no price or a price that is no number" in _failed(words)[1]


def test_a_few_users_in_two_arms_are_left_out_and_the_rest_is_judged(tmp_path: pathlib.Path) -> None:
    rows = [*_rows(240), *_shown(UNITS[0], arm=_other)]
    found = told("analyze", *write(tmp_path, events_of(rows)))
    assert found["outcome"] == "no difference"
    assert found["left_out"][0] == {"reason": "in two arms", "count": 1}


def test_rows_told_twice_without_an_id_count_once(tmp_path: pathlib.Path) -> None:
    once, twice = (
        told("analyze", *write(tmp_path, events_of(rows), FILE + PURCHASES)) for rows in (ROWS, ROWS * 2)
    )
    assert twice["left_out"][-1] == {"reason": "events told twice", "count": len(ROWS)}
    assert twice["metrics"] == once["metrics"]


def test_an_answer_that_is_clicked_before_it_was_shown_tells_of_clocks_apart(tmp_path: pathlib.Path) -> None:
    events = events_of([*ROWS, *((unit, "click", 0.9) for unit in UNITS[:5])])
    named = np.array(
        [f"r-{unit}" if day < 1.05 else "" for unit, day in zip(events.unit, events.day, strict=True)]
    )
    code, line = _failed(write(tmp_path, dataclasses.replace(events, request_id=named)))
    assert (code, "8.3% of the users acted in it before it was shown" in line) == (3, True)


def _bot(acts: int) -> Events:
    """A visitor of the new arm who looks at pages through a day, and buys at each."""
    unit = UNITS[-1]
    random = np.random.default_rng(3)
    days = 2 + np.sort(random.random(acts))
    kinds = np.where(np.arange(acts) % 2, "purchase", "click")
    empty = np.full(acts, "")
    return Events(np.full(acts, unit), kinds, days, np.full(acts, 9.0), empty, empty, empty)


def test_a_visitor_beyond_any_human_rate_is_left_out_by_a_rule_that_is_said(
    tmp_path: pathlib.Path,
) -> None:
    words = write(tmp_path, joined(events_of(ROWS), _bot(10_000)), FILE + RAW)
    done = ask("analyze", *words)
    assert done.exit_code == 0
    assert "left out: bots 1" in done.output
    assert "a bot does more than 360 acts in an hour or 1,440 in a day" in " ".join(done.output.split())
    found = told("analyze", *words, "--keep-bots")
    assert found["bots"]["kept"] and found["noted"][-1] == {"reason": "bots", "count": 1}
    assert found["metrics"][0]["treatment"] > 1_000 > found["metrics"][0]["control"]
