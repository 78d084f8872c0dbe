"""The configuration: TOML and --set, and what is said of a wrong one."""

from __future__ import annotations

import pathlib
import re

import pytest

from aisle.pipeline.config import Config, load_config
from aisle.schema.errors import InputError


def test_an_assignment_goes_over_the_file_and_the_file_over_the_default(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("[ranker]\nlayers = 2\nepochs = 7\n", encoding="utf-8")
    config = load_config(str(file), ["ranker.layers=4"])
    assert (config.ranker.layers, config.ranker.epochs) == (4, 7)
    assert config.ranker.list_size == Config().ranker.list_size


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("ranker.layer=2", "unknown setting ranker.layer; ranker has: bins"),
        ("rankers.layers=2", "unknown setting rankers; there are: data, columns"),
        ("ranker.layers=many", "ranker.layers='many' is wrong"),
        ("ranker.layers", "expected SECTION.KEY=VALUE"),
        (
            "cleaner.price_outliers=drop",
            "price_outliers='drop' is wrong: Input should be 'note', 'clip' or 'quar",
        ),
        (
            'cleaner.missing={"items.price": "mean"}',
            "cleaner.missing.items.price='mean' is wrong: expected delete, constant",
        ),
        ("bless.max_drop=2", "bless.max_drop=2 is wrong: Input should be less than or equal to 1"),
        (
            "cleaner.ratings=[5, 1]",
            "cleaner.ratings=[5, 1] is wrong: expected the lowest rating, then the highe",
        ),
        ("evaluator.k=true", "evaluator.k=True is wrong: Input should be a valid integer"),
        ("layers=2", "expected SECTION.KEY=VALUE"),
        ("pretrain.steps=-1", "pretrain.steps=-1 is wrong: Input should be greater than or equal to 0"),
        ("pretrain.anchor=NaN", "pretrain.anchor=nan is wrong: Input should be a finite"),
        ("pretrain.masked=1", "pretrain.masked=1 is wrong: Input should be less than 1"),
        ("pretrain.learning_rate=0", "pretrain.learning_rate=0 is wrong: Input should be greater than 0"),
        ("ranker.learnt=7", "ranker.learnt=7 is wrong: Input should be less than or equal to 1"),
        ("ranker.epochs=0", "ranker.epochs=0 is wrong: Input should be greater than or equal to 1"),
        ("retrieval.temperature=0", "retrieval.temperature=0 is wrong: Input should be greater than 0"),
        ("candidates.seed=-1", "candidates.seed=-1 is wrong: Input should be greater than or equal to 0"),
        ("labels.test_days=0", "labels.test_days=0 is wrong: Input should be greater than or equal to 1"),
        ("bundle.depth=0", "bundle.depth=0 is wrong: Input should be greater than or equal to 1"),
        ("infra.max_latency_ms=0", "infra.max_latency_ms=0 is wrong: Input should be greater than 0"),
    ],
)
def test_a_wrong_assignment_is_one_clear_line(assignment: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(None, [assignment])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_that_blesses_any_model_is_refused() -> None:
    with pytest.raises(InputError, match="any model would be blessed"):
        load_config(None, ["bless.popularity_ratio=0", "bless.baseline_ratio=0"])
    assert load_config(None, ["bless.popularity_ratio=0"]).bless.baseline_ratio > 0


def test_the_cleaner_is_told_per_column_how_to_fill_what_is_missing() -> None:
    given = 'cleaner.missing={"users.age": "median:country", "items.brand": "constant:unknown"}'
    cleaner = load_config(None, [given]).cleaner
    assert cleaner.missing == {"users.age": "median:country", "items.brand": "constant:unknown"}


def test_the_settings_in_the_documents_are_settings(tmp_path: pathlib.Path) -> None:
    root = pathlib.Path(__file__).resolve().parents[2]
    blocks = [
        block
        for path in sorted((root / "docs").glob("*.md"))
        for block in re.findall(r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        if "[[experiment]]" not in block and "[[slice]]" not in block  # Those are of another file.
    ]
    assert blocks
    for nth, block in enumerate(blocks):
        file = tmp_path / f"{nth}.toml"
        file.write_text(block, encoding="utf-8")
        assert load_config(str(file), []) != Config()


def test_a_file_that_is_absent_or_not_toml_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"no\.toml can't be read: No such file or directory$"):
        load_config(str(tmp_path / "no.toml"), [])
    (tmp_path / "latin.toml").write_bytes(b"# \xfc")
    with pytest.raises(InputError, match=r"latin\.toml is not UTF-8: invalid start byte at byte 2$"):
        load_config(str(tmp_path / "latin.toml"), [])
    (tmp_path / "bad.toml").write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.toml is not TOML"):
        load_config(str(tmp_path / "bad.toml"), [])
