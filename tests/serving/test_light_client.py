"""`pip install aisle` alone: the client and the command's asking half, without TensorFlow or anything of its size."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

HEAVY = {
    "tensorflow",
    "tfx",
    "apache_beam",
    "pyarrow",
    "polars",
    "pandas",
    "scipy",
    "pydantic",
    "transformers",
}


@pytest.fixture(scope="module")
def light(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The `bin` folder of an environment into which the wheel alone was installed, from the package index."""
    folder = tmp_path_factory.mktemp("light")
    # An own pip takes seconds to unpack.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    command = [*pip, "install", "--quiet", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr:
        pytest.skip(f"no package index is reachable: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def _run(folder: pathlib.Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )


def test_nothing_large_is_installed(light: pathlib.Path) -> None:
    (packages,) = light.parent.glob("lib/python*/site-packages")
    assert {entry.name for entry in packages.iterdir()} & HEAVY == set()


def test_a_client_searches_and_imports_nothing_large(light: pathlib.Path, target: str) -> None:
    code = (
        "import sys; from aisle.serving import Client\n"
        f"with Client({target!r}) as client: print([item.item_id for item in client.search('red shirt', k=2)])\n"
        f"sys.exit(','.join(sorted({HEAVY!r} & set(sys.modules))) or None)"
    )
    done = _run(light, "python", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['a', 'b']\n"


@pytest.mark.parametrize(
    "words", [("search", "red shirt"), ("recommend", "u1"), ("similar", "a")], ids=lambda words: words[0]
)
def test_the_command_asks_a_server(words: tuple[str, ...], light: pathlib.Path, target: str) -> None:
    done = _run(light, "aisle", *words, "-k", "2", "--json", "--target", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert [item["item_id"] for item in json.loads(done.stdout)] == ["a", "b"]


def test_the_command_ranks_a_file(light: pathlib.Path, target: str, tmp_path: pathlib.Path) -> None:
    pairs, answers = tmp_path / "pairs.csv", tmp_path / "answers.csv"
    pairs.write_text("query,item_id\nshirt,a\n", encoding="utf-8")
    done = _run(light, "aisle", "rank", "--pairs", str(pairs), "--output", str(answers), "--target", target)
    assert done.returncode == 0, done.stderr
    assert answers.read_text(encoding="utf-8").splitlines()[0] == "query,item_id,score"


@pytest.mark.parametrize(
    "words", [("serve", "--out", "."), ("run", ".", "--out", "o")], ids=lambda words: words[0]
)
def test_a_command_that_takes_more_says_what_to_install(
    words: tuple[str, ...], light: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    version = light / "serving" / "aisle" / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / "saved_model.pb").touch()
    done = _run(light, "aisle", *words)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "pip install 'aisle[pipeline]'" in done.stderr.splitlines()[-1]


def test_doctor_calls_it_the_client_alone(light: pathlib.Path) -> None:
    done = _run(light, "aisle", "doctor")
    assert "warn: packages: the client alone" in done.stdout
    assert done.returncode == 0, done.stdout
