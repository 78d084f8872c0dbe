"""Why a search shows an item, in words."""

from __future__ import annotations

from aisle.gateway.questions import Why
from aisle.schema.contract import WORD_PARTS
from aisle.serving import WordMatch

SOURCES = {"dense": "by its meaning", "lexical": "by its words"}
PARTS: tuple[tuple[str, str], ...] = (
    ("whole", "its title as a whole means what you searched for"),
    ("lexical", "it has the words of your search"),
    ("source.lexical", "it has the words of your search"),
    ("source.dense", "its meaning is near that of your search"),
    ("dense", "its meaning is near that of your search"),
    ("two_tower", "its meaning is near that of your search"),
    ("feedback", "it is like the best answers to your search"),
    ("ends", "its title names the thing itself, not what is for it"),
    ("searched", "others who searched for this took it"),
    ("popularity", "it sells well"),
    ("item_users", "it sells well"),
    ("item_trend", "it sells better than it did"),
    ("item_repeat", "people buy it again"),
    ("repeat", "you took it before"),
    ("count", "you took it before"),
    ("overdue", "it is time for it again"),
    ("ease", "it goes with what you took"),
    ("transitions", "it often follows what you took"),
    ("users_cosine", "people like you took it"),
    ("baskets", "it is bought together with what you took"),
    ("latest_basket", "it is bought together with what you took last"),
    ("tags", "it has much in common with what you took"),
    ("price_level", "its price is like those you pay"),
)
"""What a part of a score says where it adds to it, by how its name begins behind `feature.`; see docs/explaining.md."""
SAID = 4
"""Parts that are told: the strongest."""
_LEAST = 0.05
"""Of all that speaks for the item; what adds less is not worth a sentence."""


def reasons(why: Why) -> list[str]:
    """Why a search shows an item, the plainest reason first; none of an item that the model doesn't know."""
    if why.score is None:
        return []
    said = [told for told in map(_of_word, why.words) if told]
    said += _of_parts(why)
    found = [f"{SOURCES[one.source]} in place {one.rank}" for one in why.found_by if one.source in SOURCES]
    if found:
        said.append(f"it was found {' and '.join(found)}, before all of this was weighed")
    return [f"{one[:1].upper()}{one[1:]}." for one in said]


def _of_word(word: WordMatch) -> str:
    """What a word of the query says; "" where it met next to nothing: a letter, a sign."""
    asked, met = _bare(word.word), _bare(word.matched)
    if asked == met:
        return f"it says “{asked}”" if asked else ""
    if word.contribution <= 0 or min(len(asked), len(met)) < 3:
        return ""
    return f"the model reads its “{met}” as near to your “{asked}”"


def _bare(word: str) -> str:
    """A word without the signs around it, in lower case."""
    signs = "".join(char for char in word if not char.isalnum())
    return word.strip(signs).casefold()


def _of_parts(why: Why) -> list[str]:
    adds = {part.name: part.contribution for part in why.parts if part.contribution > 0}
    least = _LEAST * sum(adds.values())
    strongest = sorted((name for name in adds if adds[name] >= least), key=lambda name: -adds[name])
    told = [_of_part(name) for name in strongest if name not in WORD_PARTS]
    return list(dict.fromkeys(one for one in told if one))[:SAID]


def _of_part(name: str) -> str:
    name = name.removeprefix("feature.")
    return next((said for begins, said in PARTS if name.startswith(begins)), "")
