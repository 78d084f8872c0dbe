"""What is known of an item at an origin, as numbers that mean the same for one that sells a thousand and one that sells two."""

from __future__ import annotations

import warnings

import numpy as np

from aisle.schema.demand import Series

LAGS = 8
"""Single periods, the latest first."""
WEEKS = (2, 4, 8, 13, 26, 52)
"""Over which levels are taken; those longer than the series are of what there is."""
LEAST_SCALE = 0.05
"""Units a period, of an item that sold next to nothing: below it, one sale would look like an explosion."""
YEAR = 365.25
SEASONS_FROM = 2 * YEAR
"""Days of a series from which on it tells of seasons: a year seen once is no season."""


def scale(series: Series) -> np.ndarray:
    """The size of an item's demand in a period, by which its history and its target are divided: float64 [n]."""
    quantity, windows = _usual(series), _windows(series.days)
    return np.maximum((mean(quantity, windows[2]) + mean(quantity, windows[4])) / 2, LEAST_SCALE)


def features(
    series: Series, shop: np.ndarray, vectors: np.ndarray | None = None, seasons: bool = False
) -> np.ndarray:
    """What is known at the end of the series, nothing of it larger for a larger item: float32 [n, f].

    Beside `shop` an item's features depend on nothing of the other items, so that parts of a shop have those of the whole.

    Args:
        series: of at least one period.
        shop: of `trend`, of all items or of many drawn at random.
        vectors: of the items, [n, d]: alike items rise and fall together.
        seasons: whether to tell the place in the year, and what was sold a year ago.
    """
    size = scale(series)
    named = _history(series, size) | _orders(series) | _prices(series) | _calendar(series, size, seasons)
    named |= {f"shop_{place}": value for place, value in enumerate(shop)}
    columns = [np.nan_to_num(np.broadcast_to(values, len(series))) for values in named.values()]
    parts = [np.column_stack([*columns, np.log(size)])]
    if vectors is not None:
        parts.append(vectors)
    return np.hstack(parts).astype(np.float32)


def _windows(days: int) -> list[int]:
    return [weeks * 7 // days for weeks in WEEKS]


def trend(series: Series) -> np.ndarray:
    """The level of the whole shop lately against before, of one, four and 13 weeks: float64 [3].

    It is of roots, so that no large order makes a trend.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of periods in which nothing is known
        level = np.nanmean(np.sqrt(_usual(series)), 0)[None]
    weeks = [max(mean(level, count * 7 // series.days)[0], 1e-9) for count in (1, 4, 13, 26)]
    return -np.diff(np.log(weeks))


def _usual(series: Series) -> np.ndarray:
    return series.quantity if series.usual is None else series.usual


def _history(series: Series, size: np.ndarray) -> dict[str, np.ndarray]:
    """Lags, levels (of the quantities and of their roots, which large orders move less), spread and silence."""
    quantity, windows = _usual(series), _windows(series.days)
    scaled = quantity / size[:, None]
    sold = np.where(np.isfinite(quantity), quantity > 0, np.nan)
    named = {f"lag_{k}": np.log1p(_lag(scaled, k)) for k in _lags(series.days)}
    named |= {f"mean_{w}": np.log1p(mean(scaled, w)) for w in windows}
    named |= {f"root_{w}": mean(np.sqrt(scaled), w) for w in windows[1:5]}
    named |= {f"sold_{w}": mean(sold, w) for w in windows[1:5]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of items without a known period in a window
        for w in (windows[2], windows[4]):
            named[f"spread_{w}"] = np.log1p(np.nanstd(scaled[:, -w:], 1))
            named[f"most_{w}"] = np.log1p(np.nanmax(scaled[:, -w:], 1))
        named |= {f"median_{w}": np.log1p(np.nanmedian(scaled[:, -w:], 1)) for w in windows[2:4]}
    named["silence"] = np.log1p(_since(quantity > 0) * series.days)
    named["age"] = np.log1p((quantity.shape[1] - np.argmax(quantity > 0, 1)) * series.days)
    named["known"] = np.isfinite(quantity[:, -windows[2] :]).mean(1)
    return named


def _lags(days: int) -> list[int]:
    """Of days also those of the same weekday."""
    return [*range(1, LAGS + 1), *(range(14, 29, 7) if days == 1 else ())]


def _lag(values: np.ndarray, lag: int) -> np.ndarray:
    return values[:, -lag] if lag <= values.shape[1] else np.full(len(values), np.nan)


def _orders(series: Series) -> dict[str, np.ndarray]:
    """How many orders there were, and how large: much by one customer tells less of the next week than a little by many."""
    if series.orders is None:
        return {}
    windows = _windows(series.days)[:5]
    a_line = mean(series.quantity, windows[-1]) / np.maximum(mean(series.orders, windows[-1]), 1e-9)
    return {f"orders_{w}": np.log1p(mean(series.orders, w)) for w in (1, *windows)} | {
        "a_line": np.log1p(a_line)
    }


def _prices(series: Series) -> dict[str, np.ndarray]:
    """The price lately, and against what it was: a sale that ends takes its demand along."""
    windows = _windows(series.days)
    long, short = (
        np.nansum(series.revenue[:, -w:], 1) / np.maximum(np.nansum(series.quantity[:, -w:], 1), 1e-9)
        for w in (windows[4], windows[1])
    )
    ratio = np.divide(short, long, out=np.ones_like(long), where=(long > 0) & (short > 0))
    return {"price": np.log1p(long), "price_ratio": np.log(ratio.clip(0.1, 10))}


def _calendar(series: Series, size: np.ndarray, seasons: bool) -> dict[str, np.ndarray]:
    """Where the horizon begins in the week and in the year, and what was sold there a year ago."""
    begin = series.starts[-1] + np.timedelta64(series.days, "D")
    named: dict[str, np.ndarray] = {}
    if series.days == 1:
        # 1970 began on a Thursday.
        weekday = (int(begin.astype("datetime64[D]").astype(int)) + 3) % 7
        named |= {f"weekday_{day}": np.array(float(day == weekday)) for day in range(7)}
    if seasons:
        angle = 2 * np.pi * float((begin - begin.astype("datetime64[Y]")) / np.timedelta64(1, "D")) / YEAR
        named |= {f"{f.__name__}_{k}": np.array(f(k * angle)) for f in (np.sin, np.cos) for k in (1, 2)}
        year = round(YEAR / series.days)
        for shift in (0, 4, 8):
            end = max(series.quantity.shape[1] - year + shift * 7 // series.days, 0)
            named[f"year_ago_{shift}"] = np.log1p(
                mean(_usual(series)[:, :end], max(28 // series.days, 1)) / size
            )
    return named


def mean(values: np.ndarray, window: int) -> np.ndarray:
    """Of the known ones among the last; 0 where none is: [n]."""
    last = values[:, -window:]
    return np.nansum(last, 1) / np.maximum(np.isfinite(last).sum(1), 1)


def _since(sold: np.ndarray) -> np.ndarray:
    """Periods since the last sale; all of them where there was none: [n]."""
    return np.where(sold.any(1), np.argmax(sold[:, ::-1], 1), sold.shape[1])
