"""The configuration of a run: one section a part, from TOML and `--set KEY=VALUE`."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pydantic
import tomli

from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.demand.options import DemandOptions
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.example_gen.options import (
    ColumnsOptions,
    ReadingOptions,
    TableReading,
    ValuesOptions,
    how_to_say,
    table_reading,
)
from aisle.components.inventory.options import InventoryOptions
from aisle.components.labeler.options import LabelerOptions
from aisle.components.pictures.options import PictureOptions
from aisle.components.reviews.options import ReviewOptions
from aisle.model.options import (
    BundleOptions,
    CandidateOptions,
    PretrainOptions,
    RankingOptions,
    TwoTowerOptions,
)
from aisle.pipeline.tracking.options import TrackingOptions
from aisle.schema.errors import InputError
from aisle.schema.options import AtLeastZero, Options, Positive
from aisle.schema.tables import TABLE_BY_NAME, TABLES, Kind

if TYPE_CHECKING:
    from typing_extensions import Self


class DataOptions(Options):
    """The data: which tables there are (`auto` looks), and the folder of curated schemas ("" infers)."""

    tables: str = "auto"
    schema_dir: str = ""


class ModelOptions(Options):
    """Shared by the models: the BERT checkpoint's folder, "" for the installed one."""

    bert: str = ""


class TransferOptions(Options):
    """What the models begin with: the output folder of another shop's run, or a model that it pushed ("" for none).

    In TOML, and by `--set`, it is `transfer.from`.
    """

    model_config = pydantic.ConfigDict(populate_by_name=True)

    source: str = pydantic.Field(default="", alias="from")


class InfraOptions(Options):
    """Where things run: Beam's arguments; the canary's server ("" the embedded one) and bound on a request's time.

    `tf_serving` is a path of `tensorflow_model_server`, or HOST:PORT of a TF Serving set aside for canaries. Where the tables' files take
    `large_mb` MB or more (packed ones and Parquet count as CSV would), `aisle run` has freed memory go back to the machine: see
    `pipeline.memory`.
    """

    beam_args: tuple[str, ...] = (
        "--direct_num_workers=1",
        "--direct_running_mode=in_memory",
        # By dill, Beam spends a quarter of a small Transform on the levels of all loggers, set anew for each object.
        "--pickle_library=cloudpickle",
    )
    max_latency_ms: Positive = 5000.0
    tf_serving: str = ""
    large_mb: AtLeastZero = 256


class PushOptions(Options):
    """The pushed versions.

    keep: how many of the newest a push keeps on a local disk, 0 for all.
    to: the folder, local or remote (`s3://…`, `gs://…`), that gets them; "" is `serving/aisle` of the output folder.
    """

    keep: AtLeastZero = 5
    to: str = ""


class Config(Options):
    """Everything a run may be told; each section's class documents its keys."""

    data: DataOptions = DataOptions()
    columns: ColumnsOptions = ColumnsOptions()
    values: ValuesOptions = ValuesOptions()
    reading: ReadingOptions = ReadingOptions()
    gate: GateOptions = GateOptions()
    cleaner: CleanerOptions = CleanerOptions()
    losses: LossOptions = LossOptions()
    labels: LabelerOptions = LabelerOptions()
    model: ModelOptions = ModelOptions()
    transfer: TransferOptions = TransferOptions()
    pretrain: PretrainOptions = PretrainOptions()
    retrieval: TwoTowerOptions = TwoTowerOptions()
    candidates: CandidateOptions = CandidateOptions()
    ranker: RankingOptions = RankingOptions()
    bundle: BundleOptions = BundleOptions()
    evaluator: EvaluatorOptions = EvaluatorOptions()
    bless: BlessOptions = BlessOptions()
    push: PushOptions = PushOptions()
    demand: DemandOptions = DemandOptions()
    inventory: InventoryOptions = InventoryOptions()
    reviews: ReviewOptions = ReviewOptions()
    pictures: PictureOptions = PictureOptions()
    infra: InfraOptions = InfraOptions()
    tracking: TrackingOptions = TrackingOptions()

    def readings(self) -> dict[str, TableReading]:
        """How each table is read, by name."""
        return {
            table.name: table_reading(table.name, self.columns, self.values, self.reading) for table in TABLES
        }

    @pydantic.model_validator(mode="after")
    def _numbers_where_they_are_read(self) -> Self:
        """The reader reads the columns that are numbers, and quarantines what it can't: the Cleaner comes too late."""
        for name in self.cleaner.numbers:
            table, _, column = name.partition(".")
            declared = TABLE_BY_NAME[table].column(column) if table in TABLE_BY_NAME else None
            if declared is not None and declared.kind in (Kind.NUMBER, Kind.INTEGER):
                said = how_to_say("numbers", table, column, "comma")
                raise ValueError(
                    f"cleaner.numbers is of extra columns, and {name} is read as a number before the cleaner; say how it is "
                    f"written by {said} (or point)"
                )
        return self


def load_config(path: str | None, assignments: Sequence[str]) -> Config:
    """Reads a TOML file and applies `KEY=VALUE` assignments over it.

    Args:
        path: of the file; None starts from the defaults.
        assignments: such as `ranker.layers=2`; a value is JSON where it parses as such, else text.

    Raises:
        InputError: the file can't be read, or a key or value is not one of ours.
    """
    values = _read(path) if path else {}
    for assignment in assignments:
        _assign(values, assignment)
    return Config.read(values)


def _read(path: str) -> dict[str, Any]:
    try:
        return tomli.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the config file {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"the config file {path} is not UTF-8: {error.reason} at byte {error.start}"
        ) from error
    except tomli.TOMLDecodeError as error:
        raise InputError(f"the config file {path} is not TOML: {error}") from error


def _assign(values: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot or not name:
        raise InputError(f"--set got {assignment!r}, expected SECTION.KEY=VALUE such as ranker.layers=2")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    part = values.setdefault(section, {})
    if not isinstance(part, dict):
        raise InputError(f"--set got {assignment!r}, but {section} is not a section")
    part[name] = value
