"""Where runs are tracked, and whether what that takes is installed; imports neither library."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import pydantic

from aisle.schema.errors import InputError
from aisle.schema.options import Options

WANDB = "wandb"
SCHEMES = ("file:", "sqlite:", "http://", "https://")
"""What MLflow's addresses begin with."""
_NEEDED = {WANDB: ("wandb",), "sqlite:": ("mlflow", "sqlalchemy", "alembic")}


def _known(to: str) -> str:
    if to and to != WANDB and not to.startswith(SCHEMES):
        raise ValueError(f"expected {WANDB}, or MLflow's address, which begins with {', '.join(SCHEMES)}")
    return to


class TrackingOptions(Options):
    """Where a run's settings, curves, figures and reports are kept, beside TensorBoard's logs.

    Attributes:
        to: an address of MLflow (`file:FOLDER`, `sqlite:///FILE`, `http://HOST:PORT`), or `wandb`, whose files lie in
            `OUT/wandb` for `wandb sync`; "" tracks nothing.
        experiment: the experiment's name, or the project's.
    """

    to: Annotated[str, pydantic.AfterValidator(_known)] = ""
    experiment: Annotated[str, pydantic.Field(min_length=1)] = "aisle"


def check_installed(options: TrackingOptions) -> None:
    """Says what to install before a run begins, rather than when it has ended.

    Raises:
        InputError: the library that `tracking.to` needs is not installed.
    """
    if not options.to:
        return
    scheme = next((begins for begins in _NEEDED if options.to.startswith(begins)), "")
    lacking = [name for name in _NEEDED.get(scheme, ("mlflow",)) if importlib.util.find_spec(name) is None]
    if lacking:
        extra = WANDB if options.to == WANDB else "mlflow"
        raise InputError(
            f"tracking.to={options.to} needs the package {lacking[0]!r}, which is not installed: pip install 'aisle[{extra}]', "
            'or set tracking.to="" to track nothing'
        )
