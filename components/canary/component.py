"""Declares CanaryLoad."""

from __future__ import annotations

import pathlib

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.canary.executor import NOT_BLESSED_FILE, Executor


class CanaryLoadSpec(component_spec.ComponentSpec):
    """A model in, a blessing as of InfraValidator out."""

    PARAMETERS = {
        "server_module": component_spec.ExecutionParameter(type=str),
        "tf_serving": component_spec.ExecutionParameter(type=str),
        "max_latency_ms": component_spec.ExecutionParameter(type=float),
        "failures": component_spec.ExecutionParameter(type=int),
    }
    INPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class CanaryLoad(base_component.BaseComponent):
    """Blesses a model that a server loads and that answers there as it does in memory, in time.

    InfraValidator needs Docker or Kubernetes; this needs neither, and also compares the answers.
    """

    SPEC_CLASS = CanaryLoadSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        server_module: str,
        max_latency_ms: float,
        tf_serving: str = "",
        failures: int = 0,
    ) -> None:
        """Declares the component.

        Args:
            model: the served model, with `TITLES_FILE` in its `assets.extra`.
            server_module: dotted path of a module that `python -m` serves `--base DIR --port 0` by,
                printing `listening on HOST:PORT`.
            max_latency_ms: bound on the median time of one request, of each signature.
            tf_serving: what serves instead: a `tensorflow_model_server` to start, or HOST:PORT of one that runs.
            failures: of earlier runs (`failed_before`), so that another run tries again: a machine that was busy may have been
                the cause, and TFX's cache would only repeat what was found.
        """
        super().__init__(
            CanaryLoadSpec(
                model=model,
                server_module=server_module,
                tf_serving=tf_serving,
                max_latency_ms=float(max_latency_ms),
                failures=failures,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def failed_before(artifacts: str) -> int:
    """How many canaries failed in a pipeline's folder of artifacts on this machine; 0 for one elsewhere."""
    return len(list(pathlib.Path(artifacts).glob(f"{CanaryLoad.__name__}/blessing/*/{NOT_BLESSED_FILE}")))
