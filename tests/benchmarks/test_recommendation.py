"""The harness of the recommendation benchmarks: its measures by hand, its baselines, its results page."""

from __future__ import annotations

import importlib
import pathlib
import re

import numpy as np
import pytest
from scipy import sparse

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_ease_is_the_best_linear_model_without_a_diagonal() -> None:
    weights = importlib.import_module("benchmarks.recommendation.baselines").ease_weights
    taken = (np.random.default_rng(0).random((60, 5)) < 0.5).astype(float)
    found = weights(sparse.csr_matrix(taken), 3.0)
    for item in range(5):
        others = np.delete(taken, item, axis=1)
        ridge = np.linalg.solve(others.T @ others + 3.0 * np.eye(4), others.T @ taken[:, item])
        np.testing.assert_allclose(np.delete(found[:, item], item), ridge, atol=1e-9)
    assert not np.diag(found).any()


def test_a_results_section_is_replaced_and_nothing_else(tmp_path: pathlib.Path) -> None:
    write_section = importlib.import_module("benchmarks.shared.results").write_section
    page = tmp_path / "results.md"
    page.write_text("# R\n<!-- a -->\nold\n<!-- end -->\nkept\n<!-- b -->\n<!-- end -->\n", encoding="utf-8")
    write_section(page, "a", "| new |")
    assert page.read_text(encoding="utf-8") == (
        "# R\n<!-- a -->\n\n| new |\n\n<!-- end -->\nkept\n<!-- b -->\n<!-- end -->\n"
    )
    with pytest.raises(ValueError, match="no section <!-- c -->"):
        write_section(page, "c", "x")


PAGES = {
    "results.md": [
        "retail", "beauty", "index", "throughput", "clicks", "slates", "search", "search-speed", "languages",
        "forecasts", "growth", "pictures", "fuzz",
    ],
    "experiments.md": [
        "retail-parts", "retail-sources", "bert-slices", "two-tower-parts", "search-parts", "search-training", "reading", "pretraining",
    ],
}  # fmt: skip
"""What holds of what is shipped, and what was tried: each page's sections, in order."""
COMMAND = re.compile(r"^```text\npython -m ([\w.]+)(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_each_section_of_a_page_has_the_command_that_writes_it(name: str) -> None:
    page = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    assert re.findall(r"<!-- (?!end)(.+) -->", page) == PAGES[name]
    commands = [command for command in COMMAND.findall(page) if "--results" in command[1]]
    assert len(commands) == len(PAGES[name])
    for (module, arguments), section in zip(commands, PAGES[name], strict=True):
        source = REPOSITORY.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        assert f"--results docs/{name}" in arguments, module
        if f"--section {section}" in arguments:
            continue
        assert "--section" not in arguments
        assert f'"{section}"' in source
        assert f"--results docs/{name}]" in source


def test_the_next_item_is_ranked_among_all_the_user_has_not_had() -> None:
    beauty = importlib.import_module("benchmarks.recommendation.beauty")
    taken = [np.array([0, 1, 3]), np.array([2, 0, 1])]
    sequences = beauty.Sequences(["u", "v"], list("abcd"), taken, [1, 1])
    recent = sequences.matrix(sequences.history, 0.5).toarray()
    np.testing.assert_array_equal(recent, [[0.5, 1, 0, 0], [1, 0, 0.5, 0]])
    np.testing.assert_array_equal(sequences.matrix(sequences.fitted).toarray(), [[1, 0, 0, 0], [0, 0, 1, 0]])
    # u had a and b, the best of all: d comes after c alone. v had a and c: b comes first.
    ranks = beauty.ranks_of(sequences, lambda rows: np.tile([9.0, 8.0, 7.0, 6.0], (rows.shape[0], 1)))
    assert ranks.tolist() == [1, 0]
    hit, ndcg = beauty.hit_value(np.array([1, 0, 10]))
    assert hit.tolist() == [1, 1, 0]
    np.testing.assert_allclose(ndcg, [1 / np.log2(3), 1, 0])


def test_a_served_answer_is_cut_after_what_the_user_had_is_left_out() -> None:
    beauty = importlib.import_module("benchmarks.recommendation.beauty")
    sequences = beauty.Sequences(["u", "v"], list("abcd"), [np.array([0, 1, 3]), np.array([2, 0, 1])], [1, 1])
    asked = []

    def recommend(users: list[str], histories: list[list[str]], exclude: bool, k: int) -> list[list[str]]:
        asked.append((users, histories, exclude, k))
        return [["a", "c", "d"], ["d"]]

    assert beauty.ranks_served(sequences, recommend).tolist() == [1, beauty.K]
    assert asked == [(["u", "v"], [["a", "b"], ["c", "a"]], True, beauty.K + 2)]


def test_a_peer_that_can_not_be_installed_is_left_out_and_the_reason_said(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    sasrec = importlib.import_module("benchmarks.recommendation.sasrec")
    (tmp_path / "file").touch()
    monkeypatch.setattr(sasrec, "ENVIRONMENT", tmp_path / "file" / "environment")
    assert sasrec.asked([np.arange(3)], [1], 2, tmp_path, 1) is None
    assert "no RecTools: its environment was not made" in capfd.readouterr().err
