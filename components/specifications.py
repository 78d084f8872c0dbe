"""Short forms of what a TFX component's specification spells out for each name."""

from __future__ import annotations

from tfx import types
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter


def texts(*names: str) -> dict[str, ExecutionParameter]:
    """Parameters that are texts; options are handed over as JSON."""
    return {name: ExecutionParameter(type=str) for name in names}


def channels(optional: bool = False, **kinds: type[Artifact]) -> dict[str, ChannelParameter]:
    """Inputs or outputs by name; optional ones may be None."""
    return {name: ChannelParameter(type=kind, optional=optional) for name, kind in kinds.items()}


def new_outputs(spec: type[ComponentSpec]) -> dict[str, types.Channel]:
    """A channel for each output of a specification."""
    return {name: types.Channel(type=parameter.type) for name, parameter in spec.OUTPUTS.items()}
