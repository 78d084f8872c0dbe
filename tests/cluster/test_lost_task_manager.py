"""A run whose task manager is killed in the middle ends right: Flink begins the job again with the others."""

from __future__ import annotations

import pathlib
import subprocess
import time

from benchmarks.cluster.flink import Flink
from benchmarks.cluster.portable import beam_args
from tests.cluster.conftest import command
from tests.cluster.same import assert_same_tables


def test_a_job_is_begun_again_where_a_task_manager_was_killed_and_the_bytes_are_the_same(
    flink: Flink, shop: pathlib.Path, here: pathlib.Path, workers: str, tmp_path: pathlib.Path
) -> None:
    before = {job["jid"] for job in flink.jobs()}
    log = tmp_path / "run.log"
    args = beam_args(flink.job_server, workers)
    with log.open("wb") as said:
        run = subprocess.Popen(command(shop, tmp_path / "out", *args), stdout=said, stderr=subprocess.STDOUT)
    begun_again = False
    while run.poll() is None:
        time.sleep(0.1)
        jobs = [job for job in flink.jobs() if job["jid"] not in before]
        begun_again = begun_again or any(job["timestamps"]["RESTARTING"] for job in jobs)
        # The first are those of the statistics, and then come the Cleaner's. A kill may come when its job has just ended.
        if len(jobs) > 4 and not begun_again and jobs[-1]["state"] == "RUNNING":
            flink.kill_task_manager()
            flink.add_task_manager()
            time.sleep(3)
    assert run.returncode == 0, log.read_text(encoding="utf-8")[-4000:]
    assert begun_again
    assert_same_tables(here, tmp_path / "out" / "artifacts")
