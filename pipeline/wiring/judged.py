"""Judges what was trained, and pushes it where it is good."""

from __future__ import annotations

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component

from aisle.components.canary.component import CanaryLoad, failed_before
from aisle.components.evaluator.component import RecommendationEvaluator
from aisle.components.labeler.component import Labeler
from aisle.components.pusher.component import Pusher
from aisle.pipeline.config import Config
from aisle.pipeline.paths import Layout
from aisle.pipeline.wiring.models import Trained
from aisle.pipeline.wiring.ranking_evaluator import ranking_evaluator

SERVER_MODULE = "aisle.serving.server"
SETTLE_FN = "aisle.serving.releases.pushed.settle"


def judged(
    labeler: Labeler, trained: Trained, layout: Layout, config: Config, untold: bool
) -> list[base_component.BaseComponent]:
    """Evaluates what was trained, loads it for trial, and pushes it where it is blessed."""
    bundle = trained.bundle
    # Where nothing is told its examples are none.
    examples, head = trained.candidates.outputs["examples"], trained.ranking.outputs["model"]
    of_ranking = [] if untold else [ranking_evaluator(examples, head, config.bless.min_auc)]
    judged = {
        f"ranking_{name}": one.outputs[name] for one in of_ranking for name in ("evaluation", "blessing")
    }
    evaluator = RecommendationEvaluator(
        model=bundle.outputs["tested_model"],
        interactions=labeler.outputs["interactions"],
        reports_dir=layout.reports,
        blessed_dir=layout.blessed,
        options=config.evaluator,
        thresholds=config.bless,
        two_tower_run=trained.two_tower.outputs["model_run"],
        ranking_run=trained.ranking.outputs["model_run"],
        **judged,
    )
    canary = CanaryLoad(
        model=bundle.outputs["model"],
        server_module=SERVER_MODULE,
        max_latency_ms=config.infra.max_latency_ms,
        tf_serving=config.infra.tf_serving,
        failures=failed_before(layout.artifacts),
    )
    pusher = Pusher(
        model=bundle.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=canary.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=config.push.to or layout.serving)
        ),
        custom_config={"keep": config.push.keep, "settle_fn": SETTLE_FN},
    )
    return [*of_ranking, evaluator, canary, pusher]
