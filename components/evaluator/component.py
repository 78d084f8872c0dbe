"""Declares the RecommendationEvaluator."""

from __future__ import annotations

from tfx import types
from tfx.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions, Report
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.executor import Executor
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.specifications import channels, new_outputs, texts


class RecommendationEvaluatorSpec(component_spec.ComponentSpec):
    """An evaluation bundle and interactions in; a report and a blessing out."""

    PARAMETERS = texts("options", "thresholds", "reports_dir", "blessed_dir")
    INPUTS = channels(model=standard_artifacts.Model, interactions=Interactions) | channels(
        optional=True,
        ranking_evaluation=standard_artifacts.ModelEvaluation,
        ranking_blessing=standard_artifacts.ModelBlessing,
        two_tower_run=standard_artifacts.ModelRun,
        ranking_run=standard_artifacts.ModelRun,
    )
    OUTPUTS = channels(evaluation=Report, blessing=standard_artifacts.ModelBlessing)


class RecommendationEvaluator(base_component.BaseComponent):
    """Compares the whole pipeline with its baselines and the last blessed model, and blesses it or doesn't."""

    SPEC_CLASS = RecommendationEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        interactions: types.BaseChannel,
        reports_dir: str,
        blessed_dir: str,
        options: EvaluatorOptions | None = None,
        thresholds: BlessOptions | None = None,
        *,
        ranking_evaluation: types.BaseChannel | None = None,
        ranking_blessing: types.BaseChannel | None = None,
        two_tower_run: types.BaseChannel | None = None,
        ranking_run: types.BaseChannel | None = None,
    ) -> None:
        """Declares the component.

        Args:
            model: the evaluation bundle: the model with its state as of the start of the test.
            interactions: of the Labeler.
            reports_dir: the folder the report is written to, beside the artifact.
            blessed_dir: the folder that keeps a record of each blessed model; see `last_blessed`.
            options: depths and draws; the defaults where None.
            thresholds: what blesses; the defaults where None.
            ranking_evaluation: of the stock Evaluator of the ranking head.
            ranking_blessing: the same Evaluator's; where given, it must be blessed.
            two_tower_run: a Trainer's model run with `history.json`, for the loss curve.
            ranking_run: the same of the ranking head.
        """
        super().__init__(
            RecommendationEvaluatorSpec(
                model=model,
                interactions=interactions,
                ranking_evaluation=ranking_evaluation,
                ranking_blessing=ranking_blessing,
                two_tower_run=two_tower_run,
                ranking_run=ranking_run,
                options=(options or EvaluatorOptions()).to_json(),
                thresholds=(thresholds or BlessOptions()).to_json(),
                reports_dir=reports_dir,
                blessed_dir=blessed_dir,
                **new_outputs(RecommendationEvaluatorSpec),
            )
        )
