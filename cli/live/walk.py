"""`aisle simulate DEST --ask URL` and `--walk URL`: a simulated shop's users in one that runs."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aisle.cli.finite import FiniteRange

if TYPE_CHECKING:
    from aisle.datasets.simulator import Planted
    from aisle.datasets.simulator.walking.shoppers import Shoppers
    from aisle.datasets.simulator.walking.walk import Seen, Walked

Command = TypeVar("Command", bound=Callable[..., None])


def walking_options(command: Command) -> Command:
    """What is said of a shop that runs."""
    for option in (
        click.option("--key-file", type=click.Path(), help="File with the gateway's key, for --ask; AISLE_GATEWAY_KEY without."),
        click.option("--rate", type=FiniteRange(0, 1_000, min_open=True), default=20.0, show_default=True, help="Requests a second, at most."),
        click.option("--visits", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many visits."),
        click.option("--ask", metavar="URL", help="A gateway that DEST's users ask, and tell what they do, as a site would."),
        click.option("--walk", metavar="URL", help="A storefront that DEST's users walk through, page by page."),
    ):  # fmt: skip
        command = option(command)
    return command


def visit(
    dest: pathlib.Path,
    seed: int,
    planted: Planted | None,
    walk: str | None,
    ask: str | None,
    visits: int,
    rate: float,
    key_file: str | None,
) -> None:
    """Has the users of a shop that was written come to one that runs, and prints what they did.

    Raises:
        InputError: the folder or the address is none, or the shop refuses them.
    """
    import asyncio

    from aisle.datasets.simulator.walking.asked import Shop
    from aisle.datasets.simulator.walking.shoppers import Shoppers
    from aisle.datasets.simulator.walking.site import Site
    from aisle.datasets.simulator.walking.storefront import Storefront
    from aisle.datasets.simulator.walking.walk import walk as go
    from aisle.datasets.simulator.write import read_options
    from aisle.gateway.security import read_key
    from aisle.schema.errors import InputError

    if walk and ask:
        raise InputError("--walk and --ask came; a visit is by one of them")
    if walk and planted:
        raise InputError("--experiment came with --walk; it is planted in a gateway's answers, by --ask")
    if walk and key_file:
        raise InputError("--key-file came with --walk; a storefront's visitors have no key")
    shoppers = Shoppers(read_options(dest), visits, seed)

    async def gone() -> Walked:
        shop = Shop(walk or ask or "", rate)
        way = Storefront(shop, shoppers) if walk else Site(shop, shoppers, read_key(key_file), planted)
        return await go(shoppers.visits(), way, shop, shoppers)

    found = asyncio.run(gone())
    if planted and all(one.arm == "" for one in found.seen):
        click.echo(
            f"no answer of {ask} is part of the experiment {planted.experiment.name!r}, so all saw what its control sees; "
            "for its arms start the gateway with --experiments, and the same file",
            err=True,
        )
    _print(found, shoppers)


def _print(found: Walked, shoppers: Shoppers) -> None:
    """Who did what, by arm, beside what the truth expected of them."""
    import rich.console
    import rich.table

    arms = sorted({one.arm for one in found.seen})
    table = rich.table.Table(title=f"{found.visits:,} visits", title_justify="left", box=None)
    for head in ("arm", "visits", "pages", "items", "clicks", "by truth", "carts", "bought", "by truth"):
        table.add_column(head, justify="left" if head == "arm" else "right")
    for arm in arms:
        seen = [one for one in found.seen if one.arm == arm]
        table.add_row(arm or "none", *(f"{number:,.0f}" for number in _row(seen, shoppers)))
    rich.console.Console().print(table)
    if found.failed:
        click.echo(f"{found.failed:,} visits were not answered: {found.reason}", err=True)


def _row(seen: list[Seen], shoppers: Shoppers) -> list[Any]:
    from aisle.datasets.simulator.behaviour import CHECKOUT

    taken = [one for page in seen for one in page.taken]
    clicks = purchases = 0.0
    for page in seen:
        click, cart = shoppers.chances(page.look.page, page.items)
        clicks += page.visible * click.sum()
        purchases += page.visible * CHECKOUT * (click * cart).sum()
    return [
        len({page.visit.number for page in seen}),
        len(seen),
        sum(len(page.items) for page in seen),
        len(taken),
        clicks,
        sum(one.quantity > 0 for one in taken),
        sum(one.bought for one in taken),
        purchases,
    ]
