"""Where what another shop teaches is found, and what is said where it isn't."""

from __future__ import annotations

import json
import pathlib
import shutil

import pytest
from click.testing import CliRunner

pytest.importorskip("tfx")

from aisle.cli.main import cli
from aisle.model.text.lent import same_encoder
from aisle.model.transfer.taught import Taught
from aisle.pipeline.config import load_config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.inputs import fingerprint_tables
from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.encoder import Offered, kept_encoder
from aisle.pipeline.transfer.taught import find_taught, kept_taught
from aisle.schema.errors import InputError
from tests.model.pushed_model import push
from tests.model.small_bert import make_small_bert, make_small_sentence_bert


def pushed(out: pathlib.Path, version: str, teaches: bool = True) -> pathlib.Path:
    """A version of a shop's model."""
    model = pathlib.Path(Layout(str(out)).serving) / version
    model.mkdir(parents=True)
    (model / "saved_model.pb").touch()
    if teaches:
        Taught(None, None).write(str(model))
    return model


def test_the_newest_version_teaches_whichever_folder_of_it_is_named(tmp_path: pathlib.Path) -> None:
    pushed(tmp_path / "big", "9")
    newest = pushed(tmp_path / "big", "10")
    expected = newest / "assets.extra" / "taught.npz"
    for folder in (tmp_path / "big", newest.parent, newest):
        assert find_taught(str(folder), str(tmp_path / "out")) == expected
    assert find_taught("", str(tmp_path / "out")) is None


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda out: None, "there is no such folder; expected the output folder of another shop's run"),
        (lambda out: out.mkdir(), "holds no model that was pushed"),
        (
            lambda out: pushed(out, "1", teaches=False),
            "teaches nothing .*run this version on that shop again",
        ),
    ],
)
def test_a_run_says_at_once_what_is_wrong_with_the_other_shop(
    tmp_path: pathlib.Path, made: object, said: str
) -> None:
    made(tmp_path / "big")  # type: ignore[operator]
    asked = ["run", str(tmp_path), "--out", str(tmp_path / "out"), "--from", str(tmp_path / "big")]
    with pytest.raises(InputError, match=said):
        CliRunner().invoke(cli, asked, standalone_mode=False, catch_exceptions=False)


def test_a_run_does_not_begin_with_its_own_output(tmp_path: pathlib.Path) -> None:
    pushed(tmp_path, "1")
    with pytest.raises(InputError, match="own output folder"):
        find_taught(str(tmp_path), str(tmp_path))


def test_a_shop_elsewhere_has_to_be_brought_here(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="s3://big/out is not on this machine: copy the newest version"):
        find_taught("s3://big/out", str(tmp_path))


def test_what_a_run_has_begun_with_stays_when_the_other_shop_runs_again(tmp_path: pathlib.Path) -> None:
    theirs = pushed(tmp_path / "big", "1") / "assets.extra" / "taught.npz"
    layout = Layout(str(tmp_path / "out"))
    pathlib.Path(layout.root).mkdir()
    kept = pathlib.Path(kept_taught(str(tmp_path / "big"), layout))
    assert kept.read_bytes() == theirs.read_bytes()
    assert kept_taught(str(tmp_path / "big"), layout) == str(kept)
    theirs.write_bytes(b"damaged")
    with pytest.raises(InputError, match="can't be read"):
        kept_taught(str(tmp_path / "big"), layout)
    assert kept.is_file()


def test_an_encoder_is_offered_where_it_is_another_one_and_kept_when_the_other_shop_moves_on(
    tmp_path: pathlib.Path,
) -> None:
    own, theirs = make_small_bert(tmp_path / "own"), make_small_sentence_bert(tmp_path / "theirs")
    layout = Layout(str(tmp_path / "out"))
    pathlib.Path(layout.root).mkdir()
    assert kept_encoder("", layout, own) == Offered()
    versions = pathlib.Path(Layout(str(tmp_path / "big")).serving)
    push(own, versions / "1")
    assert (
        "both shops' texts are read by the same one" in kept_encoder(str(tmp_path / "big"), layout, own).why
    )
    push(theirs, versions / "2")
    offered = kept_encoder(str(tmp_path / "big"), layout, own)
    assert same_encoder(offered.folder, theirs) and not offered.why
    assert kept_encoder(str(tmp_path / "big"), layout, own) == offered
    shutil.rmtree(versions / "2" / "assets.extra" / "encoder")
    assert (
        "doesn't tell its encoder: run this version" in kept_encoder(str(tmp_path / "big"), layout, own).why
    )
    assert pathlib.Path(offered.folder).is_dir()


def test_every_part_that_learns_of_another_shop_is_told_the_file() -> None:
    config = load_config(None, ["transfer.from=/big"])
    assert config.transfer.source == "/big"
    pipeline = create_pipeline(
        "/shop", {"items": "1", "events": "2"}, Layout("/out"), config, taught="/x.npz"
    )
    properties = {node.id: node.exec_properties for node in pipeline.components}
    assert properties["Candidates"]["taught"] == properties["Bundle"]["taught"] == "/x.npz"
    assert json.loads(properties["Trainer.ranking"]["custom_config"])["taught"] == "/x.npz"


def items_alone(folder: pathlib.Path) -> str:
    folder.mkdir()
    rows = "".join(f"i{n},Mug number {n}\n" for n in range(30))
    (folder / "items.csv").write_text(f"item_id,title\n{rows}")
    return str(folder)


def test_items_alone_do_for_a_run_that_begins_with_another_shop(tmp_path: pathlib.Path) -> None:
    data = items_alone(tmp_path / "small")
    with pytest.raises(
        InputError, match="neither events nor judgements .* found items; or begin with .* --from OTHER/out"
    ):
        fingerprint_tables(data, "auto")
    assert fingerprint_tables(data, "auto", taught=True).keys() == {"items"}


def test_nothing_is_measured_of_a_shop_whose_items_alone_are_told(tmp_path: pathlib.Path) -> None:
    layout, config = Layout(str(tmp_path / "out")), load_config(None, ())

    def made(*tables: str) -> dict[str, object]:
        pipeline = create_pipeline(
            str(tmp_path), dict.fromkeys(tables, "f"), layout, config, taught="/big.npz"
        )
        return {component.id: component for component in pipeline.components}

    alone, told = made("items", "users"), made("items", "judgements")
    assert told.keys() - alone.keys() >= {"Evaluator.ranking"}
    for nodes, untold in ((alone, True), (told, False)):
        properties = nodes["Trainer.ranking"].exec_properties  # type: ignore[attr-defined]
        assert json.loads(properties["custom_config"])["untold"] is untold
        assert json.loads(nodes["Labeler"].exec_properties["options"])["titles"]  # type: ignore[attr-defined]
