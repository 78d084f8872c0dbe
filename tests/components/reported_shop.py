"""What the reports are made of, with values that try to act; tests load it by `runpy`."""

from __future__ import annotations

import math
from typing import Any

from aisle.components.reports import (
    write_ads,
    write_anomalies,
    write_cleaning,
    write_evaluation,
    write_experiment,
    write_inventory,
    write_pictures,
)

EVIL = "<script>alert('$x^2$')</script>\x00\u202e"

ANOMALIES: dict[str, Any] = {
    "version": 1,
    "verdict": "blocked",
    "counts": {"ERROR": 1, "WARNING": 1, "ALLOWED": 0},
    "anomalies": [
        {
            "name": "items.price:NONFINITE_NUMBERS", "severity": "ERROR", "table": "items",
            "feature": "price", "type": "NONFINITE_NUMBERS", "what": f"2 numbers are NaN {EVIL}",
            "value": 0.25, "threshold": 0.0, "unit": "share", "mend": "Mend it.",
            "examples": [{"file": "items.csv", "line": 7, "value": EVIL}],
            "contributors": [{"value": EVIL, "share": 0.5, "before": None}],
        },
        {
            "name": "items.category:DRIFT", "severity": "WARNING", "table": "items",
            "feature": "category", "type": "DRIFT", "what": "The values moved.",
            "value": 0.3, "threshold": 0.1, "unit": "", "mend": "See.", "examples": [],
            "contributors": [{"value": EVIL, "share": 0.5, "before": 0.2}],
        },
    ],
    "compared": True,
    "tables": [
        {"table": "items", "read": 10, "kept": 8, "quarantined": 2,
         "columns": {"declared": ["item_id"], "extra": [EVIL], "absent": ["brand"]}}
    ],
    "quarantine": [
        {"table": "items", "column": EVIL, "reason": "not a number", "rows": 2,
         "examples": [{"file": EVIL, "line": 3, "value": EVIL}]}
    ],
    "distributions": [
        {"table": "items", "feature": EVIL, "kind": "text", "rows": 8, "missing": 1, "unique": 2,
         "top": [{"value": EVIL, "count": 5.0}, {"value": "鞄 🎒", "count": 2.0}]},
        {"table": "items", "feature": "price", "kind": "number", "rows": 8, "missing": 0, "min": 1.0,
         "max": 3.0, "histogram": [{"low": 1.0, "high": 2.0, "count": 5.0},
                                     {"low": 2.0, "high": 3.0, "count": 3.0}]},
        {"table": "items", "feature": "available_at", "kind": "time", "rows": 8, "missing": 0, "min": 0.0,
         "max": 1e18, "histogram": [{"low": 0.0, "high": 1e18, "count": 8.0}]},
        {"table": "items", "feature": "category", "kind": "text", "rows": 8, "missing": 1, "unique": 2,
         "top": [{"value": EVIL, "count": 5.0}, {"value": "Home", "count": 0.0}],
         "moved": {"measure": "L-infinity distance", "value": 0.3, "threshold": 0.1},
         "before": {"rows": 9, "missing": 0, "top": [{"value": EVIL, "count": 2.0},
                                                     {"value": "Home", "count": 7.0}]}},
        {"table": "items", "feature": "stock", "kind": "number", "rows": 8, "missing": 0, "min": 1.0,
         "max": 1.0, "histogram": [{"low": 1.0, "high": 1.0, "count": 8.0}], "moved": None,
         "before": {"rows": 9, "missing": 0, "histogram": [{"low": 1.0, "high": 1.0, "count": 9.0}]}},
    ],
}  # fmt: skip

for picture in ANOMALIES["distributions"]:
    picture |= {"moved": picture.get("moved"), "before": picture.get("before")}

LEDGER: dict[str, Any] = {
    "version": 1,
    "tables": {
        "events": {
            "read": 100, "used": 90, "quarantined": 6, "merged": 4,
            "steps": [
                {"step": "deduplicate", "reason": "exact duplicate", "outcome": "merged", "rows": 4,
                 "column": "", "before": 100, "after": 96,
                 "examples": [{"file": "events.csv", "line": 5, "before": {"query": EVIL}, "after": None}]},
                {"step": "range", "reason": EVIL, "outcome": "quarantined", "rows": 6,
                 "column": "", "before": 96, "after": 90, "examples": []},
                {"step": "normalise", "reason": "white space", "outcome": "changed", "rows": 50,
                 "column": "query", "before": 90, "after": 90,
                 "examples": [{"file": "", "line": 2, "before": {"query": " a"}, "after": {"query": "a"}}]},
            ],
        },
        "users": {"read": 0, "used": 0, "quarantined": 0, "merged": 0, "steps": []},
    },
    "losses": {
        "verdict": "blocked",
        "counts": {"ERROR": 1, "WARNING": 0, "ALLOWED": 0},
        "goal": {"read": "purchase", "used": "click"},
        "parts": [
            {"name": f"events.event={EVIL}", "table": "events", "by": "event", "value": EVIL, "rows": 6, "lost": 6,
             "share": 1.0, "severity": "ERROR", "threshold": 0.3, "changes_goal": True,
             "what": f"all 6 {EVIL} were lost",
             "reasons": [{"reason": EVIL, "column": "price", "rows": 6, "keep": "mend price",
                          "examples": [{"file": EVIL, "line": 3, "value": EVIL}]}]},
            {"name": "users", "table": "users", "by": "", "value": "", "rows": 0, "lost": 0, "share": 0.0,
             "severity": None, "threshold": 0.3, "changes_goal": False, "what": "", "reasons": []},
        ],
    },
}  # fmt: skip

METRICS = {
    "recall": 0.3382, "ndcg": 0.3301, "mrr": 0.4, "hit_rate": 0.7, "coverage": 0.6, "novelty": 8.5,
    "popularity": 120.5, "diversity": 0.81, "gini": 0.62, "miscalibration": 0.4, "ci": {"ndcg": [0.31, 0.35]},
}  # fmt: skip
POPULARITY = {
    "recall": 0.1061, "ndcg": 0.1068, "mrr": 0.2, "hit_rate": 0.5, "coverage": 0.9, "novelty": 5.5,
    "popularity": 900.0, "diversity": 0.93, "gini": 0.97, "miscalibration": None, "ci": {"ndcg": None},
    "pipeline_gain": {"ndcg": 0.2233, "ci": [0.2, 0.25]},
}  # fmt: skip
EVALUATION: dict[str, Any] = {
    "version": 1,
    "goal": "purchase",
    "window": {"test_start": "2011-10-09", "end": "2011-11-08"},
    "k": 20,
    "users": {"all": 1104, "new": 1026},
    "catalogue": 3411,
    "systems": [
        {"name": "whole pipeline", "all": METRICS, "new": {**METRICS, "ci": {"ndcg": None}}},
        {"name": EVIL, "all": POPULARITY, "new": None},
    ],
    "slices": [
        {"kind": "country", "name": EVIL, "rule": "of that country", "users": 40, "recall": 0.3, "ndcg": 0.25,
         "baseline": {"name": EVIL, "recall": 0.2, "ndcg": 0.2}, "gain": {"ndcg": 0.05, "ci": [-0.01, 0.1]}},
        {"kind": "newcomers", "name": "new users", "rule": "no event before the test", "users": 7,
         "recall": None, "ndcg": None, "baseline": None, "gain": None},
    ],
    "slice_users": 30,
    "exposure": [
        {"by": "brand", "distance": {"whole pipeline": 0.123, EVIL: None},
         "groups": [{"name": EVIL, "catalogue": 0.5, "taken": 0.25,
                     "exposure": {"whole pipeline": 0.75, EVIL: None}}]},
    ],
    "search": {
        "queries": 27,
        "judged": 20,
        "clicked": 7,
        "ndcg_at": 10,
        "recall_at": 100,
        "systems": [{"name": "BM25", "ndcg": 0.8, "ndcg_full": 0.7, "recall": 0.9}],
    },
    "ranking": {
        "auc": 0.78, "log_loss": math.nan, "rows": 5000,
        "calibration": {"predicted": 0.2, "observed": 0.25, "ece": 0.0625,
                        "bins": [{"predicted": 0.1, "observed": 0.2, "count": 2500},
                                 {"predicted": 0.3, "observed": 0.3, "count": 2500}]},
    },
    "last_blessed": {"compared": False, "why": EVIL, "failed": False},
    "index": {"kind": "exact", "items": 3411, "recall_at": 100, "recall": 1.0, "indexes": {}},
    "blessing": {
        "blessed": False, "reasons": [f"worse than {EVIL}"],
        "checks": [{"passed": False, "line": f"worse than {EVIL}"}, {"passed": True, "line": "reached"},
                   {"passed": None, "line": "no last one"}],
    },
    "training": {"two_tower": {"loss": [3.0, 2.0, 1.5], "val": [3.1, 2.4, 2.2]}, "ranking": {"loss": [1.0]}},
}  # fmt: skip

_LINE: dict[str, Any] = {
    "item_id": EVIL, "title": EVIL, "on_hand": 3.0, "on_order": 0.0, "expected": 9.0, "days": 14.0,
    "runs_out": "2025-01-09", "chance_out": 0.9, "order": 12.0, "lost_value": 33.5, "reason": EVIL,
}  # fmt: skip
_AHEAD = [{"start": f"2025-01-{day:02}", "mean": 4.5, "quantiles": [1.0, 3.0, 6.0, 9.0]} for day in (5, 12)]
INVENTORY: dict[str, Any] = {
    "version": 1, "first_day": "2025-01-05", "weeks": 2, "items": 2, "expected": 18.0,
    "levels": [0.05, 0.25, 0.75, 0.95],
    "backtest": {
        "origins": ["2024-12-22"], "bias": -0.05, "wape": 0.4, "coverage": [{"level": 0.9, "covered": 0.88}],
    },
    "orders": {
        "goal": "fill", "service": 0.95, "shortage": "lost", "stock_table": "stock", "counted": 1, "uncounted": 1,
        "orders": 1, "units": 12.0, "value": 60.0, "lost_value": 33.5, "low": 1, "out": 0, "low_days": 14.0,
        "calibration": {
            "weeks": 13, "level": 0.96, "stretch": 1.0,
            "rules": [
                {"level": 0.95, "stretch": 1.0, "fill": 0.94, "in_stock": 0.95, "weeks_of_stock": 2.0},
                {"level": 0.97, "stretch": 1.0, "fill": 0.96, "in_stock": 0.97, "weeks_of_stock": 2.5},
            ],
        },
        "defaulted": {"lead_time_days": 1},
    },
    "low": [_LINE],
    "drawn": [
        {
            "item_id": EVIL, "title": EVIL,
            "past": [{"start": "2024-12-22", "quantity": 5.0}, {"start": "2024-12-29", "quantity": None}],
            "earlier": _AHEAD, "weeks": _AHEAD, "sums": _AHEAD, "on_hand": 3.0, "on_order": 0.0, "line": _LINE,
        },
        {
            "item_id": "b", "title": "", "past": [{"start": "2024-12-29", "quantity": 1.0}], "earlier": [],
            "weeks": _AHEAD, "sums": _AHEAD, "on_hand": None, "on_order": 0.0, "line": None,
        },
    ],
}  # fmt: skip

_METRICS: list[dict[str, Any]] = [
    {
        "metric": EVIL, "arm": EVIL, "better": "down", "guardrail": True, "control": 0.2, "treatment": 0.3,
        "difference": 0.1, "interval": [0.05, 0.15], "relative": 0.5, "relative_interval": [0.2, 0.8],
        "p_value": 0.001, "holm": None, "benjamini_hochberg": None, "found": "worse", "variance_kept": 0.8, "bound": 120.0,
    },
    {
        "metric": "new", "arm": EVIL, "better": "up", "guardrail": False, "control": 0.0, "treatment": 0.1,
        "difference": 0.1, "interval": [-0.1, 0.3], "relative": None, "relative_interval": None,
        "p_value": 0.3, "holm": 0.3, "benjamini_hochberg": 0.3, "found": "nothing", "variance_kept": 1.0, "bound": None,
    },
]  # fmt: skip
EXPERIMENT: dict[str, Any] = {
    "version": 1, "experiment": EVIL, "outcome": "harmed", "verdict": f"A guardrail is harmed: {EVIL}.", "distrust": [],
    "left_out": [{"reason": "in two arms", "count": 1}], "late": 2,
    "noted": [{"reason": "sessions in two arms", "count": 3}],
    "bots": {"users": 1, "rule": "more than 360 acts in an hour", "kept": False},
    "held": {
        "statistic": 0.4, "p_value": 0.5, "alarm": False,
        "arms": [{"arm": "as-is", "users": 100, "planned": 98.0}, {"arm": EVIL, "users": 96, "planned": 98.0}],
    },
    "metrics": _METRICS,
    "refused": [{"metric": EVIL, "reason": EVIL}],
    "slices": [
        {
            "by": "users.country", "value": EVIL,
            "arms": [{"arm": "as-is", "users": 50}, {"arm": EVIL, "users": 48}],
            "metrics": _METRICS, "refused": [{"metric": "", "reason": EVIL}],
        },
    ],
    "differing": [
        {"by": "users.country", "metric": EVIL, "arm": EVIL, "p_value": 0.04, "benjamini_hochberg": 0.08},
    ],
    "interleaved": None,
}  # fmt: skip
INTERLEAVED: dict[str, Any] = {
    **EXPERIMENT, "outcome": "better", "held": None, "metrics": [], "refused": [], "slices": [], "differing": [],
    "interleaved": {
        "control": "as-is", "treatment": EVIL, "users": 120,
        "answers_with_more_of_control": 30, "answers_with_more_of_treatment": 28,
        "preferences": [
            {
                "event": "click", "prefer_control": 20, "prefer_treatment": 60, "as_many_of_both": 40,
                "credited_by_item": 0, "share": 0.75,
                "interval": [0.64, 0.84], "p_value": 0.00001, "holm": 0.00002, "found": "better",
            },
        ],
    },
}  # fmt: skip

PICTURES: dict[str, Any] = {
    "version": 1, "items": 10, "named": 4, "pictures": 3, "different": 2,
    "findings": [{"reason": f"broken or cut off ({EVIL})", "items": 1, "examples": [EVIL]}],
}  # fmt: skip

_SUMS: dict[str, Any] = {"shows": 4, "predicted": 1.5, "observed": 2, "ratio": 0.75}
_CAMPAIGN: dict[str, Any] = {
    "campaign_id": EVIL, "advertiser_id": EVIL, "bid_kind": "click", "bids": 8, "bid": 0.5, "budget": 1.0, "planned": 0.5,
    "spent": 1.2, "of_plan": 2.4, "shows": 4, "win_rate": 0.5, "clicks": 2, "purchases": 1, "paid": 2, "price": 0.6,
}  # fmt: skip
_NONE: dict[str, Any] = dict.fromkeys(("of_plan", "win_rate", "price"))
ADS: dict[str, Any] = {
    "version": 1, "source": "replay", "currency": EVIL,
    "terms": {"rule": "gsp", "reserve": 5, "pacing": "slot", "floor": 0.5, "places": [2, 6]},
    "requests": 10, "auctions": 8, "campaigns_in_all": 3, "bids": 8, "shows": 4, "clicks": 2, "purchases": 1,
    "revenue": 1.2, "win_rate": 0.5, "prices": {"click": 0.6, "purchase": None, "thousand_shows": 300.0},
    "spend": {
        "planned": 0.5, "spent": 1.2, "of_plan": 2.4, "over_budget": 1, "spent_out": 1, "never_shown": 1,
    },
    "campaigns": [
        _CAMPAIGN, {**_CAMPAIGN, **_NONE, "campaign_id": "b", "planned": 0.0, "spent": 0.0, "shows": 0, "bids": 0},
    ],
    "calibration": {
        **_SUMS, "error": 0.1, "tenths": [_SUMS, _SUMS], "advertisers": [{"advertiser_id": EVIL, **_SUMS, "ratio": None}],
    },
    "relevance": {"without": 0.5, "beside": 0.45, "given_up": 0.1},
}  # fmt: skip

REPORTS = [
    (write_anomalies, ANOMALIES, "anomalies"),
    (write_cleaning, LEDGER, "cleaning"),
    (write_pictures, PICTURES, "pictures"),
    (write_evaluation, EVALUATION, "evaluation"),
    (write_inventory, INVENTORY, "inventory"),
    (write_experiment, EXPERIMENT, "experiment"),
    (write_experiment, INTERLEAVED, "experiment"),
    (write_ads, ADS, "ads"),
]
