"""How the reports write texts, shares and numbers."""

from __future__ import annotations

import math

import pytest

from aisle.components.reports.charts import compact, label
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import number, share, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[a](b) *c* `d` | e", r"\[a\]\(b\) \*c\* \`d\` \| e"),
        ("http://evil www.evil.org", r"http\://evil www\.evil.org"),
        ("two\nlines", "two lines"),
        ("@everyone", "@\u200beveryone"),
    ],
)
def test_text_in_a_summary_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0 %"), (0.0001, "< 0.1 %"), (0.125, "12.5 %"), (0.2, "20 %"), (0.9999, "100 %"), (None, "–")],
)
def test_shares_are_shown_as_per_cent(value: float | None, shown: str) -> None:
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(1234567, "1,234,567"), (0.25, "0.2500"), (math.nan, "–"), (3.0, "3")]
)
def test_numbers_are_shown_with_thousands_apart(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.05, "0.05"), (8227, "8,227"), (16453, "16.5k"), (2.5e6, "2.5M")]
)
def test_numbers_on_a_chart_are_short(value: float, shown: str) -> None:
    assert compact(value) == shown


def test_emoji_and_scripts_stay_while_controls_show() -> None:
    assert visible("👩\u200d🚀 حقيبة\x07") == "👩\u200d🚀 حقيبة\ufffd"
    assert label(" a \n b ") == "a b"
    assert label("x" * 50, 10) == "x" * 9 + "…"
