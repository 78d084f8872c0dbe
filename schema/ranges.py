"""The ranges of numbers that a setting may have; pydantic refuses another value where the settings are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

AtLeastZero = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]

Share = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1, both among them."""
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
"""Between 0 and 1, neither among them."""
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
