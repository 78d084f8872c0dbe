"""Makes the ranking head before its text is trained, and what learns in its place."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.numbers import Ensemble, FeatureHead
from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.ranking.reading.text_head import RankingHead
from aisle.model.ranking.rows import judged_rows
from aisle.model.text.bert import Tokenizer, load_bert
from aisle.model.training import workers
from aisle.model.training.precision import layers_in
from aisle.schema import features as f
from aisle.schema.errors import InputError

_PROJECTED = 2000
"""Of so many titles the projection of word pieces is fitted."""


def make_head(
    train: dict[str, tf.Tensor], features: Ensemble, options: RankingOptions, bert: str, mixed: bool = False
) -> RankingHead:
    """The head before its text is trained, the projection fitted to the training candidates' titles.

    Args:
        train: ranking examples as tensors.
        features: trained.
        options: of the head.
        bert: the folder of the pretrained BERT.
        mixed: whether it multiplies in bfloat16.
    """
    with layers_in(mixed):
        pretrained = load_bert(bert, options.layers or None, options.dropout)
    reader = LateInteraction(
        pretrained, Tokenizer(bert), options.word_width, options.frozen, options.adapter_rank
    )
    titles = tf.unique(train[f.TITLE.name])[0]
    reader.fit_projection(titles[:_PROJECTED])
    clicked = (train[f.QUERY.name].numpy() != b"") & ~judged_rows(train)
    return RankingHead(
        reader,
        features,
        bool(clicked.any()),
        anchor=options.anchor,
        adversarial=options.adversarial,
    )


def make_learner(
    head: RankingHead, train: dict[str, tf.Tensor], options: RankingOptions, bert: str
) -> RankingHead:
    """What learns in a head's place: the head itself, but where several workers train or in mixed precision.

    Args:
        head: as made.
        train: what it was made of.
        options: of the head.
        bert: the folder of the pretrained BERT.

    Raises:
        InputError: several workers can't train with these options.
    """
    replicas = workers.strategy().num_replicas_in_sync
    if replicas > 1 and (options.anchor or options.lists < replicas):
        raise InputError(
            f"ranker.anchor={options.anchor:g} and ranker.lists={options.lists} with {replicas} replicas that train; "
            f"expected ranker.anchor=0 and ranker.lists={replicas} or more, or no TF_CONFIG"
        )
    if workers.are_one() and not options.mixed_precision:
        return head
    with workers.strategy().scope():
        parts = [FeatureHead(part.edges, part.width, options.dropout) for part in head.numbers.heads]
        for part in parts:
            part(tf.zeros([1, len(part.edges)]))
        learner = make_head(train, Ensemble(parts), options, bert, options.mixed_precision)
    learner.set_weights(head.get_weights())
    return learner
