"""What the gate may be told: thresholds, severities, and anomalies to let through."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from aisle.schema.errors import InputError

ERROR = "ERROR"
WARNING = "WARNING"
ALLOWED = "ALLOWED"
SEVERITIES = (ERROR, WARNING, ALLOWED)
"""From worst to mildest. ALLOWED is what the options let through by name."""

_SHARES = ("max_quarantined_share", "max_nonfinite_share", "max_conflicting_share", "max_missing_share")


@dataclasses.dataclass(frozen=True)
class GateOptions:
    """Options of the AnomalyGate.

    Attributes:
        max_quarantined_share: of a table's rows; above it the run stops.
        quarantined_share_by_table: the same for one table, by the table's name.
        max_nonfinite_share: of a column's numbers that may be NaN or infinite.
        max_missing_share: of a table's rows that may lack a required value.
        max_conflicting_share: of a table's keys that may name several rows that differ.
        severities: by type of anomaly, `ERROR` or `WARNING` instead of the usual severity.
        allowed: anomalies to let through, as `table.feature:TYPE` or `table:TYPE`.
    """

    max_quarantined_share: float = 0.2
    quarantined_share_by_table: dict[str, float] = dataclasses.field(default_factory=dict)
    max_nonfinite_share: float = 0.05
    max_missing_share: float = 0.5
    max_conflicting_share: float = 0.5
    severities: dict[str, str] = dataclasses.field(default_factory=dict)
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in _SHARES}
        shares |= {f"quarantined_share_by_table.{k}": v for k, v in self.quarantined_share_by_table.items()}
        for name, share in shares.items():
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
                raise InputError(f"gate option {name}: a share from 0 to 1 is expected, got {share!r}")
        for kind, severity in self.severities.items():
            if severity not in (ERROR, WARNING):
                raise InputError(f"gate option severities.{kind}: {ERROR} or {WARNING}, got {severity!r}")
        object.__setattr__(self, "allowed", tuple(self.allowed))

    def quarantined_share(self, table: str) -> float:
        """Returns the share of a table's rows that may be quarantined."""
        return self.quarantined_share_by_table.get(table, self.max_quarantined_share)


def options_to_json(options: GateOptions) -> str:
    """Returns the options as JSON, the form of the component's exec property."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def options_from_json(text: str) -> GateOptions:
    """Reads what `options_to_json` wrote.

    Raises:
        InputError: if the text isn't JSON, or names an option there is none of.
    """
    try:
        values: dict[str, Any] = dict(json.loads(text or "{}"))
    except ValueError as error:
        raise InputError(f"the gate's options are not a JSON object: {error}") from error
    known = [field.name for field in dataclasses.fields(GateOptions)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"gate option {unknown[0]!r} does not exist; there are {', '.join(known)}")
    return GateOptions(**values)
