"""What `aisle gateway` and `aisle shop` are told of sponsored places."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aisle.cli.finite import FiniteRange

if TYPE_CHECKING:
    from aisle.gateway.ads.service import Ads
    from aisle.gateway.items.service import Items

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--campaigns",
        type=click.Path(),
        help="Table of campaigns to sell places by, such as OUT/ads/campaigns.parquet; read again when it changes.",
    ),
    click.option(
        "--calibration",
        type=click.Path(),
        help="Chances of clicks by the model's scores, such as OUT/ads/calibration.json; the scores themselves without.",
    ),
    click.option(
        "--ad-places", default="2,6", show_default=True, help="Places of a list that may be sold, from 1."
    ),
    click.option(
        "--ad-floor",
        default=0.5,
        show_default=True,
        type=FiniteRange(0, 1),
        help="Of the chance of a click of what stands at a place without ads: what is less likely isn't sold the place.",
    ),
    click.option(
        "--ad-reserve",
        default=0,
        show_default=True,
        type=click.IntRange(0, 10**18),
        help="Micros that a million shows must bring.",
    ),
    click.option(
        "--click-minutes",
        default=30,
        show_default=True,
        type=click.IntRange(1, 1_440),
        help="After a show, in which a click is charged.",
    ),
    click.option(
        "--purchase-days",
        default=7.0,
        show_default=True,
        type=FiniteRange(0, 365, min_open=True),
        help="After a show, in which a purchase is charged.",
    ),
)


@dataclasses.dataclass(frozen=True)
class AdsAsked:
    """What was asked of sponsored places, by the names of the options."""

    campaigns: str | None
    calibration: str | None
    ad_places: str
    ad_floor: float
    ad_reserve: int
    click_minutes: int
    purchase_days: float

    def open(self, store: str, folder: pathlib.Path, items: Items) -> Ads | None:
        """What sells places; None without campaigns.

        Args:
            store: that `open_store` took.
            folder: the gateway's data folder.
            items: what is so of items.

        Raises:
            InputError: a file can't be read, or an option is of no use.
        """
        from aisle.gateway.ads.files import Files
        from aisle.gateway.ads.ledger import open_ledger
        from aisle.gateway.ads.options import Selling, read_places
        from aisle.gateway.ads.service import Ads
        from aisle.gateway.recording import utc_now
        from aisle.schema.errors import InputError

        if self.campaigns is None:
            if self.calibration:
                raise InputError(
                    f"--calibration {self.calibration} is for sponsored places; name what to sell by --campaigns"
                )
            return None
        selling = Selling.read(
            {
                "places": read_places(self.ad_places),
                "floor": self.ad_floor,
                "reserve": self.ad_reserve,
                "click_minutes": self.click_minutes,
                "purchase_days": self.purchase_days,
            }
        )
        calibration = pathlib.Path(self.calibration) if self.calibration else None
        files = Files(pathlib.Path(self.campaigns), calibration)
        return Ads(files, open_ledger(store, folder, utc_now), selling, items.current.about, utc_now)


def ad_options(command: Command) -> Command:
    """Gives a command these options, which it takes as `**ads` and makes `AdsAsked` of."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
