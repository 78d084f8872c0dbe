"""Declares Candidates."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions
from aisle.components.candidates.executor import Executor
from aisle.components.specifications import channels, new_outputs, texts
from aisle.schema.options import Options


class CandidatesSpec(component_spec.ComponentSpec):
    """The two-tower and the interactions in; ranking examples and their schema out."""

    PARAMETERS = texts("candidates_fn", "options", "bert_dir", "code", "taught")
    INPUTS = channels(model=standard_artifacts.Model, interactions=Interactions) | channels(
        optional=True, bert=standard_artifacts.Model
    )
    OUTPUTS = channels(examples=standard_artifacts.Examples)


class Candidates(base_component.BaseComponent):
    """Calls `candidates_fn`, a dotted path, as the Trainer calls its `run_fn`."""

    SPEC_CLASS = CandidatesSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        interactions: types.BaseChannel,
        candidates_fn: str,
        options: Options,
        bert_dir: str,
        code: str,
        bert: types.BaseChannel | None = None,
        taught: str = "",
    ) -> None:
        """Declares the component.

        Args:
            model: the trained two-tower.
            interactions: of the Labeler.
            candidates_fn: dotted path of a function like `aisle.model.find_candidates.candidates_fn`; of the impressions it gets
                those of validation and test.
            options: handed to it as JSON; a CandidateOptions.
            bert_dir: the BERT's folder where it is not pretrained here; "" for the installed one.
            code: a hash of the function's code, for the cache.
            bert: of Pretraining or EncoderTrial, where the pipeline has it.
            taught: the file of what another shop teaches; "" is none.
        """
        super().__init__(
            CandidatesSpec(
                model=model,
                interactions=interactions,
                bert=bert,
                candidates_fn=candidates_fn,
                options=options.to_json(),
                bert_dir=bert_dir,
                code=code,
                taught=taught,
                **new_outputs(CandidatesSpec),
            )
        )
