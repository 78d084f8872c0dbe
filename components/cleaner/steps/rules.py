"""The rules by which missing cells are filled, as the options write them."""

from __future__ import annotations

import dataclasses

DELETE, CONSTANT, MEDIAN, MODE, INTERPOLATE = "delete", "constant", "median", "mode", "interpolate"
_GROUP = "group_"
_EXPECTED = "delete, constant:VALUE, median, median:GROUP, mode, mode:GROUP or interpolate"


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a column's missing cells are filled.

    Attributes:
        method: DELETE, CONSTANT, MEDIAN, MODE or INTERPOLATE.
        argument: the constant, or the column that groups the rows; "" for none.
    """

    method: str
    argument: str


def parse_rule(text: str) -> Rule:
    """Reads a rule such as `median:category`; `group_median:category` says the same.

    Args:
        text: the rule.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    method, colon, argument = text.partition(":")
    method = method.removeprefix(_GROUP)
    takes = {DELETE: (False,), CONSTANT: (True,), MEDIAN: (True, False), MODE: (True, False)}
    allowed = (takes | {INTERPOLATE: (False,)}).get(method, ())
    if bool(colon) not in allowed or (colon and not argument):
        raise ValueError(f"expected {_EXPECTED}")
    return Rule(method, argument)
