"""What the gate behind the Cleaner may be told."""

from __future__ import annotations

from aisle.schema.options import AtLeastOne, Options, Share


class LossOptions(Options):
    """Options of the gate behind the Cleaner. Lost is what the reader or the Cleaner quarantined; what is merged isn't.

    Attributes:
        warn_share: of a table's rows, or of a kind of event's; above it the report and the console say so.
        stop_share: the same; above it the run stops. Of a day, a file, a category or a brand it is said above it.
        stop_share_by_part: the same for one part by its name, such as `items` or `events.event=click`.
        min_rows: a kind of event, a day or a file with fewer rows, and a table with fewer that isn't lost whole,
            doesn't stop the run. The purchases do, however few: without them the models learn clicks.
        min_items: the same of a category's or a brand's items.
        allowed: parts that may be lost, by name, such as `events.event=purchase`.
    """

    warn_share: Share = 0.05
    stop_share: Share = 0.3
    stop_share_by_part: dict[str, Share] = {}
    min_rows: AtLeastOne = 50
    min_items: AtLeastOne = 10
    allowed: tuple[str, ...] = ()

    def stops_above(self, part: str) -> float:
        """Returns the share of a part that may be lost."""
        return self.stop_share_by_part.get(part, self.stop_share)
