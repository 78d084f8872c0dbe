"""What the RecommendationEvaluator may be told."""

from __future__ import annotations

from aisle.schema.options import Amount, AtLeastOne, AtLeastZero, Options, Seed


class EvaluatorOptions(Options):
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

    k: AtLeastOne = 20
    search_k: AtLeastOne = 10
    irrelevant_grade: Amount = 0.0
    max_users: AtLeastZero = 0
    batch: AtLeastOne = 16
    seed: Seed = 17
    resamples: AtLeastOne = 1000
    slice_users: AtLeastOne = 30
