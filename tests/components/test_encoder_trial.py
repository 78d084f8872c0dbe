"""EncoderTrial run as TFX runs it, and what those find who read with the encoder that it leaves."""

from __future__ import annotations

import json
import pathlib

import pytest

pytest.importorskip("tfx")

from tfx.types import channel_utils, standard_artifacts
from tfx.utils import path_utils

from aisle.components.artifacts import Interactions
from aisle.components.encoder_trial.component import EncoderTrial
from aisle.components.encoder_trial.executor import Executor
from aisle.components.pretraining.artifact import made_bert
from aisle.components.pretraining.executor import pass_on
from tests.components.labelled_shop import write_judgements
from tests.components.stand_in_trial import WON


def tried(folder: pathlib.Path, theirs: str, why: str) -> standard_artifacts.Model:
    """What the component leaves."""
    interactions, model = Interactions(), standard_artifacts.Model()
    interactions.uri, model.uri = str(folder / "interactions"), str(folder / "model")
    for artifact in (interactions, model):
        pathlib.Path(artifact.uri).mkdir(parents=True)
    write_judgements(interactions.uri)
    component = EncoderTrial(
        interactions=channel_utils.as_channel([interactions]),
        trial_fn="tests.components.stand_in_trial.choose",
        theirs=theirs,
        why=why,
        bert_dir="/own",
        most_unread=0.25,
        code="1",
    )
    Executor().Do({"interactions": [interactions]}, {"model": [model]}, component.exec_properties)
    return model


def test_the_function_is_told_both_encoders_and_the_tables(tmp_path: pathlib.Path) -> None:
    model = tried(tmp_path, "/theirs", "")
    folder = pathlib.Path(path_utils.serving_model_dir(model.uri))
    assert json.loads((folder / "told.json").read_text(encoding="utf-8")) == ["/theirs", "", "/own", 0.25, 3]
    assert made_bert({"bert": [model]}) == str(folder)


def test_where_their_own_is_better_the_others_find_none(tmp_path: pathlib.Path) -> None:
    model = tried(tmp_path, "", "the same")
    assert made_bert({"bert": [model]}) is None


def test_what_it_won_is_told_behind_a_pretraining_too(tmp_path: pathlib.Path) -> None:
    model = tried(tmp_path, "/theirs", "")
    pass_on({"bert": [model]}, str(tmp_path / "trained"))
    written = tmp_path / "trained" / "assets.extra" / "transfer.json"
    assert json.loads(written.read_text(encoding="utf-8")) == WON
    pass_on({}, str(tmp_path / "alone"))
    assert not (tmp_path / "alone").exists()
