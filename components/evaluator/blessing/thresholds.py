"""What a model must reach to be blessed."""

from __future__ import annotations

import pydantic

from aisle.schema.options import Amount, Options, Share

_OF_VALUE = ("min_ndcg", "popularity_ratio", "baseline_ratio")


class BlessOptions(Options):
    """Thresholds of the blessing; a model must reach all that are on.

    The figure that is judged is the whole pipeline's nDCG of all test items or, where nobody is there
    to be tested, that of the judged searches, or else the recall of searches.

    Attributes:
        min_auc: the ranking head's AUC on candidates of the test window; 0 is off.
        min_ndcg: the least nDCG; 0 is off.
        popularity_ratio: the multiple of the popularity baseline's figure (BM25's for searches) that must
            be reached; 0 is off.
        baseline_ratio: the same of the best of all baselines: popularity, own history and item-kNN.
            Less than 1, for own history alone is hard to beat by nDCG in a shop of regulars, although it
            never shows anybody anything new; 0 is off.
        max_certain_loss: the share of the best baseline's figure that the model may lose to it with
            certainty: it is refused where the whole paired 95 % interval of the difference, over the same
            users or queries, lies below minus that share. Fewer than `evaluator.slice_users` of them make
            nothing certain; 1 is off.
        max_drop: by what share the figure may lie below that of the last blessed model on the same
            test; 1 is off.
        index_recall: the share of the nearest items that an approximate index must find; 0 is off.
    """

    min_auc: Share = 0.5
    min_ndcg: Share = 0.0
    popularity_ratio: Amount = 1.0
    baseline_ratio: Amount = 0.9
    max_certain_loss: Share = 0.0
    max_drop: Share = 0.05
    index_recall: Share = 0.95

    @pydantic.model_validator(mode="after")
    def _one_of_value_is_on(self) -> BlessOptions:
        # A change threshold isn't enough: the first model has nothing to be compared with.
        if not any(getattr(self, name) for name in _OF_VALUE):
            raise ValueError(
                f"{', '.join(_OF_VALUE)} are all 0: any model would be blessed; set one of them above 0"
            )
        return self
