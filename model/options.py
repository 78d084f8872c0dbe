"""What the models may be told; free of TensorFlow, so that reading a configuration is quick."""

from __future__ import annotations

import dataclasses


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
        users: at most so many users (and as many searches) are asked.
        test_users: at most so many of the test window.
        depth: candidates retrieved for each.
        negatives: candidates not taken that are kept for each, drawn at random from the retrieved.
        positives: candidates taken that are kept for each, at most.
        seed: of the draws.
    """

    users: int = 800
    test_users: int = 200
    depth: int = 60
    negatives: int = 12
    positives: int = 8
    seed: int = 1


@dataclasses.dataclass(frozen=True)
class RankingOptions:
    """Hyperparameters of the ranking head.

    Attributes:
        layers: of the pretrained BERT to keep; 0 keeps all.
        batch: candidates a step.
        epochs: passes over the training candidates at most.
        learning_rate: of Adam at its peak.
        query_pieces, title_pieces: word pieces read of the query (or history) and of the candidate.
        patience: epochs without a lower validation loss before training ends.
        seed: of every random choice.
    """

    layers: int = 3
    batch: int = 64
    epochs: int = 2
    learning_rate: float = 3e-5
    query_pieces: int = 20
    title_pieces: int = 24
    patience: int = 1
    seed: int = 1


@dataclasses.dataclass(frozen=True)
class BundleOptions:
    """Options of the served model.

    Attributes:
        depth: how many candidates the ranking head reads; what follows keeps the retrieval order.
    """

    depth: int = 50
