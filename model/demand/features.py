"""What is known of an item at an origin, as numbers that mean the same for one that sells a thousand and one that sells two."""

from __future__ import annotations

import warnings

import numpy as np

from aisle.schema.demand import Series

LAGS = 8
WINDOWS = (2, 4, 8, 13, 26, 52)
"""Periods over which sums are taken; those longer than the series are of what there is."""
LEAST_SCALE = 0.05
"""Of an item that sold next to nothing in the longer windows: below it, one sale would look like an explosion."""


def scale(series: Series) -> np.ndarray:
    """The size of an item's demand, by which its history and its target are divided: float64 [n]."""
    quantity = _usual(series)
    return np.maximum((_mean(quantity, 8) + _mean(quantity, 26)) / 2, LEAST_SCALE)


def features(series: Series) -> tuple[np.ndarray, tuple[str, ...]]:
    """Float32 [n, f], all from the periods of the series, and the names of the columns."""
    size = scale(series)
    named = {
        **_history(_usual(series), size),
        **_orders(series),
        **_prices(series),
        **_shop(series),
        "size": np.log(size),
    }
    columns = [np.nan_to_num(np.broadcast_to(values, len(series))) for values in named.values()]
    return np.column_stack(columns).astype(np.float32), tuple(named)


def _usual(series: Series) -> np.ndarray:
    return series.quantity if series.usual is None else series.usual


def _history(quantity: np.ndarray, size: np.ndarray) -> dict[str, np.ndarray]:
    """Lags, rolling levels (of the quantities and of their roots, which large orders move less), spread and silence."""
    scaled = quantity / size[:, None]
    sold = np.where(np.isfinite(quantity), quantity > 0, np.nan)
    periods = quantity.shape[1]
    named = {f"lag_{k}": np.log1p(scaled[:, -k]) for k in range(1, min(LAGS, periods) + 1)}
    named |= {f"mean_{w}": np.log1p(_mean(scaled, w)) for w in WINDOWS}
    named |= {f"root_{w}": _mean(np.sqrt(scaled), w) for w in WINDOWS[1:5]}
    named |= {f"sold_{w}": _mean(sold, w) for w in WINDOWS[1:5]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of slices without a known period
        named |= {f"spread_{w}": np.log1p(np.nanstd(scaled[:, -w:], 1)) for w in (8, 26)}
        named |= {f"median_{w}": np.log1p(np.nanmedian(scaled[:, -w:], 1)) for w in (8, 13)}
        named |= {f"most_{w}": np.log1p(np.nanmax(scaled[:, -w:], 1)) for w in (8, 26)}
    named["silence"] = np.log1p(_since(quantity > 0))
    named["age"] = np.log1p(periods - np.argmax(quantity > 0, 1))
    named["known_8"] = np.isfinite(quantity[:, -8:]).mean(1)
    return named


def _orders(series: Series) -> dict[str, np.ndarray]:
    if series.orders is None:
        return {}
    orders = np.where(np.isfinite(series.quantity), series.orders, np.nan)
    a_line = _mean(series.quantity, 26) / np.maximum(_mean(orders, 26), 1e-9)
    return {f"orders_{w}": np.log1p(_mean(orders, w)) for w in (1, *WINDOWS[:5])} | {
        "a_line": np.log1p(a_line)
    }


def _prices(series: Series) -> dict[str, np.ndarray]:
    """The price lately, and against what it was: a sale that ends takes its demand along."""
    long, short = (
        np.nansum(series.revenue[:, -w:], 1) / np.maximum(np.nansum(series.quantity[:, -w:], 1), 1e-9)
        for w in (26, 4)
    )
    known = (long > 0) & (short > 0)
    ratio = np.divide(short, long, out=np.ones_like(long), where=known)
    return {"price": np.log1p(long), "price_ratio": np.log(ratio.clip(0.1, 10))}


def _shop(series: Series) -> dict[str, np.ndarray]:
    """The level of the whole shop lately against before, which no single item's history tells well: the same for all."""
    root = np.sqrt(_usual(series))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        total = np.nanmean(root, 0)[None]
    ratios = {f"shop_{a}_{b}": (a, b) for a, b in ((1, 4), (4, 13), (13, 26))}
    return {
        name: np.log(np.maximum(_mean(total, a), 1e-9) / np.maximum(_mean(total, b), 1e-9))
        for name, (a, b) in ratios.items()
    }


def _mean(values: np.ndarray, window: int) -> np.ndarray:
    """Of the known ones among the last; 0 where none is: [n]."""
    last = values[:, -window:]
    return np.nansum(last, 1) / np.maximum(np.isfinite(last).sum(1), 1)


def _since(sold: np.ndarray) -> np.ndarray:
    """Periods since the last sale; all of them where there was none: [n]."""
    return np.where(sold.any(1), np.argmax(sold[:, ::-1], 1), sold.shape[1])
