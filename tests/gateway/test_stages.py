"""Where the time of an answer goes."""

from __future__ import annotations

import asyncio
import time

from aisle.gateway.stages import stage, watched


async def _wait(name: str, seconds: float) -> None:
    with stage(name):
        await asyncio.sleep(seconds)


def test_a_stage_that_runs_twice_at_once_counts_once_and_one_after_the_other_twice() -> None:
    async def run() -> tuple[dict[str, float], float]:
        started = time.perf_counter()
        with watched() as spent:
            await asyncio.gather(_wait("store", 0.05), _wait("store", 0.1), _wait("model", 0.02))
            await _wait("model", 0.02)
        return spent, time.perf_counter() - started

    spent, whole = asyncio.run(run())
    assert 0.1 <= spent["store"] <= whole and 0.04 <= spent["model"] <= whole


def test_what_nobody_watches_is_not_counted_and_what_fails_is() -> None:
    async def fail() -> dict[str, float]:
        await _wait("store", 0.0)
        with watched() as spent:
            try:
                with stage("disk"):
                    raise OSError
            except OSError:
                pass
        await _wait("model", 0.0)
        return spent

    assert list(asyncio.run(fail())) == ["disk"]
