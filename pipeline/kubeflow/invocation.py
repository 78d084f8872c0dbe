"""What Kubeflow tells a step, made what TFX's entry point reads, and the step's answer made what Kubeflow reads.

Kubeflow Pipelines' own backend leaves out of which type an input is, which Vertex AI, for whom that entry point was written,
says. And what lies in a store that TensorFlow doesn't read is worked on where the backend's launcher copies it (`mounts`).
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from aisle.components.mounts import local_path, remote_uri

Message = dict[str, Any]


def for_entry_point(executor_input: Message, input_definitions: Mapping[str, Any]) -> Message:
    """Fills an `ExecutorInput` in: types of the inputs, and local paths of what the launcher copies.

    Folders of the outputs are made where they are local, as TFX's other runners make them.

    Args:
        executor_input: as JSON tells it; changed in place.
        input_definitions: the component's `ComponentInputsSpec`.

    Returns:
        The input.
    """
    inputs, outputs = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    defined = input_definitions.get("artifacts", {})
    for key, artifact in _artifacts(inputs):
        if not any(artifact.get("type", {}).values()):
            artifact["type"] = defined[key]["artifactType"]
    for _, artifact in (*_artifacts(inputs), *_artifacts(outputs)):
        artifact["uri"] = local_path(artifact["uri"])
    for _, artifact in _artifacts(outputs):
        if "://" not in artifact["uri"]:
            pathlib.Path(artifact["uri"]).mkdir(parents=True, exist_ok=True)
    return executor_input


def for_launcher(executor_output: Message) -> Message:
    """Gives the artifacts of an `ExecutorOutput`, which is changed in place, the URIs that Kubeflow knows them by."""
    for _, artifact in _artifacts(executor_output):
        artifact["uri"] = remote_uri(artifact["uri"])
    return executor_output


def _artifacts(side: Mapping[str, Any]) -> Iterator[tuple[str, Message]]:
    """The artifacts of one side of a message, with their keys."""
    for key, several in side.get("artifacts", {}).items():
        for artifact in several.get("artifacts", ()):
            yield key, artifact
