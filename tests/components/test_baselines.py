"""The baselines on hand-made histories, and on the real shop against the published table."""

from __future__ import annotations

import datetime
import pathlib

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from aisle.components.evaluator.baselines import recommenders as baselines
from aisle.components.evaluator.baselines.recommenders import Train
from aisle.components.evaluator.measures import metrics
from aisle.schema.tables import MICROSECONDS_PER_DAY

CUT = 1000 * MICROSECONDS_PER_DAY


def train(events: list[tuple[int, int, float]], n_users: int = 4, n_items: int = 6) -> Train:
    """Events as (user, item, days before the cut)."""
    users, items, ages = zip(*events, strict=True)
    times = CUT - np.array(ages) * MICROSECONDS_PER_DAY
    return Train(np.array(users), np.array(items), times.astype(np.int64), n_users, n_items, CUT)


EVENTS = train([(0, 0, 40), (0, 1, 40), (1, 1, 10), (2, 1, 5), (2, 2, 5), (-1, 2, 1), (1, 3, 2), (-1, 2, 2)])


def test_popularity_counts_the_last_28_days_and_events_of_nobody() -> None:
    # Within 28 days: item 2 three times, item 1 twice, item 3 once; item 0 before; 4 and 5 never.
    assert baselines.popularity(EVENTS, np.array([3]), 6).tolist() == [[2, 1, 3, 0, -1, -1]]


def test_exclude_seen_leaves_out_what_that_user_took() -> None:
    answers = baselines.popularity(EVENTS, np.array([2, 0]), 3, exclude_seen=True)
    assert answers.tolist() == [[3, 0, -1], [2, 3, -1]]


def test_own_history_comes_first_recent_before_old_then_popular() -> None:
    events = train([(0, 0, 200), (0, 3, 10), (1, 2, 1), (1, 2, 2), (1, 1, 1)])
    assert baselines.own_history(events, np.array([0]), 5).tolist() == [[3, 0, 2, 1, -1]]


def test_own_history_two_half_lives_ago_twice_weigh_less_than_once_now() -> None:
    # 2 * 2^-2 = 0.5 against 2^0 = 1; three times 2^-1 = 1.5 is more than either.
    events = train([(0, 0, 120), (0, 0, 120), (0, 1, 0), (0, 2, 60), (0, 2, 60), (0, 2, 60)])
    assert baselines.own_history(events, np.array([0]), 3).tolist() == [[2, 1, 0]]


def test_own_items_of_one_visit_are_ranked_by_popularity() -> None:
    events = train([(0, 0, 5), (0, 4, 5), (1, 4, 3)])
    assert baselines.own_history(events, np.array([0]), 2).tolist() == [[4, 0]]


def test_item_knn_sums_cosines_as_a_plain_loop_does() -> None:
    rng = np.random.default_rng(4)
    pairs = [(int(u), int(i), 1.0) for u, i in rng.integers(0, (9, 7), size=(40, 2))]
    events = train(pairs, n_users=9, n_items=7)
    owners = [{u for u, i, _ in pairs if i == item} for item in range(7)]
    user = pairs[0][0]
    mine = {i for u, i, _ in pairs if u == user}

    def score(item: int) -> float:
        return sum(
            len(owners[item] & owners[own]) / (len(owners[item]) * len(owners[own])) ** 0.5
            for own in mine
            if own != item
        )

    candidates = [item for item in range(7) if owners[item] and item not in mine]
    expected = sorted(candidates, key=lambda item: (-round(score(item), 12), item))[:3]
    answer = baselines.item_knn(events, np.array([user]), 3, exclude_seen=True)[0].tolist()
    assert answer == expected + [-1] * (3 - len(expected))


def test_blocks_of_users_give_the_same_answers_as_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    users = np.array([0, 1, 2, 3])
    methods = (baselines.popularity, baselines.own_history, baselines.item_knn)
    whole = [method(EVENTS, users, 4) for method in methods]
    monkeypatch.setattr(baselines, "_CELLS", 6)
    for method, expected in zip(methods, whole, strict=True):
        assert method(EVENTS, users, 4).tolist() == expected.tolist()


def test_no_users_and_no_events_have_an_answer() -> None:
    empty = np.empty(0, np.int64)
    nothing = Train(empty, empty, empty, 1, 3, CUT)
    for method in (baselines.popularity, baselines.own_history, baselines.item_knn):
        assert method(nothing, np.array([0]), 2).tolist() == [[-1, -1]]
        assert method(nothing, empty, 2).shape == (0, 2)


Retail = tuple[Train, np.ndarray, sparse.csr_matrix, sparse.csr_matrix]


@pytest.fixture(scope="module")
def retail(shared_data: pathlib.Path) -> Retail:
    """The real shop by the benchmark's filter: train, test users, all truth, new truth."""
    columns = ["StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
    files = sorted((shared_data / "online-retail").glob("*.csv"))
    if not files:
        pytest.skip(f"the real data set is absent: {shared_data / 'online-retail'}")
    rows = pl.concat([pl.read_csv(file, columns=columns, infer_schema_length=0) for file in files])
    rows = rows.with_columns(
        pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("us").alias("time")
    ).filter(
        pl.col("CustomerID").fill_null("") != "",
        pl.col("Quantity").cast(pl.Int64) > 0,
        pl.col("UnitPrice").cast(pl.Float64) > 0,
        pl.col("StockCode").str.contains(r"^[0-9]{5}"),
    )
    cut = int(datetime.datetime(2011, 10, 9, tzinfo=datetime.timezone.utc).timestamp()) * 1_000_000
    before = rows.filter(pl.col("time") < cut)
    users = before.select(pl.col("CustomerID").unique().sort()).with_row_index("user")
    items = before.select(pl.col("StockCode").unique().sort()).with_row_index("item")
    rows = rows.join(users, on="CustomerID").join(items, on="StockCode")
    shape = (len(users), len(items))

    def arrays(part: pl.DataFrame) -> list[np.ndarray]:
        return [part[name].to_numpy().astype(np.int64) for name in ("user", "item", "time")]

    events = Train(*arrays(rows.filter(pl.col("time") < cut)), *shape, cut)
    user, item, _ = arrays(rows.filter(pl.col("time") >= cut))
    truth = sparse.csr_matrix((np.ones(len(user)), (user, item)), shape=shape).sign()
    new = (truth - truth.multiply(baselines.seen(events))).tocsr()
    new.eliminate_zeros()
    return events, np.flatnonzero(metrics.relevant_items(truth)), truth, new


def measure(retail: Retail, name: str, *, new: bool) -> tuple[int, float, float]:
    events, users, *truths = retail
    truth = truths[int(new)]
    users = users[metrics.relevant_items(truth)[users] > 0]
    answers = getattr(baselines, name)(events, users, 20, exclude_seen=new)
    hit, relevant = metrics.hits(answers, truth[users]), metrics.relevant_items(truth[users])
    recall, ndcg = metrics.recall(hit, relevant).mean(), metrics.ndcg(hit, relevant).mean()
    return len(users), round(float(recall), 4), round(float(ndcg), 4)


@pytest.mark.parametrize(
    ("name", "new", "expected"),
    [
        ("popularity", False, (1104, 0.1061, 0.1068)),
        ("popularity", True, (1026, 0.0770, 0.0711)),
        ("own_history", False, (1104, 0.3034, 0.2969)),
        ("item_knn", False, (1104, 0.1705, 0.1658)),
        ("item_knn", True, (1026, 0.0847, 0.0749)),
    ],
)
def test_the_baselines_on_the_real_shop_reach_the_published_figures(
    retail: Retail, name: str, new: bool, expected: tuple[int, float, float]
) -> None:
    assert measure(retail, name, new=new) == expected
