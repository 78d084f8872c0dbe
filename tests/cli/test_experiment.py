"""`aisle experiment`: from a shop's files to a plan, replays and a verdict with its exit code."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from click.testing import CliRunner

from aisle.cli.experiment.shop import read_experiments
from aisle.cli.main import cli
from aisle.components.reports.experiment.pictures import effects
from aisle.components.reports.schemas import validate
from aisle.experiments.analysis.measures import STANDARD
from aisle.experiments.analysis.reading import read_metrics
from aisle.schema.errors import AisleError, ExperimentUntrusted, GuardrailHarmed, InputError
from benchmarks.experiments.halves import FILE, HALVES
from tests.experiments.files import CLICKS, WITH_METRICS, ask, told, write
from tests.experiments.shop import joined, shop

GUARDED = (
    WITH_METRICS
    + '[[metric]]\nname = "clicks"\nmeasure = {event = "click"}\nbetter = "down"\nguardrail = true\n'
)
MIXED = FILE.replace('"rerank"', '"rerank"\ninterleaved = true')
BETTER = shop(users=600, lift=0.8, seed=5)


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write(tmp_path_factory.mktemp("better"), BETTER)


def test_a_better_arm_is_found_in_the_shops_files(better: list[str]) -> None:
    done = ask("analyze", *better)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("rerank: Better: clicks an impression +")
    assert "users: as-is " in done.output
    told = json.loads(ask("analyze", *better, "--json").output)
    assert (told["outcome"], told["refused"]) == ("better", [])
    assert [row["metric"] for row in told["metrics"]] == ["clicks an impression", "revenue a user"]
    reports = pathlib.Path(better[0]) / "out" / "reports"
    assert (
        validate("experiment", (reports / "experiment.json").read_text(encoding="utf-8"))["outcome"]
        == "better"
    )
    page, summary = ((reports / f"experiment.{form}").read_text(encoding="utf-8") for form in ("html", "md"))
    assert page.index("Better: clicks an impression") < page.index("<svg") < page.index("Planned of so many")
    assert summary.startswith("**Experiment rerank: better**")


def test_an_early_look_has_wider_intervals(better: list[str]) -> None:
    wide, narrow = (
        json.loads(ask("analyze", *better, "--json", *more).output)["metrics"][0]["interval"]
        for more in (("--look", "0.2", "--look", "0.4"), ())
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_plan_and_replays_are_of_the_shops_newest_days(better: list[str]) -> None:
    planned = json.loads(ask("plan", *better, "--days", "3", "--json").output)
    assert [one["seen"] for one in planned] == [600, 600]
    assert planned[0]["users"] > 600
    assert "users in 3 days" in ask("plan", *better, "--days", "3", "--looks", "5").output
    replays = json.loads(ask("replay", *better, "--days", "3", "--times", "20", "--json").output)
    assert all(one["times"] == 20 and one["false_positives"] < 0.5 for one in replays)
    assert "sample-ratio alarms" in ask("replay", *better, "--days", "3", "--times", "5").output


def test_a_plan_is_of_who_would_take_part_and_of_the_days_there_are(
    tmp_path: pathlib.Path, better: list[str]
) -> None:
    file = tmp_path / "part.toml"
    unused = '[[metric]]\nname = "returns"\nmeasure = {event = "return"}\n'
    told = WITH_METRICS.replace('"rerank"', '"rerank"\ncoverage = 0.5\nlayer = "page"\nslot = [0.0, 0.5]')
    file.write_text(told + unused, encoding="utf-8")
    words, whole = (better[0], str(file)), json.loads(ask("plan", *better, "--days", "3", "--json").output)
    reason, _, planned = ask("plan", *words, "--days", "3", "--json").output.partition("\n")
    assert "left out: returns: it is 0 in these days" in reason + planned
    for one, of_all in zip(json.loads(planned or "[]"), whole, strict=True):
        assert (one["seen"], one["users"]) == (150, of_all["users"])
        assert one["detectable"] > 1.9 * of_all["detectable"]
    assert "the events are of " in ask("plan", *words, "--days", "900").output
    assert "left out: returns: all users" in ask("replay", *words, "--days", "3", "--times", "2").output


@pytest.mark.parametrize(
    ("words", "users", "power"),
    [
        # R: power.prop.test(p1 = .5, p2 = .75, power = .9), power.t.test(n = 20, delta = 1), power.t.test(delta = 1, power = .9).
        (("0.5", "--effect", "0.5", "--power", "0.9"), 77, 0.9),
        (("0.5", "--effect", "0.5", "--users", "50"), 50, 0.7401659),
        (("10", "--effect", "0.1", "--deviation", "1", "--users", "20"), 20, 0.8689528),
        (("10", "--effect", "0.1", "--deviation", "1", "--power", "0.9"), 23, 0.9),
    ],
)
def test_sizes_and_power_are_those_of_r(words: tuple[str, ...], users: int, power: float) -> None:
    told = json.loads(CliRunner().invoke(cli, ["experiment", "power", *words, "--json"]).output)
    assert (told["users"], told["power"]) == (users, pytest.approx(power, abs=1e-6))
    assert f"{users} users of each arm" in CliRunner().invoke(cli, ["experiment", "power", *words]).output


def test_an_effect_that_none_can_miss_takes_the_fewest_users_of_a_t_test() -> None:
    # A fraction above the two users that leave the test no degree of freedom, rounded up.
    done = ask("power", "13", "--deviation", "1e-300", "--json")
    assert json.loads(done.output)["users"] == 3
    # Half of α is had by chance: less power takes no 2,089 users.
    assert json.loads(ask("power", "0.05", "--power", "0.01", "--json").output)["users"] == 1


def test_data_that_can_not_be_trusted_end_with_3_and_harm_with_4(tmp_path: pathlib.Path) -> None:
    gone = set(BETTER.unit[BETTER.arm == "new"][::2].tolist())
    for name, events, file, error, code in (
        ("lost", BETTER.where(~np.isin(BETTER.unit, sorted(gone))), WITH_METRICS, ExperimentUntrusted, 3),
        ("harm", BETTER, GUARDED, GuardrailHarmed, 4),
    ):
        done = ask("analyze", *write(tmp_path / name, events, file))
        assert isinstance(done.exception, error)
        assert done.exception.exit_code == code
        assert "\n" not in str(done.exception)


def test_a_wrong_file_or_name_is_refused(better: list[str], tmp_path: pathlib.Path) -> None:
    folder, file = better
    two = tmp_path / "two.toml"
    two.write_text(
        FILE.replace("rerank", "other") + WITH_METRICS,
        encoding="utf-8",
    )
    empty = tmp_path / "empty.toml"
    empty.touch()
    by_session = tmp_path / "session.toml"
    by_session.write_text(FILE.replace("rerank", 'rerank"\nunit = "basket_id'), encoding="utf-8")
    for words, said in (
        ((folder, str(tmp_path / "none.toml")), "none.toml can't be read"),
        ((folder, str(empty)), "empty.toml: a file of experiments with the keys []"),
        ((folder, str(two)), "holds the experiments other, rerank; name one of them by --name"),
        ((folder, file, "--name", "another"), "name one of them by --name"),
        ((folder, str(by_session)), "have no column basket_id, which the experiment assigns by"),
    ):
        done = ask("analyze", *words)
        assert isinstance(done.exception, InputError)
        assert isinstance(done.exception, AisleError)
        assert said in str(done.exception)
    assert ask("analyze", folder, str(two), "--name", "rerank").exit_code == 0
    with pytest.raises(InputError, match="is a file; expected a folder to write to"):
        cli.main(["experiment", "analyze", folder, file, "--out", file], standalone_mode=False)


def test_a_picture_has_only_those_stand_out_that_are_found() -> None:
    drawn = {"metric": "returns", "arm": "new", "relative": -0.5, "relative_interval": [-0.9, -0.1]}
    # By itself it is apart from 0, and not among all that was compared.
    found, unsure = (effects([{**drawn, "found": found}]) for found in ("better", "nothing"))
    assert "var(--series-1)" in found and "var(--series-1)" not in unsure


def test_events_that_a_gateway_told_twice_count_once(tmp_path: pathlib.Path, better: list[str]) -> None:
    twice = joined(BETTER, BETTER.where(BETTER.event_id != ""))
    found, once = (
        json.loads(ask("analyze", *words, "--json").output) for words in (write(tmp_path, twice), better)
    )
    assert found["left_out"][-1] == {
        "reason": "events told twice",
        "count": int((BETTER.event_id != "").sum()),
    }
    assert found["metrics"] == once["metrics"]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({"name": "m"}, "there is no measure; expected name, measure"),
        ({"measure": {"event": "click"}}, "there is no name"),
        ({"name": "m", "measure": {"event": "click", "of": 1}}, "unknown key 'of'; there are: event, count"),
        ({"name": "m", "measure": "click"}, "measure is 'click'; expected a table"),
        (
            {"name": "m", "measure": {"event": "click", "count": "sum"}},
            "count is 'sum'; expected one of number, any, value",
        ),
        ({"name": "m", "measure": {"event": "klick"}}, "event is 'klick'; expected one of impression, click"),
        ({"name": "m", "measure": {"event": "click"}, "better": "left"}, "expected one of up, down"),
        ({"name": "m", "measure": {"event": "click"}, "winsorised": 1.5}, "winsorised is 1.5"),
        ({"name": "m", "measure": {"event": "click"}, "winsorised": True}, "winsorised is True"),
        (
            {"name": "m", "measure": {"event": "click"}, "guardrail": "yes"},
            "guardrail is 'yes'; expected a bool",
        ),
    ],
)
def test_what_is_no_metric_is_refused(metric: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_metrics([metric])


def test_without_metrics_the_standard_ones_are_compared() -> None:
    assert read_metrics([]) == STANDARD
    assert [dataclasses.asdict(one)["name"] for one in STANDARD] == [
        "clicks an impression",
        "users who buy",
        "revenue a user",
    ]


def test_an_interleaved_experiment_is_judged_by_whose_items_were_taken(tmp_path: pathlib.Path) -> None:
    lines = ["timestamp,event,item_id,user_id,experiment,arm,request_id"]
    for number in range(12):
        at, user = f"2025-03-01 10:{number:02}", f"u{number},{{}},r{number}"
        lines += [
            f"{at}:00,impression,{item},{user.format(f'rerank,{arm}')}"
            for item, arm in (("cup", "as-is"), ("pan", "new"))
        ]
        lines.append(f"{at}:30,click,{'cup' if number < 1 else 'pan'},{user.format(',')}")
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "experiments.toml").write_text(MIXED, encoding="utf-8")
    words = [str(tmp_path), str(tmp_path / "experiments.toml")]
    said = ask("analyze", *words).output
    # Of 12 users one prefers the control: 2 (1 + 12) / 2^12.
    assert said.startswith("rerank: Users prefer new: 11 users have more click events of new, 1 of as-is")
    assert (
        "p = 0.013; 91.7% of these, 61.5% to 99.8%" in said
        and "No preference was found: 0 users have" in said
    )
    found = told("analyze", *words)
    assert (found["outcome"], found["held"], found["interleaved"]["users"]) == ("better", None, 12)
    clicks = found["interleaved"]["preferences"][0]
    assert (clicks["prefer_control"], clicks["prefer_treatment"]) == (1, 11)
    assert (clicks["p_value"], clicks["holm"]) == pytest.approx((26 / 4096, 52 / 4096))
    reports = tmp_path / "out" / "reports"
    held = validate("experiment", (reports / "experiment.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(held)) == found
    page, summary = ((reports / f"experiment.{form}").read_text(encoding="utf-8") for form in ("html", "md"))
    assert page.index("Users prefer new") < page.index("<svg") < page.index("12 users were shown")
    assert summary.startswith("**Experiment rerank: better**")
    assert "click: 91.7% of 12 users prefer new" in summary


def test_an_interleaved_experiment_is_planned_and_not_replayed(
    better: list[str], tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "mixed.toml"
    file.write_text(MIXED + CLICKS, encoding="utf-8")
    words = (better[0], str(file), "--days", "3")
    (whole,) = told("plan", *words)
    (part,) = told("plan", *words, "--credited", "0.5")
    assert (whole["event"], whole["seen"]) == ("click", 600)
    assert whole["users"] < part["users"]
    said = ask("plan", *words).output
    assert "users it takes" in said and f"{whole['users']:,}" in said
    for command, more, why in (
        ("replay", (), "is interleaved: each user sees both rankings, so there are no arms to draw anew"),
        ("plan", ("--looks", "2"), "is interleaved: plan it with one look"),
    ):
        assert why in str(ask(command, *words, *more).exception)
    assert "--credited is of interleaved answers" in str(ask("plan", *better, "--credited", "1").exception)
    returns = '[[metric]]\nname = "returns"\nmeasure = {event = "return"}\nbetter = "down"\n'
    file.write_text(MIXED + returns, encoding="utf-8")
    assert "name one of which more is better" in str(ask("plan", *words).exception)
    file.write_text(MIXED + CLICKS + returns, encoding="utf-8")
    assert [one["event"] for one in told("plan", *words)] == ["click"]
    for more, parts in ((("--look", "0.5"), ""), ((), '[[slice]]\nby = "known"\n')):
        file.write_text(MIXED + CLICKS + parts, encoding="utf-8")
        done = ask("analyze", better[0], str(file), *more)
        assert "it is judged once and as a whole; leave --look and [[slice]] out" in str(done.exception)


def test_slices_by_users_and_events_are_told_as_exploratory(tmp_path: pathlib.Path) -> None:
    device = np.where(np.char.endswith(BETTER.unit, "1"), "phone", "desk")
    slices = "".join(f'[[slice]]\nby = "{by}"\n' for by in ("users.country", "events.device"))
    events = dataclasses.replace(BETTER, columns={"device": device})
    words = write(tmp_path, events, WITH_METRICS + slices)
    assert "the table users is missing in" in str(ask("analyze", *words).exception)
    ids = np.unique(BETTER.unit).tolist()
    lines = [f"{user},{('DE', 'FR')[place % 2]}" for place, user in enumerate(ids)]
    (tmp_path / "users.csv").write_text("\n".join(["user_id,country", *lines]) + "\n", encoding="utf-8")
    found = told("analyze", *words)
    assert validate("experiment", json.dumps(found))["outcome"] == "better"
    parts = {(part["by"], part["value"]): part for part in found["slices"]}
    assert list(parts) == [
        ("users.country", "DE"), ("users.country", "FR"), ("events.device", "desk"), ("events.device", "phone"),
    ]  # fmt: skip
    assert sum(arm["users"] for arm in parts["users.country", "DE"]["arms"]) == 300
    assert {one["by"] for one in found["differing"]} == {"users.country", "events.device"}
    said = ask("analyze", *words).output
    assert "slices, exploratory: p among all of them, by Benjamini and Hochberg" in said
    summary = (tmp_path / "out" / "reports" / "experiment.md").read_text(encoding="utf-8")
    assert "Slices, exploratory: of 8 comparisons stand out" in summary
    file = tmp_path / "experiments.toml"
    for by, said in (("users.town", "the users of"), ("events.town", "the events of")):
        file.write_text(WITH_METRICS + f'[[slice]]\nby = "{by}"\n', encoding="utf-8")
        error = str(ask("analyze", *words).exception)
        assert said in error and "have no column town, which a slice is by" in error


def test_a_gateway_reads_the_file_that_says_how_the_experiment_is_judged(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(WITH_METRICS + '[[slice]]\nby = "known"\n', encoding="utf-8")
    assert read_experiments(str(file)).experiments == (HALVES,)


def test_who_was_anonymous_at_first_is_said(tmp_path: pathlib.Path) -> None:
    user = str(BETTER.unit[BETTER.kind == "impression"][0])
    sessions, users = np.where(BETTER.unit == user, "s1", ""), BETTER.unit.copy()
    # The first is of the same session, not yet known.
    users[np.flatnonzero((users == user) & (BETTER.kind == "impression"))[0]] = ""
    words = write(tmp_path, dataclasses.replace(BETTER, unit=users, other_unit=sessions))
    said = ask("analyze", *words).output
    assert "kept: 1 first seen before they were known" in said and "without an id" not in said
