"""Every benchmark's command line: it is there, says what it asks, and holds the figures against it."""

from __future__ import annotations

import importlib
import pathlib
import sys
from typing import Any

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOLS = {
    "benchmarks.ads.clocked_gateway", "benchmarks.recommendation.sasrec", "benchmarks.serving.answering",
    "benchmarks.serving.load",
}  # fmt: skip
"""Processes that a benchmark starts."""
MODULES = {
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted((REPOSITORY / "benchmarks").rglob("*.py"))
    if path.stem != "__init__"
}
COMMANDS = sorted({name for name, text in MODULES.items() if "__main__" in text} - TOOLS)


@pytest.mark.parametrize("name", MODULES)
def test_it_can_be_imported_and_says_what_it_is_for(name: str) -> None:
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", COMMANDS)
def test_its_help_has_what_all_have_and_says_what_is_asked(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(name)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        module.main()
    said = capsys.readouterr().out
    assert all(option in said for option in ("--check", "--json", "--results"))
    assert all(f"  {figure.name} {figure.goal}\n" in said for figure in module.FIGURES if figure.goal)
    assert len({figure.name for figure in module.FIGURES}) == len(module.FIGURES)


def _gains(*names: str, key: str = "interval") -> dict[str, Any]:
    return {name: {key: [0.01, 0.03]} for name in names}


_RUNS = [
    {"items": 1, "events": 1, "total": 50.8, "seconds": {"steps": 2.5}, "peak_mb": {"export": 1_812}},
    {"items": 8, "events": 8, "total": 114.1, "seconds": {"steps": 2.6}, "peak_mb": {"export": 5_524}},
]
_TIMES = {
    f"{what}, {who}": {"p50": ms, "p99": 2 * ms}
    for what in ("rank", "search")
    for who, ms in (("by hand", 224.7), ("aisle, base", 38.8))
}
_RESULTS: dict[str, Any] = {
    "ads.auctions": {
        "properties": [{"broken": False}] * 8,
        "examples": [{"ours": [800, 200], "printed": [800, 200]}] * 4,
        "milliseconds": {"p50": 0.45, "p99": 1.0, "cpu p99": 1.0},
    },
    "ads.calibration": {
        "methods": {
            "aisle": {
                **{"ece": 0.004, "entropy": 0.88, "advertisers least": 0.97, "advertisers most": 1.03},
                **{"deciles least": 0.98, "deciles most": 1.02},
            },
            "purchases after a click": {"advertisers least": 0.93, "advertisers most": 1.05},
        }
    },
    "ads.pacing": {
        "shares": {
            f"{size}, {day}": {"aisle, after each auction": share}
            for size, day, share in (
                *((1_000, "independent", 0.986), (1_000, "daily wave", 0.971)),
                *((10_000, "independent", 0.997), (10_000, "daily wave", 0.984)),
            )
        },
        "overspent": 0,
    },
    "ads.serving": {
        "overspend": {
            kind: {"overspent": 0, "twice": 0, "uncharged": 0, "exhausted": 20, "kills": 9}
            for kind in ("redis", "file")
        },
        "added": {"inside p99": 2.49, "p50": 1.72, "p99": 2.80, "cpu": 1.76},
    },
    "first_look": {"of": "demo", "cpu": 231, "wall": 170},
    "clicks.clicks": {
        "models": {"aisle, numbers and BERT": {"ece": 0.0073, "true_log_loss": 0.3934, "auc": 0.7171}}
    },
    "data.cleaning_worth": {"shops": [{"ndcg": {"gain": 0.0037, "gain_ci": [-0.0028, 0.0105]}}]},
    "data.data_path": {"stock_by_gated": 33.0, "stock_by_labelled": 18.0},
    "data.data_quality": {
        "kinds": [{"reached": True, "recall": 1.0, "precision": 0.99}],
        "strange_shops": [{"lost": 0}],
    },
    "experiments.error_rates": {
        "rates": {
            **{"mean": 0.0501, "ratio": 0.0507, "winsorised": 0.0514, "cuped": 0.0522},
            "sample ratio": 0.0009,
        },
        **{
            "looks": {"five": 0.0475},
            "final": {"five": 1.046},
            "always_valid": 0.0139,
            "uncorrected": 0.2642,
        },
        "less": {"all before": 0.348, "forecast": 0.376},
    },
    "experiments.exact": {"cases": [{"met": True}] * 20},
    "experiments.interleaving": {
        "pairs": [{"p_value": 1.0, "times": None}, {"p_value": 0.00025, "times": 5.4}]
    },
    "experiments.off_policy": {
        "judged": [{"agrees": True, "cover": {"ips": 0.952, "snips": 0.953, "doubly robust": 0.953}}] * 5,
        "refused": {"women, Thompson to uniform": 2.08},
    },
    "experiments.planted": {
        "files": {
            **{"users": 14_000, "rates": {"0.05": 0.8, "0.0": 0.05}},
            **{"outcome": "better", "planted": 0.15, "interval": [0.1, 0.2]},
        },
        "gateway": {
            **{"users": 4_000, "planted": 0.05, "power": {"0.05": 0.8, "0.0": 0.05}},
            **{"outcome": "better", "relative": 0.06, "interval": [0.03, 0.09], "failed": 0},
        },
    },
    "images.grocery": {
        "fine": {"aisle": 0.8922, "aisle, in closed form": 0.7706, "frozen, logistic regression": 0.7119},
        "coarse": {"aisle": 0.9227},
        "product": {
            **{"aisle": (0.8922, 0.9920), "frozen, last layer": (0.3050, 0.6893)},
            "aisle, products without a photo": (0.2611, 0.7658),
        },
        "untitled": {"with pictures": 0.9755, "without": 0.25},
        "megabytes": 17.0,
    },
    "inventory.replenish": {
        "systems": {
            "aisle": {"fill": 0.951, "weeks": 9.42},
            "negative binomial": {"fill": 0.849, "weeks": 2.58},
        },
        "weeks_at": {"aisle": 3.21, "negative binomial": 3.42},
    },
    "inventory.textbook": {"rows": [{"printed": "8, 3.57011", "found": "8, 3.57011"}]},
    "domains.food_kitchen": {
        domain: {
            kind: {"systems": {"aisle, with the other domain": {"hr": hr}}, "gain": {"value": 0.0}}
            for kind, hr in (("last", last), ("new", new))
        }
        for domain, last, new in (("Food", 0.0545, 0.0740), ("Kitchen", 0.0250, 0.0236))
    },
    "domains.transfer": {
        "ndcg": {"5 % of the events, from the big shop": 0.11, "10 % of the events, alone": 0.1},
        "visits": {
            "5 % of the events, from the big shop": 0.4,
            "10 % of the events, alone": 0.3,
            "no event, from the big shop": 0.4,
            "popularity of the whole log, the test's too": 0.1,
        },
        "searches": {"no event, from the big shop": 0.9, "BM25 over titles": 0.8},
        "gain": {"value": 0.01, "interval": [0.005, 0.015]},
    },
    "inventory.forecast": {
        "points": {
            "aisle, median": {"wrmsse": 0.8972, "mase": 1.1263},
            "aisle, mean": {"wrmsse": 0.9311, "mase": 1.2348, "bias": -0.0199},
        },
        "quantiles": {
            "aisle": {
                "pinball": 0.541,
                "weighted": 0.4588,
                "cover_0.9": 0.9002,
                "cover_0.95": 0.9405,
                "cover_0.99": 0.9766,
            }
        },
        "backtest_minutes": 1.66,
        "many": {"mb": 0.0},
    },
    "labels.worth": {
        "simulated": True,
        "gains": {
            "tags": {"recommended": {"ci": [0.0030, 0.0175]}, "recommended, new": {"ci": [-0.002, 0.0024]}}
        },
    },
    "data.flink": {
        "runs": [{"here": {"total": 82.0}, "flink": {"total": 105.0}, "differ": [], "wire_mb": 0.007}]
    },
    "data.scale": {
        "runs": [
            {"events": 1_000_502, "total": 7.73, "peak_mb": 1_971},
            {"events": 10_015_654, "total": 80.1, "peak_mb": 3_233},
            {"events": 100_210_848, "total": 818.7, "peak_mb": 3_699},
        ]
    },
    "data.scaling": {"runs": [run | {"peak_mb": mb} for run, mb in zip(_RUNS, (1_962, 5_932), strict=True)]},
    "data.training_scale": {
        "runs": [
            {step: {"peak_mb": mb} for step in ("Trainer.two_tower", "Candidates", "Bundle")}
            for mb in (2_000, 6_000)
        ]
    },
    "live.contract": {"requests": 4_000, "failures": 0},
    "live.live": {
        "load": {"changed": {"p50": 16.7, "p99": 27.2}, "events_a_second": 100.0, "unknown": 0},
        "overhead": {"gateway": {"p50": 16.03}, "server": {"p50": 14.21}},
        "pairs": {"asked": 100_000, "unknown": 0, "stale": 0, "failed": 0},
        "soak": {
            "kills": 10,
            "switches": 10,
            "failed": {"events": 0, "questions": 0},
            "lost": 0,
            "growth": 0.015,
        },
    },
    "live.new_items": {
        "search": {"gain": 0.0271, "ci": [0.0112, 0.0442]},
        "recommend": {"gain": 0.0160, "systems": {"by what they are like": {"new": 0.328}}},
    },
    "live.replay": {
        "gains": {
            "next basket, nDCG@20": {"ci": [-0.0015, 0.0007]},
            "next item, hit rate@20": {"share": 0.730, "ci": [0.1475, 0.1735], "over_simple": 0.0686},
        },
        "changed_without_recents": 0,
    },
    "live.unused": {
        "cpu": {"a graph without the inputs": 22.02, "no recent events": 21.64, "ten recent events": 22.79}
    },
    "live.latency": {"rows": [{"added": 2.03, "cpu": 2.58}]},
    "recommendation.beauty": {
        "ours": {"hr": 0.1050, "ndcg": 0.0644},
        "alone": {"hr": 0.0944, "ndcg": 0.0580},
        "gain": _gains("hr", "ndcg"),
    },
    "recommendation.bert_slices": {
        "variants": ["titles to spectrum, a linear map"],
        "slices": {
            name: {"base": {"ndcg": ndcg}, "titles to spectrum, a linear map": {"ndcg": {"ci": ci}}}
            for name, ndcg, ci in (("all", 0.3473, [-0.0021, 0.0021]), ("new", 0.1353, [0.0006, 0.0056]))
        },
    },
    "recommendation.growth": {"runs": _RUNS},
    "recommendation.index": {"runs": [{"recall": 0.96, "exact_ms": 4.8, "approximate_ms": 4.0}]},
    "recommendation.retail": {
        "systems": {
            "aisle, whole pipeline": {"all": {"ndcg": 0.3259}, "new": {"ndcg": 0.1390}},
            "aisle, two-tower alone": {"all": {"ndcg": 0.2753}, "new": {"ndcg": 0.1006}},
        },
        "gain": _gains("all", "new", key="ci"),
    },
    "recommendation.retail_parts": {
        "ablations": {"all numbers": {"all": {"ndcg": 0.3254}, "new": {"ndcg": 0.1291}}},
    },
    "recommendation.retail_sources": {
        "sources": {"all sources": {"all": 0.4493, "new": 0.2505}},
        "unsold": {"content": 0.589, "chance": 0.202},
    },
    "recommendation.slates": {
        "settings": {
            "0": {"ndcg": 0.444, "diversity": 0.885},
            "0.2": {"ndcg": 0.437, "diversity": 0.918},
        },
        "milliseconds": {"slate": 1.88, "call": 21.56},
    },
    "recommendation.throughput": {
        "rounds": {
            name: [{"examples_a_second": rate}]
            for name, rate in (
                ("aisle", 161_590),
                ("tutorial, metrics off", 45_000),
                ("tutorial, metrics off, its plain softmax", 50_000),
            )
        }
    },
    "recommendation.two_tower_parts": {
        "systems": {"aisle": {"all": {"recall": 0.2264}, "cold": {"recall": 0.3448}}}
    },
    "search.languages": {
        "mrr": 0.9690,
        "words": 0.9711,
        "chance": 0.9744,
        "unknown": 0.0005,
        "readings": 1_000,
    },
    "search.pretraining": {
        "rows": [{"mean": {"ndcg": 0.8609, "gain": 0.0}, "words": {"ndcg": 0.8590, "gain": 0.0}}]
    },
    "search.reading": {"rows": [{"query_ms": 4.5, "titles_s": 3.6, "cosine": 1.0}]},
    "search.search": {
        "systems": {"aisle, whole search": {"judged": 0.8813, "full": 0.8492, "recall": 0.9866}},
        "gains": {"BM25": _gains("judged", "full"), "before any training": _gains("judged", "full")},
    },
    "search.search_speed": {"sizes": {"5000": _TIMES}},
    "serving.fuzz_server": {"asked": {"wrong": [], "ended": False}, "growth": 0.07},
    "reviews.ranking": {
        "gains": {part: {"gain": 0.0} for part in ("recommended", "recommended, new", "searched", "pages")}
    },
    "reviews.sentiment": {
        "rows": {
            "aisle, all labels": 0.9453,
            "aisle, 1,500 labels": 0.9209,
            "TF-IDF of characters, all labels": 0.9341,
        },
        "calibration_error": 0.01,
        "left_out": {"tablets": [0.9370], "phones": [0.9490], "hotels": [0.8948], "books": [0.8329]},
    },
    "serving.light_client": {"download_mb": 30.0, "installed_mb": 90.0, "import_s": 0.3, "memory_mb": 50.0},
    "serving.serving": {
        "throughput": [{"failed": 0}],
        "overhead": {"recommend": {"in process": 8.84, "served": 10.23}},
        "switches": {"failed": 0, "switching": 33.7, "steady": 20.3},
    },
    "serving.startup": {
        "seconds": {"import numpy": [0.1], "from aisle.serving import Client": [0.3], "aisle --help": [0.5]}
    },
}
"""What each benchmark finds, as the documents tell it, with the keys that its figures read."""
_SHORT = {
    "ads.serving": ["inside_p99_ms", "added_p99_ms"],
    "data.scale": ["seconds_grow_by_events"],
    "inventory.forecast": ["mase", "pinball", "weighted_pinball"],
    "inventory.replenish": ["weeks_of_stock_at_0.88"],
    "live.latency": ["most_ms_added"],
    "recommendation.slates": ["milliseconds_more"],
    "reviews.sentiment": ["accuracy_of_1500", "hotels_left_out"],
    "search.languages": ["mrr"],
}
"""The goals that are not reached, as the documents say, too."""


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_documents_tell_reaches_its_goals_and_less_would_not(name: str) -> None:
    figures = importlib.import_module(name).FIGURES
    found = _RESULTS[name.removeprefix("benchmarks.")]
    values = {figure.name: figure.of(found) for figure in figures}
    assert [figure.name for figure in figures if figure.missed(values[figure.name])] == _SHORT.get(
        name.removeprefix("benchmarks."), []
    )
    for figure in figures:
        worse = [figure.least - 0.1 if figure.least is not None else None]
        worse.append(figure.most + 0.1 if figure.most is not None else None)
        assert all(figure.missed(value) for value in worse if value is not None)
