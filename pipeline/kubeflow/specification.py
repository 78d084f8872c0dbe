"""What Kubeflow Pipelines' own backend asks of a specification, and TFX, which compiles for Vertex AI, doesn't heed."""

from __future__ import annotations

import re
from typing import Any

_ELSE = re.compile("[^a-zA-Z0-9]")


def for_kubeflow(spec: dict[str, Any], root: str) -> dict[str, Any]:
    """Makes a specification of TFX's compiler one that Kubeflow Pipelines takes, and Vertex AI too.

    - A task's name becomes that of an Argo task: letters, digits and `-`. In what a task waits for, a dot parts a
      name from a state, so `ExampleGen.items` would be the state `items` of a task `ExampleGen`.
    - A step that has no step before it reads what changes outside: it is never taken from Kubeflow's cache, or a
      run on new rows at the same address would train on the old ones. Every other step is known by its inputs.
    - The root is in the specification itself: the job around it, in which TFX names it, is Vertex AI's alone.

    Args:
        spec: a `PipelineSpec` as a dict; left as it is.
        root: folder of the artifacts.
    """
    tasks = {_name(name): _task(task) for name, task in spec["root"]["dag"]["tasks"].items()}
    return {
        **spec,
        "components": {_name(name): component for name, component in spec["components"].items()},
        "defaultPipelineRoot": root,
        "root": {**spec["root"], "dag": {**spec["root"]["dag"], "tasks": tasks}},
    }


def _name(task: str) -> str:
    return _ELSE.sub("-", task)


def _task(task: dict[str, Any]) -> dict[str, Any]:
    """A task under its new name, which waits for others by theirs."""
    waits = [_name(name) for name in task.get("dependentTasks", ())]
    inputs = dict(task.get("inputs", {}))
    if "artifacts" in inputs:
        inputs["artifacts"] = {key: _source(value) for key, value in inputs["artifacts"].items()}
    renamed = {
        **task,
        "componentRef": {"name": _name(task["componentRef"]["name"])},
        "taskInfo": {"name": _name(task["taskInfo"]["name"])},
        "inputs": inputs,
    }
    if waits:
        renamed["dependentTasks"] = waits
    else:
        renamed.pop("cachingOptions", None)
    return renamed


def _source(value: dict[str, Any]) -> dict[str, Any]:
    output = value["taskOutputArtifact"]
    return {"taskOutputArtifact": {**output, "producerTask": _name(output["producerTask"])}}
