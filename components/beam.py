"""What Beam's arguments say of where a pipeline runs."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions

_DIRECT_RUNNERS = frozenset(
    {"", "direct", "directrunner", "switchingdirectrunner", "bundlebaseddirectrunner"}
)
_INSTALLED = ("EXTERNAL", "LOOPBACK")
"""The kinds of environments whose workers are started by who has the code."""
_NO_PACKAGE = "--sdk_container_image=none-needed"
_NO_LIST = "--experiments=disable_logging_submission_environment"


def runs_here(beam_args: Sequence[str]) -> bool:
    """Says whether Beam works on this machine alone, by its direct runner."""
    runner = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner or ""
    return runner.rpartition(".")[2].lower() in _DIRECT_RUNNERS


def with_workers_code(beam_args: Sequence[str]) -> list[str]:
    """Beam's arguments, with the workers' code settled where they have it.

    Unless an argument says where workers find TFX, each Beam component packs TFX's sources for them (2 to
    5 s a component), and each job is handed them. The direct runner's workers import what is installed here, and
    those of a pool what is installed there; neither reads those arguments, so naming any image spares the packing.
    Nor need a pool be handed a list of what is installed here, which Beam has pip make anew for each job (1 s).
    Others keep TFX's way.
    """
    if runs_here(beam_args):
        return [*beam_args, _NO_PACKAGE]
    environment = PipelineOptions(list(beam_args)).view_as(PortableOptions).environment_type
    return [*beam_args, _NO_PACKAGE, _NO_LIST] if environment in _INSTALLED else list(beam_args)
