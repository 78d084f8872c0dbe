"""New items, told to a gateway by their texts: whether the places that it gives them in answers are earned.

    python -m benchmarks.live.new_items [--results docs/gateway.md]
    python -m benchmarks.live.new_items --shop shop --out out  # a run that was made without some of the shop's items

A shop is simulated, and a run made without some of its items, their events and judgements; then a gateway's own code is told
of them: title, category and brand. Searches are held against all judgements (nDCG@10). Recommendations are asked for nobody known who did what a
user did before they clicked, carted or bought something (10 events): does that come (hit rate@20)? The version has learnt
these events of the other items, so that it knows those better than it would; what new items take from them counts in full.
"""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import subprocess
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable

import numpy as np
import polars as pl

from aisle.components.evaluator.measures.metrics import Floats, graded_ndcg, paired_interval
from aisle.gateway.items.analogues import Analogues
from aisle.gateway.items.current import Current
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.updates import ItemUpdate
from aisle.gateway.items.version_facts import VersionFacts
from aisle.schema.events import CART, CLICK, PURCHASE
from aisle.serving import AsyncClient, RecentEvent, ScoredItems
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import read_tables

NONE, FOURTH, LIKE = "not shown", "every fourth place", "by what they are like"
ALL, NEW, OTHERS = "all", "new", "others"
K, HITS, BEFORE = 10, 20, 10
_AISLE = [sys.executable, "-m", "aisle.cli.main"]

FIGURES = (
    Figure("search_gain", lambda found: found["search"]["gain"], least=0.0),
    Figure("search_lower_end", lambda found: found["search"]["ci"][0], least=0.0),
    Figure("recommend_gain", lambda found: found["recommend"]["gain"], least=0.0),
    Figure("hits_of_new", lambda found: found["recommend"]["systems"][LIKE][NEW], least=0.1),
)
"""Gains over what new items had before: every fourth place of a search, and none of a recommendation."""

Tables = dict[str, pl.DataFrame]
Ask = Callable[[int], Awaitable[ScoredItems]]


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument(
        "--shop", type=pathlib.Path, help="the whole shop; with --out, and simulated without"
    )
    command.add_argument("--out", type=pathlib.Path, help="of a run without some of its items")
    command.add_argument("--share", type=float, default=0.12, help="of the simulated items that are new")
    command.add_argument("--cases", type=int, default=1_000, help="recommendations that are asked for")
    command.add_argument("--seed", type=int, default=7)
    command.run(measured, {"new-items": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Has a run of a shop without some of its items, and asks it; see `markdown` for the shape."""
    from aisle.cli.finished import cleaned, embedded_server

    shop = told.shop or scratch / "shop"
    if told.shop is None:
        size = ("--users", "400", "--items", "400", "--days", "50", "--seed", str(told.seed))
        subprocess.run([*_AISLE, "simulate", str(shop), *size], check=True)
    tables = {name: pl.DataFrame(pl.from_arrow(read.rows)) for name, read in read_tables(shop).items()}
    out = told.out or _run(tables, scratch, told)
    known = pl.read_parquet(cleaned(out, "tables") / "items.parquet")["item_id"]
    new = tables["items"].filter(~pl.col("item_id").is_in(known.to_list()))
    with embedded_server(out) as target:
        return asyncio.run(_asked(target, tables, new, told))


def _run(tables: Tables, scratch: pathlib.Path, told: argparse.Namespace) -> pathlib.Path:
    """The output of a run, by the demo's settings, without some items."""
    from aisle.cli.demo.command import DEMO_SETTINGS

    less, out = scratch / "less", scratch / "out"
    less.mkdir()
    gone = tables["items"]["item_id"].sample(fraction=told.share, seed=told.seed).to_list()
    for name, rows in tables.items():
        left = rows.filter(~pl.col("item_id").is_in(gone)) if "item_id" in rows.columns else rows
        left.write_parquet(less / f"{name}.parquet")
    settings = [word for setting in DEMO_SETTINGS for word in ("--set", setting)]
    subprocess.run([*_AISLE, "run", str(less), "--out", str(out), *settings], check=True)
    return out


async def _asked(target: str, tables: Tables, new: pl.DataFrame, told: argparse.Namespace) -> Found:
    async with AsyncClient(target, timeout=60.0) as client:
        facts, shelf = VersionFacts(client), Shelf()
        for row in new.select("item_id", "title", "category", "brand").iter_rows(named=True):
            shelf.put(ItemUpdate(**row).entries(1, whole=False))
        analogues = Analogues(client, facts, shelf)
        fourth, like = (
            Current(facts, shelf, Analogues(client, facts, shelf)),
            Current(facts, shelf, analogues),
        )
        await like.searched(lambda k: client.search("", k=k), "a", 1)  # Which has the version be known.
        await analogues.learn()
        ids = new["item_id"].to_list()
        return {
            "items": len(tables["items"]),
            "new": len(ids),
            "search": await _searches(client, fourth, like, tables["judgements"]),
            "recommend": await _recommendations(client, like, tables["events"], set(ids), told),
        }


async def _searches(client: AsyncClient, fourth: Current, like: Current, judged: pl.DataFrame) -> Found:
    """NDCG of every judged query."""
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    for query, item, grade in judged.select("query", "item_id", "grade").iter_rows():
        grades[query][item] = float(grade)
    values: dict[str, list[float]] = {NONE: [], FOURTH: [], LIKE: []}
    for query, judgement in sorted(grades.items()):

        async def ask(k: int, query: str = query) -> ScoredItems:
            return await client.search(query, k=k)

        answers = {NONE: ask(K), FOURTH: fourth.searched(ask, query, K), LIKE: like.searched(ask, query, K)}
        for name, answer in answers.items():
            values[name].append(_ndcg([item.item_id for item in await answer], judgement))
    kept = {name: np.array(of)[~np.isnan(values[NONE])] for name, of in values.items()}
    gain, ci = (kept[LIKE] - kept[FOURTH]).mean(), paired_interval(kept[LIKE], kept[FOURTH])
    means = {name: float(of.mean()) for name, of in kept.items()}
    return {"queries": len(kept[NONE]), "systems": means, "gain": float(gain), "ci": ci}


def _ndcg(items: list[str], grades: dict[str, float]) -> float:
    gains = np.array([[2.0 ** grades.get(item, 0.0) - 1 for item in items]])
    return float(graded_ndcg(gains, np.array([[2.0**grade - 1 for grade in grades.values()]]), K)[0])


async def _recommendations(
    client: AsyncClient, like: Current, events: pl.DataFrame, new: set[str], told: argparse.Namespace
) -> Found:
    """Hit rates of what users took next."""
    cases = _cases(events, new)
    drawn = np.random.default_rng(told.seed).choice(len(cases), min(told.cases, len(cases)), replace=False)
    hits: dict[str, list[bool]] = {NONE: [], LIKE: []}
    shown = 0
    for place in drawn:
        item, recents = cases[place]

        async def ask(k: int, recents: list[RecentEvent] = recents) -> ScoredItems:
            return await client.recommend("", k=k, recents=recents)

        answers = {NONE: ask(HITS), LIKE: like.recommended(ask, HITS, False, ())}
        for name, answer in answers.items():
            found = [one.item_id for one in await answer]
            hits[name].append(item in found)
            shown += len(new & set(found))
    is_new = np.array([cases[place][0] in new for place in drawn])
    one, other = (np.array(hits[name], np.float64) for name in (LIKE, NONE))
    systems = {name: _by_kind(np.array(of, np.float64), is_new) for name, of in hits.items()}
    ci, gain = paired_interval(one, other), float((one - other).mean())
    return {"cases": len(drawn), "systems": systems, "gain": gain, "ci": ci, "shown": shown / len(drawn)}


def _by_kind(hits: Floats, is_new: np.ndarray) -> dict[str, float]:
    return {ALL: hits.mean(), NEW: hits[is_new].mean(), OTHERS: hits[~is_new].mean()}


def _cases(events: pl.DataFrame, new: set[str]) -> list[tuple[str, list[RecentEvent]]]:
    """What each user took that is none of their last things, and what they did before to items that the version knows."""
    kinds = [CLICK.name, CART.name, PURCHASE.name]
    taken = events.filter(pl.col("event").is_in(kinds), pl.col("user_id").fill_null("") != "").sort(
        "timestamp"
    )
    did: dict[str, list[tuple[str, str]]] = defaultdict(list)
    cases = []
    for user, item, kind in taken.select("user_id", "item_id", "event").iter_rows():
        before = did[user][-BEFORE:]
        ages = range(60 * len(before), 0, -60)
        recents = [
            RecentEvent(one, of, float(age))
            for (one, of), age in zip(before, ages, strict=True)
            if one not in new
        ]
        if recents and item not in [one for one, _ in before]:
            cases.append((item, recents))
        did[user].append((item, kind))
    return cases


def markdown(found: Found) -> str:
    """The table people read, and the gains."""
    search, recommend = found["search"], found["recommend"]
    rows = [
        (name, f"{search['systems'][name]:.4f}", *_cells(recommend["systems"].get(name)))
        for name in (NONE, FOURTH, LIKE)
    ]
    head = ("new items", f"search, nDCG@{K}", f"recommend, hit rate@{HITS}", "of new items", "of others")
    said = (
        f"{found['new']:,} of {found['items']:,} items are new; {search['queries']:,} queries, {recommend['cases']:,} "
        f"recommendations, {recommend['shown']:.1f} new items in each. By what they are like: search "
        f"{with_interval(search['gain'], search['ci'])} over every fourth place, recommendations "
        f"{with_interval(recommend['gain'], recommend['ci'])} over none (95 %, paired bootstrap)."
    )
    return f"{table(head, rows)}\n\n{said}"


def _cells(hits: dict[str, float] | None) -> tuple[str, ...]:
    return tuple(f"{hits[kind]:.3f}" for kind in (ALL, NEW, OTHERS)) if hits else ("", "", "")


if __name__ == "__main__":
    main()
