"""How queries in scripts without letters' case go wrong: other forms of the same characters, and slips of an input method."""

from __future__ import annotations

import numpy as np

TO_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
"""ASCII to the forms that are as wide as a Han character, as input methods write them."""
TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
TO_TRADITIONAL = str.maketrans(
    "机壳护钢蓝无线头电饭锅气马壶灯笼烛联对红围双链坠镯绿龙坚饼挂酱发润笔记画积图窝猫粮帐项袜运动长连变频东荞丝纯绵银黄铜实绒针织华为复现约简园云风鸣听间远阳归荣亚编烫纺传统农浓续滚鸡鱼鸭剑树纤兰组",
    "機殼護鋼藍無線頭電飯鍋氣馬壺燈籠燭聯對紅圍雙鏈墜鐲綠龍堅餅掛醬髮潤筆記畫積圖窩貓糧帳項襪運動長連變頻東蕎絲純綿銀黃銅實絨針織華為復現約簡園雲風鳴聽間遠陽歸榮亞編燙紡傳統農濃續滾雞魚鴨劍樹纖蘭組",
)
"""Simplified characters of the Chinese shop to the traditional ones that stand for the same words."""


def chinese_typo(before: str, name: str, rng: np.random.Generator) -> str:
    """Returns both in traditional characters or full width, or with a space or two exchanged characters in `name`."""
    text = before + name
    slips = [before + slip for slip in _slips(name, " ")]
    return _one_of(text, [text.translate(TO_TRADITIONAL), text.translate(TO_FULL_WIDTH), *slips], rng)


def japanese_typo(before: str, name: str, rng: np.random.Generator) -> str:
    """Returns both without the long vowels of `name`, with it in hiragana, in full width, or with a slip in `name`."""
    text = before + name
    forms = [name.replace("ー", ""), name.translate(TO_HIRAGANA), *_slips(name, "\u3000")]
    return _one_of(text, [text.translate(TO_FULL_WIDTH), *(before + form for form in forms)], rng)


def _slips(name: str, space: str) -> list[str]:
    """Returns `name` with a space before its last character and, where three are left, its last two exchanged."""
    spaced = f"{name[:-1]}{space}{name[-1]}"
    return [spaced, f"{name[:-2]}{name[-1]}{name[-2]}"] if len(name) > 2 else [spaced]


def _one_of(text: str, forms: list[str], rng: np.random.Generator) -> str:
    """Returns one of the forms that differ from `text`."""
    different = [form for form in forms if form != text]
    return different[int(rng.integers(len(different)))]
