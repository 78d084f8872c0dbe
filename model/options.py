"""What the models may be told; free of TensorFlow, so that reading a configuration is quick."""

from __future__ import annotations

from typing import Literal

from aisle.schema.options import (
    Amount,
    AtLeastOne,
    AtLeastZero,
    Even,
    Options,
    Positive,
    Rate,
    Seed,
    Share,
    ShareBelowOne,
)


class PretrainOptions(Options):
    """How BERT is trained further on the shop's own texts, before all else.

    Example:
        >>> options = PretrainOptions.from_json('{"steps": 200}')
        >>> options.steps, options.batch
        (200, 32)

    Attributes:
        steps: of the training; 0 leaves BERT as it is.
        batch: texts a step.
        learning_rate: of Adam at its peak.
        pieces: word pieces read of a text.
        masked: share of the words that are hidden and guessed.
        anchor: how strongly the weights are pulled back to what they were (L2-SP).
        checkpoint_steps: steps between checkpoints, from which a run that was killed goes on.
        seed: of every random choice.
    """

    steps: AtLeastZero = 0
    batch: AtLeastOne = 32
    learning_rate: Rate = 3e-5
    pieces: AtLeastOne = 64
    masked: Rate = 0.15
    anchor: Amount = 0.1
    checkpoint_steps: AtLeastOne = 50
    seed: Seed = 1


class TwoTowerOptions(Options):
    """Hyperparameters of the two-tower.

    Example:
        >>> wide = TwoTowerOptions().model_copy(update={"width": 256})
        >>> wide.width, wide.batch
        (256, 1024)

    Attributes:
        width: of the shared space.
        batch: queries a step, of all workers together; each brings one positive and the others' as negatives.
        steps: at most so many steps, rounded up to whole `steps_per_epoch`.
        steps_per_epoch: steps between validations; 0 chooses a tenth of `steps`.
        patience: validations without a better recall before training ends.
        learning_rate: of Adam.
        id_rate: by what share of it the items' own vectors move from where a decomposition of who took what puts them;
            0 leaves them there.
        temperature: of the softmax over the batch.
        unknown: share of training items shown without their id, so that content alone serves new items.
        order: whether histories are read in order, too, by a transformer: `auto` tries it where the order foretells what is
            taken next in the validation window, `always` everywhere; both keep it where it surely wins there; `never`.
        order_width: of its vectors, which stand beside the others'; even.
        order_steps: of its training at most.
        refit: whether what serves learns from the validation window too, once that has said for how many steps; what
            the ranking head learns from never does.
        mixed_precision: whether it multiplies in bfloat16 while it learns, which accelerators that have it do much quicker;
            what is exported is float32 either way.
        seed: of every random choice.
    """

    width: AtLeastOne = 128
    batch: AtLeastOne = 1024
    steps: AtLeastOne = 1000
    steps_per_epoch: AtLeastZero = 0
    patience: AtLeastOne = 3
    learning_rate: Rate = 0.002
    id_rate: Share = 0.0
    temperature: Positive = 0.15
    unknown: Share = 0.1
    order: Literal["auto", "always", "never"] = "auto"
    order_width: Even = 64
    order_steps: AtLeastOne = 6000
    refit: bool = True
    mixed_precision: bool = False
    seed: Seed = 1


class CandidateOptions(Options):
    """How the ranking head's examples are drawn.

    Example:
        >>> CandidateOptions.read({"windows": 0})
        Traceback (most recent call last):
        aisle.schema.errors.InputError: the setting windows=0 is wrong: Input should be greater than or equal to 1

    Attributes:
        windows: the head learns from the validation window and from so many less one before it.
        users: at most so many users are asked a window, and of the validation window as many searches.
        test_users: at most so many users, and as many searches, of the test window.
        depth: candidates retrieved for each; `bundle.depth` says how many the served model ranks.
        negatives: candidates not taken that are kept for each user or judged query, drawn at random from the
            retrieved; of a search that was shown to somebody what was shown is kept, and no other.
        recents: so many users are asked again in each window that trains, as a share of those asked at its start: at a moment
            within it, with what they did since it began as recent events. 0 asks nobody again.
        seed: of the draws.
    """

    windows: AtLeastOne = 7
    users: AtLeastOne = 2000
    test_users: AtLeastZero = 200
    depth: AtLeastOne = 250
    negatives: AtLeastZero = 100
    recents: Share = 1.0
    seed: Seed = 1


READER_LAYERS = {"tiny": 2, "small": 3}
"""Layers of the BERT that reads in the end, by `ranker.size`; `base` keeps all."""


class RankingOptions(Options):
    """Hyperparameters of the ranking head.

    Example:
        >>> options = RankingOptions(size="tiny")
        >>> READER_LAYERS[options.size]
        2

    Attributes:
        bins: pieces that the range of each number is cut into, at its quantiles.
        width: of the first hidden layer of the part that reads numbers; the second has half of it.
        members: heads that read numbers, of which the mean is taken.
        feature_epochs: each draws so many times as many training candidates as there are, with replacement.
        text: whether recommendations read the titles of the history and of the candidate: `auto` where
            that lowers the validation loss by `text_gain` or more, which is tried where an untrained reading
            lowers it by half of that; `always`, `never`. Searches always read the query.
        text_gain: as a share of the loss by numbers alone.
        text_rows: the BERT learns from at most so many candidates of recommendations, drawn at random; the
            calibration is fitted to at most so many of either kind.
        layers: of the pretrained BERT to keep; 0 keeps all.
        size: of what reads in the end: `base` is the BERT as trained; `small` and `tiny` have 3 and 2 layers, which
            learn to say what it does.
        distil_steps: of that learning.
        frozen: how many of the lowest of these, and the embeddings of word pieces, stay as they are; 0 trains all.
            The last layer is always trained.
        word_width: of the vector kept of each word piece.
        lists: queries (or histories) a step.
        list_size: candidates of each.
        epochs: passes over the training candidates at most.
        learning_rate: of AdamW at its peak.
        anchor: how strongly the BERT is drawn back to its pretrained weights (L2-SP).
        dropout: share of the hidden numbers that a training step leaves out, of both parts of the head.
        adversarial: length of the worst push that the embeddings get in a second reading; 0 reads once.
        learnt: how far the head that reads goes, of the way from where it began to where training ended, unless
            it learnt from searches with their clicks: 1 is all the way.
        adapter_rank: of the low-rank updates that are trained instead of the BERT's weights; 0 trains these.
        query_pieces, title_pieces: word pieces read of the query (or history) and of the candidate.
        patience: epochs without a lower validation loss before training ends.
        propensity: whether a click on a search's result, and what was bought after it, counts by the inverse of how
            likely a look at its position is, as `labels.position_bias` estimated it.
        mixed_precision: whether it multiplies in bfloat16 while it learns; what is exported is float32 either way.
        seed: of every random choice.
    """

    bins: AtLeastOne = 16
    width: AtLeastOne = 128
    members: AtLeastOne = 3
    feature_epochs: AtLeastOne = 3
    text: Literal["auto", "always", "never"] = "auto"
    text_gain: Share = 0.02
    text_rows: AtLeastOne = 16_000
    layers: AtLeastZero = 0
    size: Literal["tiny", "small", "base"] = "base"
    distil_steps: AtLeastOne = 300
    frozen: AtLeastZero = 3
    word_width: AtLeastOne = 128
    lists: AtLeastOne = 6
    list_size: AtLeastOne = 16
    epochs: AtLeastOne = 2
    learning_rate: Rate = 3e-5
    anchor: Amount = 0.0
    dropout: ShareBelowOne = 0.1
    adversarial: Amount = 0.0
    learnt: Share = 0.5
    adapter_rank: AtLeastZero = 0
    query_pieces: AtLeastOne = 20
    title_pieces: AtLeastOne = 24
    patience: AtLeastOne = 1
    propensity: bool = False
    mixed_precision: bool = False
    seed: Seed = 1


class BundleOptions(Options):
    """Options of the served model.

    Example:
        >>> BundleOptions(depth=100).to_json()
        '{"depth": 100, "diversity": 0.0, "exact_items": 100000, "picture_weight": null}'

    Attributes:
        depth: how many candidates are ranked; what follows keeps the retrieval order.
        exact_items: a catalogue of at most so many items is compared whole with every query; a larger
            one gets an approximate index, whose recall `bless.index_recall` is held against.
        picture_weight: of what items look like, beside their towers and texts, in what is similar; unless it is given,
            the validation window chooses it, 0 where pictures don't surely win.
        diversity: how much a place of a recommendation goes by how little its item is like those above it, and how much,
            the rest, by its score (see `served.slates`); 0 is by the score alone.
    """

    depth: AtLeastOne = 250
    exact_items: AtLeastZero = 100_000
    picture_weight: Amount | None = None
    diversity: Share = 0.0
