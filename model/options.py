"""What the models may be told; free of TensorFlow, so that reading a configuration is quick."""

from __future__ import annotations

import dataclasses
from typing import Literal

from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class PretrainOptions:
    """How BERT is trained further on the shop's own texts, before all else.

    Attributes:
        steps: of the training; 0 leaves BERT as it is.
        batch: texts a step.
        learning_rate: of AdamW at its peak.
        pieces: word pieces read of a text.
        masked: share of the words that are hidden and guessed.
        anchor: how strongly the weights are pulled back to what they were (L2-SP).
        checkpoint_steps: steps between checkpoints, from which a run that was killed goes on.
        seed: of every random choice.
    """

    steps: int = 0
    batch: int = 32
    learning_rate: float = 3e-5
    pieces: int = 64
    masked: float = 0.15
    anchor: float = 0.1
    checkpoint_steps: int = 50
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises InputError: a value is out of its range."""
        least = {"steps": 0, "batch": 1, "pieces": 1, "checkpoint_steps": 1, "anchor": 0.0}
        for name, bound in least.items():
            if not bound <= getattr(self, name) < float("inf"):
                raise InputError(
                    f"pretrain.{name}={getattr(self, name)} is wrong: at least {bound} is expected"
                )
        if not 0.0 < self.masked < 1.0:
            raise InputError(f"pretrain.masked={self.masked} is wrong: a share between 0 and 1 is expected")
        if not 0.0 < self.learning_rate < 1.0:
            raise InputError(
                f"pretrain.learning_rate={self.learning_rate} is wrong: a number between 0 and 1 is expected"
            )


@dataclasses.dataclass(frozen=True)
class TwoTowerOptions:
    """Hyperparameters of the two-tower.

    Attributes:
        width: of the shared space.
        batch: queries a step; each brings one positive and the others' as negatives.
        steps: at most so many steps.
        steps_per_epoch: steps between validations; 0 chooses a tenth of `steps`.
        patience: validations without a better recall before training ends.
        learning_rate: of Adam.
        temperature: of the softmax over the batch.
        unknown: share of training items shown without their id, so that content alone serves new items.
        seed: of every random choice.
    """

    width: int = 64
    batch: int = 1024
    steps: int = 2000
    steps_per_epoch: int = 0
    patience: int = 3
    learning_rate: float = 0.002
    temperature: float = 0.1
    unknown: float = 0.1
    seed: int = 1


@dataclasses.dataclass(frozen=True)
class CandidateOptions:
    """How the ranking head's examples are drawn.

    Attributes:
        windows: the head learns from the validation window and from so many less one before it.
        users: at most so many users (and as many searches) are asked a window.
        test_users: at most so many of the test window.
        depth: candidates retrieved for each; the served model ranks as many.
        negatives: candidates not taken that are kept for each, drawn at random from the retrieved.
        seed: of the draws.
    """

    windows: int = 7
    users: int = 2000
    test_users: int = 200
    depth: int = 250
    negatives: int = 100
    seed: int = 1


READER_LAYERS = {"tiny": 2, "small": 3}
"""Layers of the BERT that reads in the end, by `ranker.size`; `base` keeps all."""


@dataclasses.dataclass(frozen=True)
class RankingOptions:
    """Hyperparameters of the ranking head.

    Attributes:
        bins: pieces that the range of each number is cut into, at its quantiles.
        width: of the first hidden layer of the part that reads numbers; the second has half of it.
        members: heads that read numbers, of which the mean is taken.
        feature_epochs: passes of each over the training candidates.
        text: whether recommendations read the titles of the history and of the candidate: `auto` where
            that lowers the validation loss by `text_gain` or more, `always`, `never`. Searches always
            read the query.
        text_gain: as a share of the loss by numbers alone.
        text_rows: the BERT learns from at most so many candidates of recommendations, drawn at random.
        layers: of the pretrained BERT to keep; 0 keeps all.
        size: of what reads in the end: `base` is the BERT as trained; `small` and `tiny` have 3 and 2 layers, which
            learn to say what it does.
        distil_steps: of that learning.
        frozen: how many of the lowest of these, and the embeddings of word pieces, stay as they are.
        word_width: of the vector kept of each word piece.
        lists: queries (or histories) a step.
        list_size: candidates of each.
        epochs: passes over the training candidates at most.
        learning_rate: of Adam at its peak.
        anchor: how strongly the BERT is drawn back to its pretrained weights (L2-SP).
        adversarial: length of the worst push that the embeddings get in a second reading; 0 reads once.
        learnt: how far the head that reads goes, of the way from where it began to where training ended, where
            people's judgements are all that is known of searches: 1 is all the way.
        adapter_rank: of the low-rank updates that are trained instead of the BERT's weights; 0 trains these.
        query_pieces, title_pieces: word pieces read of the query (or history) and of the candidate.
        patience: epochs without a lower validation loss before training ends.
        propensity: whether a click on a search's result counts by the inverse of how likely a look at its
            position is, as `labels.position_bias` estimated it.
        seed: of every random choice.
    """

    bins: int = 16
    width: int = 128
    members: int = 3
    feature_epochs: int = 3
    text: Literal["auto", "always", "never"] = "auto"
    text_gain: float = 0.02
    text_rows: int = 16_000
    layers: int = 0
    size: Literal["tiny", "small", "base"] = "base"
    distil_steps: int = 600
    frozen: int = 3
    word_width: int = 128
    lists: int = 6
    list_size: int = 16
    epochs: int = 2
    learning_rate: float = 3e-5
    anchor: float = 0.0
    adversarial: float = 0.0
    learnt: float = 0.5
    adapter_rank: int = 0
    query_pieces: int = 20
    title_pieces: int = 24
    patience: int = 1
    propensity: bool = False
    seed: int = 1


@dataclasses.dataclass(frozen=True)
class BundleOptions:
    """Options of the served model.

    Attributes:
        depth: how many candidates are ranked; what follows keeps the retrieval order.
        exact_items: a catalogue of at most so many items is compared whole with every query; a larger
            one gets an approximate index, whose recall `bless.index_recall` is held against.
    """

    depth: int = 250
    exact_items: int = 100_000
