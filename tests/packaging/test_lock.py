"""The lock: every version fixed, every file hashed, nothing of the machine that wrote it."""

from __future__ import annotations

import pathlib
import re

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>\S+)"
    r"( ; [^-]+?)?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)


def _entries() -> dict[str, str]:
    """Package to version, of every entry; an entry that has another form fails."""
    found = {}
    for line in re.sub(r" \\\n +", " ", LOCK).splitlines():
        entry = ENTRY.fullmatch(line)
        assert entry, f"not a pinned and hashed requirement: {line[:120]}"
        found[entry["name"]] = entry["version"]
    return found


def test_every_requirement_is_pinned_and_hashed() -> None:
    assert len(_entries()) > 200


def test_the_lock_holds_no_address_and_no_path() -> None:
    assert not re.search(r"https?:|file:|ssh:|@|--(extra-)?index|--find-links|#|/", LOCK)


def test_the_lock_meets_what_pyproject_asks_for() -> None:
    project = tomli.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"]]
    asked += project["dependency-groups"]["weights"]
    locked = _entries()
    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version), (
            f"{requirement}: locked at {version}; run make lock"
        )


def test_the_lock_holds_no_pytorch() -> None:
    assert not {"torch", "sentence-transformers"} & set(_entries())
