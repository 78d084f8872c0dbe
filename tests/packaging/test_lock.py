"""The lock: every version fixed, every file hashed, nothing of the machine that wrote it."""

from __future__ import annotations

import pathlib
import re

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aisle.schema.stacks import STACKS, Stack

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROJECT = tomli.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
BESIDE = ("mlflow", "wandb")
"""Extras that stand in no lock: who tracks runs has them already, in a version of their own."""
ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>\S+)"
    r"( ; [^-]+?)?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)


@pytest.fixture(params=STACKS, ids=lambda stack: stack.name)
def stack(request: pytest.FixtureRequest) -> Stack:
    return request.param


@pytest.fixture
def lock(stack: Stack) -> str:
    return (REPOSITORY / f"requirements-{stack.name}.lock").read_text(encoding="utf-8")


def _entries(lock: str) -> dict[str, str]:
    """Package to version, of every entry; an entry that has another form fails."""
    found = {}
    for line in re.sub(r" \\\n +", " ", lock).splitlines():
        entry = ENTRY.fullmatch(line)
        assert entry, f"not a pinned and hashed requirement: {line[:120]}"
        found[entry["name"]] = entry["version"]
    return found


def test_every_requirement_is_pinned_and_hashed(lock: str) -> None:
    assert len(_entries(lock)) > 200


def test_the_lock_holds_no_address_and_no_path(lock: str) -> None:
    assert not re.search(r"https?:|file:|ssh:|@|--(extra-)?index|--find-links|#|/", lock)


def test_the_lock_meets_what_pyproject_asks_for(stack: Stack, lock: str) -> None:
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["weights"]]
    for extra, packages in PROJECT["project"]["optional-dependencies"].items():
        asked += [] if extra in BESIDE else packages
    locked = _entries(lock)
    python = {"python_version": ".".join(map(str, stack.pythons[-1]))}
    for requirement in map(Requirement, asked):
        if requirement.name == "aisle" or (requirement.marker and not requirement.marker.evaluate(python)):
            continue
        version = locked.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version), (
            f"{requirement}: locked at {version}; run make lock"
        )


def test_the_lock_holds_no_pytorch_and_no_js2py(lock: str) -> None:
    assert not {"torch", "sentence-transformers", "js2py"} & set(_entries(lock))


def test_a_stack_is_what_its_lock_and_the_set_up_script_have(stack: Stack, lock: str) -> None:
    locked = _entries(lock)
    assert (locked["tfx"], locked["tensorflow"]) == (stack.tfx, stack.tensorflow)
    script = (REPOSITORY / "bootstrap.sh").read_text(encoding="utf-8")
    versions = " ".join(f"{major}.{minor}" for major, minor in reversed(stack.pythons))
    assert f'{stack.name}) echo "{versions}"' in script
    assert f"{stack.name}) echo {stack.glibc[1]} ;;" in script
