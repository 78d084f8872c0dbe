"""What reading pictures takes is told of the process that reads them."""

from __future__ import annotations

from benchmarks.images.memory import peak_of_reading
from benchmarks.shared.command import in_fresh_process


def test_what_the_benchmark_itself_holds_is_not_counted() -> None:
    held = b"1" * 600_000_000
    assert 20 < in_fresh_process(peak_of_reading, 2) < len(held) / 2**20
