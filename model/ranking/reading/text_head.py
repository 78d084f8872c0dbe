"""The part of the ranking head that reads: a query, or a history's titles, beside a candidate's title."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.ranking.numbers import Ensemble
from aisle.model.ranking.reading.late_interaction import SIMILARITIES, LateInteraction, similarities
from aisle.model.ranking.reading.list_losses import contrast, list_losses
from aisle.model.retrieval.features import CANDIDATE_FEATURES

EVIDENCE = (*SIMILARITIES, "dense_near", "lexical_share")
"""What the relevance of a text is a weighted sum of: what BERT, as it is tuned, says of the words; what it said
before any tuning of the items most alike; and the lexical score as a share of the best item's."""

_UNTRAINED = (7.0, 3.0, 7.0, 10.0, 0.7)
"""Weights of EVIDENCE that rank well before anything was learnt."""
_FEEDBACK = 6.0
"""An item's cosine with a search's best answers, times this, is added to its logit."""
_NAMES = [feature.name for feature in CANDIDATE_FEATURES]


class RankingHead(tf.keras.Model):
    """Predicts click and conversion of a candidate.

    pCTCVR = pCTR x pCVR as in ESMM (Ma et al., SIGIR 2018). The numbers and the text each give logits that add up.
    The numbers' are trained before and stay; the text's start at zero beside them, so that it learns what they leave
    open. Where no search was clicked and people's judgements are all that is known of searches, a search is scored
    without the numbers, and its text's weights start at those that rank well untrained: what a hundred queries tell
    of a score's distribution misleads for others, while a few weights of EVIDENCE carry over.

    Example:
        >>> from aisle.model.ranking.numbers import FeatureHead
        >>> from aisle.model.text.bert import Tokenizer, load_bert
        >>> count, reader = len(CANDIDATE_FEATURES), LateInteraction(load_bert(bert), Tokenizer(bert), width=8)
        >>> head = RankingHead(reader, Ensemble([FeatureHead(np.zeros([count, 2]))]), clicked=False)
        >>> query = reader.tokenizer.pieces(tf.constant(["red mug"]), 8)
        >>> title = reader.tokenizer.pieces(tf.constant(["red mug", "mini lamp"]), 8)
        >>> click = head({"query": query, "title": title, "features": tf.ones([1, 2, count])})[0, :, 0]
        >>> bool(click[0] > click[1])
        True
    """

    def __init__(
        self,
        reader: LateInteraction,
        numbers: Ensemble,
        clicked: bool,
        learning_rate: float = 1e-2,
        anchor: float = 0.0,
        adversarial: float = 0.0,
    ) -> None:
        """Makes the head.

        Args:
            reader: its BERT is trained by the optimizer that `compile` is given.
            numbers: trained.
            clicked: whether the numbers learnt from searches that were clicked.
            learning_rate: of the weights of the evidence, which learn much faster than the BERT.
            anchor: how strongly the BERT is drawn to its pretrained weights, as a factor of the learning rate:
                L2-SP (Li et al., ICML 2018), apart from the gradient.
            adversarial: length of the push along the loss's gradient that the embeddings of each text get in a
                second reading: the fast gradient method (Miyato et al., ICLR 2017). 0 reads once.
        """
        super().__init__(name="ranking_head")
        self.reader = reader
        self.numbers = numbers
        self.numbers.trainable = False
        nothing = tf.zeros([len(EVIDENCE), 2])
        ranks = tf.stack([tf.constant(_UNTRAINED), tf.zeros(len(EVIDENCE))], 1)
        # Of recommendations and of searches.
        self.weight = tf.Variable(tf.stack([nothing, nothing if clicked else ranks]), name="evidence_weight")
        self.bias = tf.Variable(tf.zeros([2, 2]), name="evidence_bias")
        self.feedback = tf.Variable(0.0 if clicked else _FEEDBACK, trainable=False)
        self.clicked = clicked
        self._numbers_count = tf.constant([1.0, 1.0 if clicked else 0.0])
        self._fast = tf.keras.optimizers.Adam(learning_rate)
        self._anchor, self._adversarial = anchor, adversarial
        self._pretrained = [tf.constant(variable) for variable in reader.tuned] if anchor else []

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores lists of candidates, b of m each.

        Args:
            inputs: word pieces of `query` [b, (q)] and of `title` [b * m, (p)], `features` float32 [b, m, F].
            training: whether dropout is on.

        Returns:
            The logits of click and of conversion given the click, float32 [b, m, 2].
        """
        read = self._read(inputs, training, (None, None))
        return self.logits(*read, inputs["features"], training)

    def _read(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool,
        offsets: tuple[tf.Tensor | None, tf.Tensor | None],
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """The vectors and counts of the queries, and those of the titles, list by list; see `similarities`."""
        query, query_count = self.reader(inputs["query"], training=training, offset=offsets[0])
        title, title_count = self.reader(inputs["title"], training=training, offset=offsets[1])
        shape = tf.shape(inputs["features"])[:2]
        title = tf.reshape(title, tf.concat([shape, tf.shape(title)[1:]], 0))
        title = tf.ensure_shape(title, [None, None, None, self.reader.width])
        return query, query_count, title, tf.reshape(title_count, shape)

    def logits(
        self,
        query: tf.Tensor,
        query_count: tf.Tensor,
        title: tf.Tensor,
        title_count: tf.Tensor,
        features: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """As `call`, of texts already read: see `similarities`; `features` float32 [b, m, F]."""
        searched = tf.cast(features[:, 0, _NAMES.index("searched")], tf.int32)
        evidence = evidence_of(similarities(query, query_count, title, title_count), features)
        text = tf.matmul(evidence, tf.gather(self.weight, searched)) + tf.gather(self.bias, searched)[:, None]
        flat = self.numbers(tf.reshape(features, [-1, len(_NAMES)]), training=training)
        numbers = tf.reshape(flat, tf.shape(text)) * tf.gather(self._numbers_count, searched)[:, None, None]
        return text + numbers

    def leave_out(self, names: tuple[str, ...]) -> None:
        """Takes parts of EVIDENCE out of a trained score, to measure what they add."""
        kept = tf.constant([0.0 if name in names else 1.0 for name in EVIDENCE])
        self.weight.assign(self.weight * kept[:, None])

    def train_step(self, data: tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """One step of both optimizers."""
        inputs, labels = data
        offsets = (None, None)
        if self._adversarial:
            offsets = tuple(self.reader.no_offset(inputs[name]) for name in ("query", "title"))
        loss, gradients, pushes = self._gradients(inputs, labels, offsets)
        if self._adversarial:
            worst = tuple(self._adversarial * tf.math.l2_normalize(push, [1, 2]) for push in pushes)
            _, more, _ = self._gradients(inputs, labels, worst)
            gradients = [
                tf.add_n([tf.convert_to_tensor(g) for g in pair])
                for pair in zip(gradients, more, strict=True)
            ]
        slow = self.reader.tuned
        self.optimizer.apply_gradients(zip(gradients[:-2], slow, strict=True))
        self._fast.apply_gradients(zip(gradients[-2:], [self.weight, self.bias], strict=True))
        for variable, start in zip(slow, self._pretrained, strict=False):
            variable.assign_sub(self.optimizer.learning_rate * self._anchor * (variable - start))
        return {"loss": loss}

    def _gradients(
        self,
        inputs: dict[str, tf.Tensor],
        labels: dict[str, tf.Tensor],
        offsets: tuple[tf.Tensor | None, tf.Tensor | None],
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """The loss, its gradients by what is trained, and by the offsets."""
        given = [offset for offset in offsets if offset is not None]
        with tf.GradientTape() as tape:
            tape.watch(given)
            loss = self._loss(inputs, labels, offsets, training=True)
        trained = [*self.reader.tuned, self.weight, self.bias]
        gradients = tape.gradient(loss, [*trained, *given])
        return loss, gradients[: len(trained)], gradients[len(trained) :]

    def _loss(
        self,
        inputs: dict[str, tf.Tensor],
        labels: dict[str, tf.Tensor],
        offsets: tuple[tf.Tensor | None, tf.Tensor | None],
        training: bool,
    ) -> tf.Tensor:
        """What a batch costs: a judged list is told apart by text alone, from the others' titles too."""
        query, query_count, title, title_count = self._read(inputs, training, offsets)
        logits = self.logits(query, query_count, title, title_count, inputs["features"], training)
        count = tf.shape(query)[0]
        every = tf.reshape(title, tf.concat([[1, -1], tf.shape(title)[2:]], 0))
        counts = tf.repeat(tf.reshape(title_count, [1, -1]), count, 0)
        similar = similarities(query, query_count, tf.repeat(every, count, 0), counts)
        by_text = tf.linalg.matvec(similar, self.weight[1, : len(SIMILARITIES), 0])
        each = tf.where(labels["judged"], contrast(labels, by_text), list_losses(labels, logits))
        # Keras adds up the gradients of all replicas, and what they report.
        return tf.reduce_mean(each) / self.distribute_strategy.num_replicas_in_sync

    def test_step(self, data: tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """The loss of a batch."""
        inputs, labels = data
        return {"loss": self._loss(inputs, labels, (None, None), training=False)}


def evidence_of(similar: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
    """Puts what the text says together with the numbers of EVIDENCE: [b, m, 3] and [b, m, F] to [b, m, E]."""
    numbers = [features[:, :, _NAMES.index(name)] for name in EVIDENCE[len(SIMILARITIES) :]]
    return tf.concat([similar, tf.stack(numbers, -1)], -1)
