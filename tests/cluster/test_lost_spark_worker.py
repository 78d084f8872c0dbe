"""A run whose Spark loses a worker in the middle ends right: what was lost with it is made again by the others."""

from __future__ import annotations

import pathlib
import subprocess
import time

from benchmarks.cluster.portable import beam_args
from benchmarks.cluster.spark import Spark
from tests.cluster.conftest import command
from tests.cluster.same import assert_same_tables


def test_tasks_are_done_again_where_a_worker_was_killed_and_the_bytes_are_the_same(
    spark: Spark, shop: pathlib.Path, here: pathlib.Path, workers: str, tmp_path: pathlib.Path
) -> None:
    before = len(spark.jobs())
    log = tmp_path / "run.log"
    args = beam_args(spark.job_server, workers)
    with log.open("wb") as said:
        run = subprocess.Popen(command(shop, tmp_path / "out", *args), stdout=said, stderr=subprocess.STDOUT)
    struck: list[str] = []
    while run.poll() is None:
        time.sleep(0.1)
        # The first are those of the statistics, and then come the Cleaner's.
        cleaning = spark.jobs()[before + 4 :]
        if not cleaning or cleaning[-1] in struck or any(map(spark.lost_tasks, struck)):
            continue
        # What the next stage reads lies with both, and is lost where one goes. A kill may come when the job has just ended.
        if spark.happened("StageCompleted", cleaning[-1]) and not spark.happened("JobEnd", cleaning[-1]):
            struck.append(cleaning[-1])
            spark.kill_worker()
            spark.add_worker()
    assert run.returncode == 0, log.read_text(encoding="utf-8")[-4000:]
    assert any(map(spark.lost_tasks, struck))
    assert_same_tables(here, tmp_path / "out" / "artifacts")
