"""What the gate may be told: thresholds, severities, and anomalies to let through."""

from __future__ import annotations

from typing import Literal

from aisle.schema.options import Amount, AtLeastZero, Options, Share

ERROR = "ERROR"
WARNING = "WARNING"
ALLOWED = "ALLOWED"
SEVERITIES = (ERROR, WARNING, ALLOWED)
"""From worst to mildest. ALLOWED is what the options let through by name."""


class GateOptions(Options):
    """Options of the AnomalyGate.

    Attributes:
        max_quarantined_share: of a table's rows; above it the run stops.
        quarantined_share_by_table: the same for one table, by the table's name.
        max_nonfinite_share: of a column's numbers that may be NaN or infinite.
        max_missing_share: of a table's rows that may lack a required value.
        max_conflicting_share: of a table's keys that may name several rows that differ.
        max_unknown_items_share: of the rows of another table that may name an item that `items` lacks.
        max_unknown_events_share: of the events that may be called by a name that isn't known.
        max_unread_share: of the titles' word pieces that may say nothing to the BERT that reads them; above it
            a multilingual one is used, where it is installed, and the text is reported where none is.
        max_leakage: the held-out AUC, or the rank correlation, with which an extra column may tell the
            label; above it the column is reported as a leak.
        max_row_count_change: how far a table's number of rows may rise or fall against the last blessed
            run: 0.5 is ±50 %.
        max_category_drift: the L-infinity distance a text column's values may have moved since the last
            blessed run: the largest change of one value's share of the rows.
        max_number_drift: the Jensen-Shannon divergence (0 to 1) a numeric column's may.
        drift_by_column: the threshold of one column, as `{"events.price": 0.3}`; it also brings in a
            column that is otherwise not compared, and 1 takes one out.
        max_category_skew: as `max_category_drift`, between the events and the logged serving requests.
        max_number_skew: as `max_number_drift`, between them.
        skew_by_column: as `drift_by_column`, between them.
        max_filled_change: how far the share of rows that fill a column may have moved, in either comparison.
        min_compared_rows: values that both sides of a comparison need; with fewer, chance moves them.
        baseline: the folder of statistics to compare with, such as an earlier run's; "" compares with the
            last blessed run on other data, where the local runner finds one.
        serving_log: a Parquet file, or a folder of them, of logged requests, its columns named as those
            of `events`; "" compares nothing. It is read when the gate runs: a log that grows under
            the same name does not make a finished run start again.
        severities: by type of anomaly, `ERROR` or `WARNING` instead of the usual severity.
        allowed: anomalies to let through, as `table.feature:TYPE` or `table:TYPE`.
    """

    max_quarantined_share: Share = 0.2
    quarantined_share_by_table: dict[str, Share] = {}
    max_nonfinite_share: Share = 0.05
    max_missing_share: Share = 0.5
    max_conflicting_share: Share = 0.5
    max_unknown_items_share: Share = 0.1
    max_unknown_events_share: Share = 0.02
    max_unread_share: Share = 0.3
    max_leakage: Share = 0.99
    max_row_count_change: Amount = 0.5
    max_category_drift: Share = 0.1
    max_number_drift: Share = 0.1
    drift_by_column: dict[str, Share] = {}
    max_category_skew: Share = 0.2
    max_number_skew: Share = 0.2
    skew_by_column: dict[str, Share] = {}
    max_filled_change: Share = 0.2
    min_compared_rows: AtLeastZero = 500
    baseline: str = ""
    serving_log: str = ""
    severities: dict[str, Literal["ERROR", "WARNING"]] = {}
    allowed: tuple[str, ...] = ()

    def quarantined_share(self, table: str) -> float:
        """Returns the share of a table's rows that may be quarantined."""
        return self.quarantined_share_by_table.get(table, self.max_quarantined_share)
