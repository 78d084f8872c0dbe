"""The finding that the model can't read the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from aisle.components.anomaly_gate.evidence import Finding
from aisle.components.anomaly_gate.options import WARNING, GateOptions
from aisle.schema.tables import ITEMS

UNREAD_TEXT = "UNREAD_TEXT"


def unread_findings(unread: float, options: GateOptions) -> Iterator[Finding]:
    """Yields a finding where more of the titles than `options.max_unread_share` says nothing to the BERT.

    Args:
        unread: the share of the titles' word pieces that are unknown, or single letters of longer words, 0 to 1.
        options: the threshold.
    """
    if unread > options.max_unread_share:
        yield Finding(
            ITEMS.name, "title", UNREAD_TEXT, WARNING,
            what=f"{unread:.0%} of the titles' word pieces say nothing to the BERT that reads them.",
            value=unread, threshold=options.max_unread_share, unit="share",
            mend="Let a multilingual one read them: pip install 'aisle[multilingual]', or name a BERT of their language "
            "by model.bert.",
        )  # fmt: skip
