"""`aisle shop` as a process, and what it can't use."""

from __future__ import annotations

import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from aisle.cli.live.shop import run_of, shop
from aisle.schema.errors import InputError

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

NO_SERVER = "127.0.0.1:1"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "AISLE_GATEWAY_KEY"}
OFFER = "from aisle.cli.demo.command import offer_shop; import pathlib; offer_shop(pathlib.Path('nowhere'))"


def _asked(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_shop_opens_for_this_machine_alone_and_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    command = [
        sys.executable,
        "-m",
        "aisle.cli.main",
        "shop",
        "--target",
        NO_SERVER,
        "--port",
        "0",
        "--name",
        "Nook",
    ]
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        said = process.stdout.readline()
        try:
            # The model is away, which a page says.
            status, page = _asked(f"{address}/")
            assert (status, "server is away" in page, "Nook" in page) == (503, True, True)
            assert _asked(f"{address}/", Host="elsewhere.example")[0] == 400
            assert _asked(f"{address}/console")[0] == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert re.fullmatch(rf"its console is at {address}/console, the key is [\w-]{{24}}\n", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "{empty}/nothing"], "nothing is no folder; name the output folder of an `aisle run`"),
        (["--out", "{empty}"], "no model version in"),
        (["--target", "nowhere"], "HOST:PORT"),
        (
            ["--target", NO_SERVER, "--pictures", "{empty}/none"],
            "none is no folder; name the one of the items'",
        ),
        (["--target", NO_SERVER, "--key-file", "/nowhere"], "--key-file /nowhere can't be read"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: pathlib.Path, words: list[str], said: str) -> None:
    filled = [word.format(empty=tmp_path) for word in words]
    with pytest.raises(InputError) as refused:
        shop.main(["--port", "0", "--no-browser", *filled], standalone_mode=False)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_run_of_which_only_the_served_versions_are_there_is_shown_by_its_titles(
    tmp_path: pathlib.Path,
) -> None:
    assert run_of(None) is None
    found = run_of(str(tmp_path))
    assert found is not None and found.tables is None and found.serving == tmp_path / "serving" / "aisle"
    (tmp_path / "artifacts" / "Cleaner" / "tables" / "18").mkdir(parents=True)
    again = run_of(str(tmp_path))
    assert again is not None and again.tables == tmp_path / "artifacts" / "Cleaner" / "tables" / "18"


def test_at_a_terminal_the_demo_offers_the_shop_and_elsewhere_it_does_not() -> None:
    command = [sys.executable, "-c", OFFER]
    plain = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert plain.stdout == ""
    try:
        terminal, other = pty.openpty()
    except OSError as error:
        pytest.skip(f"this machine has no terminals: {error}")
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other) as process:
        os.close(other)
        os.write(terminal, b"n\n")
        assert process.wait(60) == 0
    assert b"Open the shop in a browser?" in os.read(terminal, 1_000)
    os.close(terminal)
