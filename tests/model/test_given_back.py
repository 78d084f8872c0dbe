"""Memory that nothing needs goes back to the machine."""

from __future__ import annotations

import pathlib

from aisle.model.training.memory import give_back


def _held() -> int:
    """Megabytes of this process."""
    told = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(told.split("VmRSS:")[1].split()[0]) // 1024


def test_what_was_freed_in_small_pieces_goes_back_to_the_machine() -> None:
    # Pieces too small to be mapped each, with the last one kept: the heap can't shrink from its end.
    pieces = [bytearray(50_000) for _ in range(4_000)]
    last = pieces.pop()
    pieces.clear()
    before = _held()
    give_back()
    assert before - _held() > 150
    assert last is not None
