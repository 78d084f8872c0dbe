"""The gateway that `aisle gateway` and `aisle shop` both put together."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aisle.cli.live.ads import AdsAsked

if TYPE_CHECKING:
    from aisle.gateway.arms.assigning import Experiments
    from aisle.gateway.log import EventLog
    from aisle.gateway.recents.delivery import Delivery
    from aisle.gateway.service import Gateway
    from aisle.gateway.stages import StagedClient


def stand_between(
    client: StagedClient,
    recents: Delivery,
    log: EventLog,
    store: str,
    folder: pathlib.Path,
    ads: Mapping[str, Any],
    experiments: Experiments | None = None,
) -> Gateway:
    """A gateway before a model's server, with what is so of items now and with what sells places.

    Args:
        client: of the server.
        recents: of the same store.
        log: in the same folder.
        store: that `open_store` took.
        folder: the gateway's data folder.
        ads: what was asked of sponsored places, by the options' names.
        experiments: to whose arms whoever asks is assigned.

    Raises:
        InputError: the store's address or a file of the ads can't be read.
    """
    from aisle.gateway.items.redis_items import open_items
    from aisle.gateway.items.service import Items
    from aisle.gateway.recording import utc_now
    from aisle.gateway.service import Gateway

    items = Items(client, open_items(store), folder, utc_now)
    selling = AdsAsked(**ads).open(store, folder, items)
    return Gateway(client, recents, log, items, experiments=experiments, ads=selling)
