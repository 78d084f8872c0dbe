"""`aisle experiment offpolicy`: another policy by a log's file, and what can't be judged by it."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from aisle.cli.main import cli
from aisle.schema.errors import AisleError

LOGGED, TARGET, RATES = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6]), np.array([0.05, 0.1, 0.2])


def _log(rows: int = 2_000) -> pl.DataFrame:
    random = np.random.default_rng(1)
    shown = random.choice(3, rows, p=LOGGED)
    return pl.DataFrame(
        {
            "reward": (random.random(rows) < RATES[shown]).astype(int),
            "propensity": LOGGED[shown],
            "target": TARGET[shown],
            "model": RATES[shown],
            "would": np.full(rows, float(TARGET @ RATES)),
        }
    )


def _ask(path: pathlib.Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["experiment", "offpolicy", str(path), *words])


def test_another_policy_is_judged_by_the_columns_that_are_named(tmp_path: pathlib.Path) -> None:
    log, path = _log(), tmp_path / "log.csv"
    log.rename({"reward": "click", "propensity": "chance", "target": "other"}).write_csv(path)
    named = ("--reward", "click", "--logged", "chance", "--target", "other")
    told = json.loads(_ask(path, *named, "--json").stdout)
    weights = (log["target"] / log["propensity"]).to_numpy()
    rewards = log["reward"].to_numpy()
    assert (told["rows"], told["own"]) == (2_000, pytest.approx(rewards.mean()))
    assert told["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert told["IPS"]["value"] == pytest.approx((weights * rewards).mean())
    assert told["SNIPS"]["value"] == pytest.approx((weights * rewards).sum() / weights.sum())
    assert "doubly robust" not in told
    said = _ask(path, *named).stdout
    assert said.startswith("2,000 rows, worth ") and f"{told['SNIPS']['value']:.4g}" in said


def test_rows_of_one_user_are_one_where_the_column_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log.csv"
    log = _log(500).with_columns(user=pl.Series([f"u{row}" for row in range(500)]))
    pl.concat([log] * 4).write_csv(path)
    single, grouped = (
        np.ptp(json.loads(_ask(path, *words, "--json").stdout)["SNIPS"]["interval"])
        for words in ((), ("--unit", "user"))
    )
    assert 1.8 < grouped / single < 2.3
    assert "has no column visitor" in str(_ask(path, "--unit", "visitor").exception)


def test_a_model_of_the_reward_makes_it_doubly_robust_and_parquet_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log.parquet"
    _log().write_parquet(path)
    told = json.loads(_ask(path, "--foreseen", "model", "--expected", "would", "--json").stdout)
    low, high = told["doubly robust"]["interval"]
    assert low < TARGET @ RATES < high
    widths = [np.ptp(told[name]["interval"]) for name in ("doubly robust", "IPS")]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("change", "words", "code", "said"),
    [
        ({"propensity": 0.0}, (), 2, "logged: 2,000 values such as 0.0; expected numbers above 0, up to 1"),
        ({"propensity": 1.5}, (), 2, "logged: 2,000 values such as 1.5"),
        ({"target": -0.5}, (), 2, "target: 2,000 values such as -0.5"),
        ({"reward": float("nan")}, (), 2, "rewards: 2,000 values such as nan; expected numbers up to 1e+150"),
        ({"reward": None}, (), 2, "2,000 of 2,000 cells of reward hold no number"),
        ({"reward": "much"}, (), 2, "cells of reward hold no number; mend them, or take the rows out"),
        ({"reward": 0.0}, (), 2, "there is no reward to tell it by"),
        ({}, ("--logged", "chance"), 2, "has no column chance; name one by its option; it has: reward, propensity"),
        ({}, ("--foreseen", "model"), 2, "--foreseen and --expected are of one model; give both or neither"),
        ({}, ("--least", "1500"), 3, "of the other policy; expected 1500 or more: it shows what the log hardly holds"),
    ],
)  # fmt: skip
def test_what_can_not_be_judged_is_refused_in_a_line(
    change: dict[str, object], words: tuple[str, ...], code: int, said: str, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "log.csv"
    _log().with_columns(**{name: pl.lit(value) for name, value in change.items()}).write_csv(path)
    error = _ask(path, *words).exception
    assert isinstance(error, AisleError)
    assert (error.exit_code, said in str(error), "\n" in str(error)) == (code, True, False), str(error)


def test_no_file_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log.parquet").write_text("no parquet", encoding="utf-8")
    for name in ("none.csv", "log.parquet"):
        error = _ask(tmp_path / name).exception
        assert isinstance(error, AisleError) and f"{name} can't be read" in str(error)
