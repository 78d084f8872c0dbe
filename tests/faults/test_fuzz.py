"""The reader under a coverage-guided fuzzer for a bounded time."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("fuzz_reader.py")
SEEDS = (
    b'mug,i1,3,"a, ""b"""\n',
    b"mug,i1,N/A,x\r\nmug,i2\n",
    b"\xef\xbb\xbfmug,i1,1e5,\n\n",
    b'a,"b\nc",2,\xff\n',
)


def test_no_bytes_crash_the_reader_or_change_silently(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel here")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
    options = [
        "-runs=700",
        "-max_total_time=60",
        "-rss_limit_mb=0",  # The peak that libFuzzer reads is that of the process which started it, too.
        "-seed=1",
        "-max_len=300",
        "-len_control=0",
        "-timeout=20",
        f"-artifact_prefix={tmp_path}/",
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options, str(corpus)],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done" in done.stderr
