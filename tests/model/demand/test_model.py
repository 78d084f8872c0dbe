from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aisle.model.demand.forecasts import LEVELS, Forecasts, forecast
from aisle.model.demand.level import level
from aisle.model.demand.model import DemandModel, Learning
from aisle.model.demand.net import QuantileNet, Training
from aisle.model.demand.rows import Span
from aisle.schema.demand import Series
from aisle.schema.errors import InputError
from tests.model.demand.shops import poisson, series

QUICK = Learning(nets=1, training=Training(width=32, epochs=6, batch=128))
SPANS = [Span(2), Span(1, after=1)]
WEEKS = 32


@pytest.fixture(scope="module")
def shop() -> tuple[Series, np.ndarray]:
    """So many weeks and two more, and the rate of each item in those two, 0 of those that stopped before."""
    return poisson(240, WEEKS + 2)


@pytest.fixture(scope="module")
def fitted(shop: tuple[Series, np.ndarray]) -> DemandModel:
    return DemandModel(SPANS, LEVELS, QUICK).fit(shop[0].before(WEEKS))


@pytest.fixture(scope="module")
def told(shop: tuple[Series, np.ndarray], fitted: DemandModel) -> list[Forecasts]:
    return fitted.forecast(shop[0].before(WEEKS))


def test_quantiles_of_a_sum_hold_as_often_as_they_say(
    shop: tuple[Series, np.ndarray], told: list[Forecasts]
) -> None:
    sums = shop[0].quantity[:, WEEKS:].sum(1)
    alive = shop[1] > 0
    for share, most in ((0.5, 0.15), (0.9, 0.08), (0.99, 0.04)):
        assert (sums <= told[0].at(share))[alive].mean() == pytest.approx(share, abs=most)


def test_what_stopped_selling_is_forecast_to_stay_so_and_the_rest_at_its_rate(
    shop: tuple[Series, np.ndarray], told: list[Forecasts]
) -> None:
    rate, mean = shop[1], told[0].mean
    since = np.argmax(shop[0].quantity[:, WEEKS - 1 :: -1] > 0, 1)
    former = np.maximum(shop[0].quantity[:, :10].mean(1), 1)
    dead = (rate == 0) & (since >= 10)
    assert dead.sum() > 20
    assert (mean / former)[dead].max() < 0.2
    often = rate > 1
    assert np.median(np.abs(mean[often] / (2 * rate[often]) - 1)) < 0.25


def test_means_add_up_to_what_the_whole_shop_will_sell(
    shop: tuple[Series, np.ndarray], told: list[Forecasts]
) -> None:
    for one, periods in zip(told, (2, 1), strict=True):
        assert one.mean.sum() == pytest.approx(periods * shop[1].sum(), rel=0.12)


def test_in_a_shop_that_grows_means_add_up_to_where_its_growth_leads() -> None:
    growth = np.random.default_rng(5).poisson(10 * 1.03 ** np.arange(44), (80, 44)).astype(float)
    past = series(growth[:, :40])
    model = DemandModel([Span(4)], (0.5,), dataclasses.replace(QUICK, rows=4_000)).fit(past)
    sums = [model.forecast(past)[0].mean.sum(), level(past.quantity.sum(0), 4)]
    assert sums == pytest.approx([growth[:, 40:].sum()] * 2, rel=0.06)
    assert sums[0] == pytest.approx(sums[1])


def test_quantiles_ascend_and_none_is_below_zero(told: list[Forecasts]) -> None:
    for one in told:
        assert (np.diff(one.quantiles, axis=1) >= 0).all() and (one.quantiles >= 0).all()
        assert one.quantiles.shape == (240, len(LEVELS)) and (one.mean >= 0).all()


def test_a_part_of_the_shop_is_forecast_as_in_the_whole(
    shop: tuple[Series, np.ndarray], fitted: DemandModel, told: list[Forecasts]
) -> None:
    part = fitted.forecast(shop[0].before(WEEKS).of(slice(50, 90)))[0]
    assert part.item_ids.tolist() == told[0].item_ids[50:90].tolist()
    assert part.mean == pytest.approx(told[0].mean[50:90], rel=1e-4)
    assert part.quantiles == pytest.approx(told[0].quantiles[50:90], rel=1e-4, abs=1e-4)


def test_items_without_a_sale_are_forecast_none(fitted: DemandModel) -> None:
    sold = np.tile([3.0], (3, WEEKS))
    sold[1] = np.nan
    found = fitted.forecast(series(sold))[0]
    assert (found.mean[1], found.quantiles[1].max()) == (0, 0) and found.mean[[0, 2]] == pytest.approx(
        6, rel=0.4
    )


@given(arrays.arrays(np.float32, (4, 3), elements=st.floats(-1e6, 1e6, width=32)))
@settings(max_examples=20, deadline=None)
def test_quantiles_never_cross_whatever_the_features(features: np.ndarray) -> None:
    net = QuantileNet(np.eye(3, dtype=np.float32), 2, (0.1, 0.5, 0.9), Training(width=8))
    found = net.quantiles(features)
    assert np.isfinite(found).all() and (np.diff(found, axis=-1) >= 0).all() and (found >= 0).all()


def test_the_network_learns_a_distribution_from_what_is_known_of_it() -> None:
    rng = np.random.default_rng(3)
    features = rng.integers(0, 2, (4_000, 1)).astype(np.float32)
    # Exponential, of mean 1 or 3: its median is ln 2, its 0.9 quantile ln 10 times the mean. The second is half unknown.
    came = rng.exponential(1 + 2 * features, (4_000, 1)) * [1, 2]
    came[::2, 1] = np.nan
    net = QuantileNet(features, 2, (0.5, 0.9), Training(width=16, epochs=20, dropout=0.0, rate=0.01))
    net.fit(features, came, np.ones(4_000))
    expected = np.log([2, 10]) * np.array([[[1.0]], [[3.0]]]) * np.array([[1.0], [2.0]])
    assert net.quantiles(np.array([[0.0], [1.0]], np.float32)) == pytest.approx(expected, rel=0.15)


def test_quantiles_between_two_levels_lie_between_them() -> None:
    found = Forecasts(np.array(["a"]), 1, 7, np.ones(1), np.array([0.5, 0.9]), np.array([[2.0, 6.0]]))
    assert [found.at(level)[0] for level in (0.5, 0.6, 0.9)] == pytest.approx([2.0, 3.0, 6.0])
    with pytest.raises(InputError, match=r"level 0.95 was asked of forecasts of 0.5 to 0.9"):
        found.at(0.95)


SMALL = {
    "all zeros": [[0.0] * 12],
    "one sale": [[np.nan] * 11 + [4.0]],
    "one sale long ago": [[4.0] + [0.0] * 60],
    "out of stock of late": [[4.0] * 20 + [np.nan] * 12],
    "one period": [[3.0]],
    "closed weeks": [[2.0, np.nan] * 10],
}


@pytest.mark.parametrize("name", SMALL)
def test_small_or_odd_series_have_a_forecast_of_numbers(name: str) -> None:
    found = forecast(series(SMALL[name]), 3, (0.5, 0.9))
    assert np.isfinite(found.mean).all() and np.isfinite(found.quantiles).all()
    assert (found.quantiles[0, 0] <= found.quantiles[0, 1]) and found.mean[0] >= 0
    expected = {
        "all zeros": 0.0,
        "one sale": 12.0,
        "one sale long ago": 0.0,
        "one period": 9.0,
        "closed weeks": 6.0,
    }
    assert found.mean[0] == pytest.approx(expected.get(name, found.mean[0]))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"periods": 0}, "a horizon of 0 periods after 0 was asked for"),
        ({"after": -1}, "a horizon of 2 periods after -1 was asked for"),
        ({"levels": (0.9, 0.5)}, "levels 0.9, 0.5: expected ascending numbers between 0 and 1"),
        ({"levels": (0.5, 1.0)}, "levels 0.5, 1.0: expected"),
        ({"levels": ()}, "expected ascending numbers"),
        (
            {"vectors": np.ones((3, 2))},
            r"vectors have the shape \(3, 2\), expected a row for each of 1 items",
        ),
    ],
)
def test_a_forecast_that_makes_no_sense_is_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        forecast(series([[1.0, 2.0]]), **{"periods": 2, **asked})  # type: ignore[arg-type]


def test_a_forecast_from_no_period_is_refused() -> None:
    with pytest.raises(InputError, match="the series have no period"):
        forecast(series([[1.0]]).before(0), 1)


def test_days_are_forecast_too() -> None:
    rng = np.random.default_rng(4)
    shop = series(rng.poisson(4, (60, 70)).astype(float), days=1)
    model = DemandModel([Span(3)], LEVELS, dataclasses.replace(QUICK, rows=2_000)).fit(shop)
    assert np.median(model.forecast(shop)[0].mean) == pytest.approx(12, rel=0.15)
