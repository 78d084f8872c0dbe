"""The text encoder of another shop, as a run that begins with what that has learnt may try it."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import shutil
import tempfile

from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.taught import find_taught
from aisle.schema.bert.weights import BERT_FILES, bert_folder

_PREFIX = "encoder-"


@dataclasses.dataclass(frozen=True)
class Offered:
    """An encoder to try.

    Attributes:
        folder: of the other shop's; "" where there is none to try.
        why: there is none; "" else.
    """

    folder: str = ""
    why: str = ""


NOTHING = Offered()
UNSEEN = Offered(
    why="a pipeline that is compiled can't look into the other shop's model: name its BERT's folder by model.bert"
)


def kept_encoder(source: str, layout: Layout, own: str) -> Offered:
    """A copy of the encoder that another shop's newest version reads with, named by its content.

    Args:
        source: the other shop's output folder, its folder of versions, or one of them; "" is none.
        layout: of this run.
        own: the folder of this shop's BERT; "" for the installed one.

    Raises:
        InputError: as of `find_taught`, or the encoder is damaged.
    """
    found = find_taught(source, layout.root)
    if found is None:
        return Offered()
    from aisle.model.text.lent import same_encoder, write_encoder

    model, place = found.parent.parent, pathlib.Path(layout.taught)
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        made = pathlib.Path(scratch) / "encoder"
        made.mkdir()
        if not write_encoder(str(model), str(made)):
            return Offered(why=f"{model} doesn't tell its encoder: run this version on that shop again")
        if same_encoder(str(made), own or bert_folder()):
            return Offered(why="both shops' texts are read by the same one")
        kept = place / f"{_PREFIX}{_content(made)}"
        for other in place.glob(f"{_PREFIX}*"):
            if other != kept:
                shutil.rmtree(other)
        if not kept.is_dir():
            made.replace(kept)
    return Offered(str(kept))


def _content(folder: pathlib.Path) -> str:
    """What an encoder is known by."""
    digest = hashlib.sha256()
    for name in BERT_FILES:
        if (folder / name).is_file():
            digest.update(name.encode())
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:20]
