"""What the documents point to is there: links, their sections, and the paths that the architecture names."""

from __future__ import annotations

import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s#]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PARTS = (
    "ads",
    "benchmarks",
    "cli",
    "components",
    "datasets",
    "docs",
    "model",
    "pipeline",
    "schema",
    "serving",
    "tests",
)
PATH = re.compile(rf"`((?:{'|'.join(PARTS)})/[\w./]*)`")
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")
README_WORDS = 900


def _anchors(document: pathlib.Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = HEADING.findall(CODE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(document: pathlib.Path) -> list[str]:
    """The links of a document that lead nowhere."""
    broken = []
    for path, anchor in LINK.findall(CODE.sub("", document.read_text(encoding="utf-8"))):
        target = (document.parent / path) if path else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{path}#{anchor}")
    return broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_section(document: pathlib.Path) -> None:
    assert not _broken(document)


def test_a_link_to_nowhere_is_found(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A thing, it's here\n[1](#a-thing-its-here) [2](#gone) [3](none.md) [4](https://e.org)\n",
        encoding="utf-8",
    )
    assert _broken(page) == ["#gone", "none.md#"]


def test_every_path_that_the_architecture_names_is_there() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = [path for path in PATH.findall(text) if not PLACEHOLDER.search(path)]
    assert len(named) > 80
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_every_document_is_linked_from_the_readme() -> None:
    readme = REPOSITORY / "README.md"
    linked = {path for path, _ in LINK.findall(readme.read_text(encoding="utf-8"))}
    assert {document.relative_to(REPOSITORY).as_posix() for document in DOCUMENTS} - {"README.md"} <= linked


def test_the_readme_is_short() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").split()) < README_WORDS
