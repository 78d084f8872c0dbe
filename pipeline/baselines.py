"""The statistics of blessed runs, kept below the output folder for later runs to be compared with."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping

from aisle.components.anomaly_gate.compare.baseline import FOLDER, SUMMARY_FILE

_NUMBER_FILE = "number"
"""Counts the baselines as they come: a clock that is set back changes nothing."""

_TEMPORARY = ".baseline-"


def tables_fingerprint(fingerprints: Mapping[str, str]) -> str:
    """Returns one fingerprint of all tables; "" where the content of one is unknown."""
    if not all(fingerprints.values()):
        return ""
    text = json.dumps(dict(sorted(fingerprints.items())))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def earlier_baseline(folder: str, fingerprint: str) -> str:
    """Returns the path of the newest baseline that isn't of these very tables; "" where there is none.

    Where the tables have a baseline of their own, only those before it count: a run that is repeated
    is compared with what it was compared with, so that nothing is done again.

    Args:
        folder: holds the baselines.
        fingerprint: of the tables of this run (`tables_fingerprint`).
    """
    kept = _kept(folder)
    own = kept.get(fingerprint)
    earlier = {n: name for name, n in kept.items() if name != fingerprint and (own is None or n < own)}
    return str(pathlib.Path(folder) / earlier[max(earlier)]) if earlier else ""


def keep_baseline(folder: str, fingerprint: str, reports: Iterable[str]) -> None:
    """Keeps the statistics of a run whose model was pushed; what the tables have already stays.

    Args:
        folder: holds the baselines.
        fingerprint: of the run's tables.
        reports: the folders of the gate's report artifacts; that of these tables holds their statistics.
    """
    kept = _kept(folder)
    source = next((path for path in map(_statistics, reports) if _fingerprint(path) == fingerprint), None)
    if not fingerprint or fingerprint in kept or source is None:
        return
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    # Renamed into place whole: a run that is killed leaves only a hidden folder, which the next removes.
    for stale in target.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = pathlib.Path(tempfile.mkdtemp(dir=target, prefix=_TEMPORARY))
    try:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
        (temporary / _NUMBER_FILE).write_text(str(max(kept.values(), default=0) + 1), encoding="utf-8")
        temporary.chmod(0o755)
        temporary.rename(target / fingerprint)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kept(folder: str) -> dict[str, int]:
    """Returns the number of each baseline by its fingerprint."""
    found = {}
    for path in pathlib.Path(folder).glob(f"[!.]*/{_NUMBER_FILE}"):
        text = path.read_text(encoding="utf-8").strip()
        if text.isdigit() and (path.parent / SUMMARY_FILE).is_file():
            found[path.parent.name] = int(text)
    return found


def _statistics(report: str) -> pathlib.Path:
    return pathlib.Path(report) / FOLDER


def _fingerprint(folder: pathlib.Path) -> str | None:
    try:
        return str(json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
