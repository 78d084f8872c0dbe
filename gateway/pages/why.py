"""Why a search shows an item, in words."""

from __future__ import annotations

from aisle.gateway.pages.languages.language import Language, marked
from aisle.gateway.questions import Why
from aisle.schema.contract import WORD_PARTS
from aisle.serving import WordMatch

FOUND = {
    ("dense",): marked("It was found by its meaning in place %(dense)s, before all of this was weighed."),
    ("lexical",): marked("It was found by its words in place %(lexical)s, before all of this was weighed."),
    ("dense", "lexical"): marked(
        "It was found by its meaning in place %(dense)s and by its words in place %(lexical)s, "
        "before all of this was weighed."
    ),
}
"""What is said of the sources that found it, by their names."""
SAYS = marked("It says “%(word)s”.")
READS = marked("The model reads its “%(met)s” as near to your “%(asked)s”.")
PARTS: tuple[tuple[str, str], ...] = (
    ("whole", marked("Its title as a whole means what you searched for.")),
    ("lexical", marked("It has the words of your search.")),
    ("source.lexical", marked("It has the words of your search.")),
    ("source.dense", marked("Its meaning is near that of your search.")),
    ("dense", marked("Its meaning is near that of your search.")),
    ("two_tower", marked("Its meaning is near that of your search.")),
    ("feedback", marked("It is like the best answers to your search.")),
    ("ends", marked("Its title names the thing itself, not what is for it.")),
    ("searched", marked("Others who searched for this took it.")),
    ("popularity", marked("It sells well.")),
    ("item_users", marked("It sells well.")),
    ("item_trend", marked("It sells better than it did.")),
    ("item_repeat", marked("People buy it again.")),
    ("just_", marked("You looked at it or took it a moment ago.")),
    ("repeat", marked("You took it before.")),
    ("count", marked("You took it before.")),
    ("overdue", marked("It is time for it again.")),
    ("ease", marked("It goes with what you took.")),
    ("transitions", marked("It often follows what you took.")),
    ("spectrum_by_text", marked("It is like what people like you took.")),
    ("spectrum", marked("People like you took it.")),
    ("baskets", marked("It is bought together with what you took.")),
    ("latest_basket", marked("It is bought together with what you took last.")),
    ("tags", marked("It has much in common with what you took.")),
    ("price_level", marked("Its price is like those you pay.")),
)
"""What a part of a score says where it adds to it, by how its name begins behind `feature.`; see docs/explaining.md."""
SAID = 4
"""Parts that are told: the strongest."""
_LEAST = 0.05
"""Of all that speaks for the item; what adds less is not worth a sentence."""


def reasons(why: Why, language: Language) -> list[str]:
    """Why a search shows an item, the plainest reason first; none of an item that the model doesn't know."""
    if why.score is None:
        return []
    said = [told for word in why.words if (told := _of_word(word, language))]
    said += [language.say(one) for one in _of_parts(why)]
    places = {one.source: language.number(one.rank) for one in why.found_by}
    sources = tuple(name for name in ("dense", "lexical") if name in places)
    return said + ([language.say(FOUND[sources], **places)] if sources else [])


def _of_word(word: WordMatch, language: Language) -> str:
    """What a word of the query says; "" where it met next to nothing: a letter, a sign."""
    asked, met = _bare(word.word), _bare(word.matched)
    if asked == met:
        return language.say(SAYS, word=asked) if asked else ""
    if word.contribution <= 0 or min(len(asked), len(met)) < 3:
        return ""
    return language.say(READS, met=met, asked=asked)


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
