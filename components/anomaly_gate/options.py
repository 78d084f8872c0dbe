"""What the gate may be told: thresholds, severities, and anomalies to let through."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from aisle.schema.errors import InputError

ERROR = "ERROR"
WARNING = "WARNING"
ALLOWED = "ALLOWED"
SEVERITIES = (ERROR, WARNING, ALLOWED)
"""From worst to mildest. ALLOWED is what the options let through by name."""

_SHARES = (
    "max_quarantined_share",
    "max_nonfinite_share",
    "max_conflicting_share",
    "max_missing_share",
    "max_unknown_items_share",
    "max_leakage",
    "max_category_drift",
    "max_number_drift",
    "max_category_skew",
    "max_number_skew",
    "max_filled_change",
)
_SHARES_BY_NAME = ("quarantined_share_by_table", "drift_by_column", "skew_by_column")


@dataclasses.dataclass(frozen=True)
class GateOptions:
    """Options of the AnomalyGate.

    Attributes:
        max_quarantined_share: of a table's rows; above it the run stops.
        quarantined_share_by_table: the same for one table, by the table's name.
        max_nonfinite_share: of a column's numbers that may be NaN or infinite.
        max_missing_share: of a table's rows that may lack a required value.
        max_conflicting_share: of a table's keys that may name several rows that differ.
        max_unknown_items_share: of the events or judgements that may name an item that `items` lacks.
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

    max_quarantined_share: float = 0.2
    quarantined_share_by_table: dict[str, float] = dataclasses.field(default_factory=dict)
    max_nonfinite_share: float = 0.05
    max_missing_share: float = 0.5
    max_conflicting_share: float = 0.5
    max_unknown_items_share: float = 0.1
    max_leakage: float = 0.99
    max_row_count_change: float = 0.5
    max_category_drift: float = 0.1
    max_number_drift: float = 0.1
    drift_by_column: dict[str, float] = dataclasses.field(default_factory=dict)
    max_category_skew: float = 0.2
    max_number_skew: float = 0.2
    skew_by_column: dict[str, float] = dataclasses.field(default_factory=dict)
    max_filled_change: float = 0.2
    min_compared_rows: int = 500
    baseline: str = ""
    serving_log: str = ""
    severities: dict[str, str] = dataclasses.field(default_factory=dict)
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in _SHARES}
        for option in _SHARES_BY_NAME:
            shares |= {f"{option}.{name}": share for name, share in getattr(self, option).items()}
        for name, share in shares.items():
            if not _is_number(share) or not 0 <= share <= 1:
                raise InputError(f"gate option {name}: a share from 0 to 1 is expected, got {share!r}")
        for name in ("max_row_count_change", "min_compared_rows"):
            value = getattr(self, name)
            if not _is_number(value) or value < 0:
                raise InputError(f"gate option {name}: a number from 0 is expected, got {value!r}")
        for kind, severity in self.severities.items():
            if severity not in (ERROR, WARNING):
                raise InputError(f"gate option severities.{kind}: {ERROR} or {WARNING}, got {severity!r}")
        object.__setattr__(self, "allowed", tuple(self.allowed))

    def quarantined_share(self, table: str) -> float:
        """Returns the share of a table's rows that may be quarantined."""
        return self.quarantined_share_by_table.get(table, self.max_quarantined_share)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def options_to_json(options: GateOptions) -> str:
    """Returns the options as JSON, the form of the component's exec property."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def options_from_json(text: str) -> GateOptions:
    """Reads what `options_to_json` wrote.

    Raises:
        InputError: if the text isn't JSON, or names an option there is none of.
    """
    try:
        values: Mapping[str, Any] = dict(json.loads(text or "{}"))
    except ValueError as error:
        raise InputError(f"the gate's options are not a JSON object: {error}") from error
    known = [field.name for field in dataclasses.fields(GateOptions)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"gate option {unknown[0]!r} does not exist; there are {', '.join(known)}")
    return GateOptions(**values)
