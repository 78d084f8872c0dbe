"""Declares EncoderTrial."""

from __future__ import annotations

import json

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions
from aisle.components.encoder_trial.executor import Executor
from aisle.components.specifications import channels, new_outputs, texts


class EncoderTrialSpec(component_spec.ComponentSpec):
    """The interactions in; the other shop's BERT folder, where it wins, and what it won, out."""

    PARAMETERS = texts("trial_fn", "theirs", "why", "bert_dir", "most_unread", "code")
    INPUTS = channels(interactions=Interactions)
    OUTPUTS = channels(model=standard_artifacts.Model)


class EncoderTrial(base_component.BaseComponent):
    """Calls `trial_fn`, a dotted path; the others take its Model as their BERT where that holds one."""

    SPEC_CLASS = EncoderTrialSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        interactions: types.BaseChannel,
        trial_fn: str,
        theirs: str,
        why: str,
        bert_dir: str,
        most_unread: float,
        code: str,
    ) -> None:
        """Declares the component.

        Args:
            interactions: of the Labeler.
            trial_fn: dotted path of a function like `aisle.model.retrieval.domains.encoder.choose_encoder`.
            theirs: the folder of the other shop's BERT; "" where there is none to try.
            why: there is none; "" else.
            bert_dir: the folder of this shop's; "" for the installed one.
            most_unread: the share of the titles' pieces that may say nothing to a BERT.
            code: a hash of the function's code, for the cache.
        """
        super().__init__(
            EncoderTrialSpec(
                interactions=interactions,
                trial_fn=trial_fn,
                theirs=theirs,
                why=why,
                bert_dir=bert_dir,
                most_unread=json.dumps(most_unread),
                code=code,
                **new_outputs(EncoderTrialSpec),
            )
        )
