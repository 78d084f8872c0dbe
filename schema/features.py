"""The features of the examples the models learn from: one frozen record each.

Two kinds of example leave the pipeline's data path. *Tower examples* (Labeler, Transform,
two-tower Trainer) are either a catalogue item or a query (a user at a moment, what they did
before, what they then took). *Ranking examples* (Candidates, ranking Trainer, Evaluator,
`serving_default`) are a query with one candidate.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

HISTORY_LENGTH = 200
"""How many of a user's latest interactions a history holds."""


class Dtype(enum.Enum):
    """The value type of a feature, named as tf.Example names its lists."""

    BYTES = "bytes"
    FLOAT = "float"
    INT = "int"


@dataclasses.dataclass(frozen=True)
class Feature:
    """A feature of an example.

    Attributes:
        name: its key in the tf.Example.
        dtype: its value type.
        many: whether it holds any number of values (else none or one).
    """

    name: str
    dtype: Dtype = Dtype.BYTES
    many: bool = False


ITEM_ID = Feature("item_id")
CATEGORY = Feature("category", many=True)
"""Every level of the category path: `Home`, `Home/Kitchen`."""
BRAND = Feature("brand")
PRICE = Feature("price", Dtype.FLOAT)
ITEM_FEATURES = (ITEM_ID, CATEGORY, BRAND, PRICE)

USER_ID = Feature("user_id")
COUNTRY = Feature("country")
QUERY = Feature("query")
QUERY_AGE = Feature("query_age", Dtype.FLOAT)
"""Days between the query and the start of the test: the models may know all that happened until then."""
HISTORY = Feature("history", many=True)
"""Item ids the user took before, oldest first."""
HISTORY_AGE = Feature("history_age", Dtype.FLOAT, many=True)
"""Days between each item of the history and the query."""
HISTORY_WEIGHT = Feature("history_weight", Dtype.FLOAT, many=True)
"""How strong each was: a purchase counts 1, a cart or a click less."""
QUERY_FEATURES = (USER_ID, COUNTRY, QUERY, QUERY_AGE, HISTORY, HISTORY_AGE, HISTORY_WEIGHT)

TARGETS = Feature("targets", many=True)
"""Item ids the user took at this moment: what the query tower must find."""
TITLE = Feature("title")
DESCRIPTION = Feature("description")
"""The item's texts; the Trainer embeds them with BERT."""

TOWER_FEATURES = (*ITEM_FEATURES, TITLE, DESCRIPTION, *QUERY_FEATURES, TARGETS)

RANK_QUERY = Feature("query")
RANK_HISTORY = Feature("history_titles")
"""Titles of the latest history, newest first; the text beside the candidate where no query is."""
RANK_TITLE = Feature("title")
CLICK = Feature("click", Dtype.FLOAT)
"""Clicked or judged relevant, 0 to 1; -1 where no such label exists."""
CONVERSION = Feature("conversion", Dtype.FLOAT)
"""Bought, 0 or 1; -1 where no such label exists."""
LABEL = Feature("label", Dtype.FLOAT)
"""The outcome the served score predicts, 0 or 1: the conversion where known, else the click."""
CLICKED = Feature("clicked", Dtype.FLOAT)
"""Whether a search's result was clicked when it was shown, 0 or 1, whatever a judge said of it; -1: not shown."""
WEIGHT = Feature("weight", Dtype.FLOAT)
"""How much the click and the conversion of a search's result count, the inverse propensity of its position;
1 where there is none."""


def metadata_schema(features: tuple[Feature, ...]) -> schema_pb2.Schema:
    """Returns the TensorFlow Metadata schema of examples of `features`, every one optional."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    types = {
        Dtype.BYTES: schema_pb2.FeatureType.BYTES,
        Dtype.FLOAT: schema_pb2.FeatureType.FLOAT,
        Dtype.INT: schema_pb2.FeatureType.INT,
    }
    schema = schema_pb2.Schema()
    for feature in features:
        entry = schema.feature.add(name=feature.name, type=types[feature.dtype])
        entry.presence.min_fraction = 0.0
        entry.value_count.min = 0
        if not feature.many:
            entry.value_count.max = 1
    return schema
