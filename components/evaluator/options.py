"""What the RecommendationEvaluator may be told."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from aisle.schema.errors import InputError

_LEAST = {"k": 1, "search_k": 1, "max_users": 0, "batch": 1, "seed": 0, "resamples": 1, "slice_users": 1}


@dataclasses.dataclass(frozen=True)
class EvaluatorOptions:
    """Options of the RecommendationEvaluator.

    Attributes:
        k: answers a user is given, and the depth of recall and nDCG.
        search_k: depth of nDCG for judged queries.
        irrelevant_grade: the grade of a judged item that has no worth; gain is 2^(grade - this) - 1.
        max_users: test at most so many users, drawn at random; 0 is all of them.
        batch: users or queries to a call of the model.
        seed: of the draws.
        resamples: of the bootstrap.
        slice_users: a part of the test with fewer users has no figures: they would be noise.
    """

    k: int = 20
    search_k: int = 10
    irrelevant_grade: float = 0.0
    max_users: int = 0
    batch: int = 16
    seed: int = 17
    resamples: int = 1000
    slice_users: int = 30

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(
                    f"evaluator option {name}: a whole number of at least {least} is expected, got {value!r}"
                )
        grade = self.irrelevant_grade
        if isinstance(grade, bool) or not isinstance(grade, (int, float)) or not 0 <= grade < math.inf:
            raise InputError(
                f"evaluator option irrelevant_grade: a number of at least 0 is expected, got {grade!r}"
            )


def options_to_json(options: EvaluatorOptions) -> str:
    """Returns the options as JSON, the form of the component's exec property."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def options_from_json(text: str) -> EvaluatorOptions:
    """Reads what `options_to_json` wrote.

    Raises:
        InputError: if the text isn't a JSON object, or names an option there is none of.
    """
    try:
        values: dict[str, Any] = dict(json.loads(text or "{}"))
    except (TypeError, ValueError) as error:
        raise InputError(f"the evaluator's options are not a JSON object: {error}") from error
    known = [field.name for field in dataclasses.fields(EvaluatorOptions)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"evaluator option {unknown[0]!r} does not exist; there are {', '.join(known)}")
    return EvaluatorOptions(**values)
