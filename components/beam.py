"""What Beam's arguments say of where a pipeline runs."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

_DIRECT_RUNNERS = frozenset(
    {"", "direct", "directrunner", "switchingdirectrunner", "bundlebaseddirectrunner"}
)
_NO_PACKAGE = "--sdk_container_image=none-needed-by-the-direct-runner"


def runs_here(beam_args: Sequence[str]) -> bool:
    """Says whether Beam works on this machine alone, by its direct runner."""
    runner = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner or ""
    return runner.rpartition(".")[2].lower() in _DIRECT_RUNNERS


def with_workers_code(beam_args: Sequence[str]) -> list[str]:
    """Beam's arguments, with the workers' code settled where they run on this machine.

    Unless an argument says where workers find TFX, each Beam component packs TFX's sources for them (2 to
    5 s a component). The direct runner's workers import what is installed here, and it reads none of those
    arguments; so naming any image spares the packing. Other runners keep TFX's way.
    """
    return [*beam_args, _NO_PACKAGE] if runs_here(beam_args) else list(beam_args)
