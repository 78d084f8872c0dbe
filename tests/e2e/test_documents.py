"""The documents' commands, run: each does what the document says, in the order a reader would type them."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [REPOSITORY / name for name in ("README.md", "README.zh.md", "BUILD.md")]
DOCUMENTS += sorted((REPOSITORY / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(sh|toml|console)\n(?:# (\S+)\n)?(.*?)^```", re.MULTILINE | re.DOTALL)

ELSEWHERE = {
    "make demo": "it is `aisle demo`, which BUILD.md has",
    "aisle demo --language": "a whole run more; tests/datasets and tests/cli make its shop and its questions",
    "make test": "it is what runs this test",
    "make cluster-test": "several runs more, by other processes; it is a test itself",
    "make wheel": "tests/packaging builds the wheel",
    "make kubeflow-test": "minutes, and an installation of its own; tests/pipeline compiles and holds the specification",
    "aisle run s3://my-bucket": "needs a bucket; tests/components/test_object_store.py reads and pushes on a server of its own",
    "make image": "needs docker or podman; .ci/image runs it",
    "docker": "needs Docker",
    "kubectl": "needs a cluster; tests/packaging/test_deployment_kubernetes.py builds and checks the manifests",
    "sh serving/deploy/ssl-config.sh": "needs a key; tests/packaging/test_deployment_configs.py runs it",
    "pip": "asks the package index; bootstrap.sh installs the same lock",
    "export": "the user's PATH is set",
    "aisle serve": "the fixture `served` runs it",
    "aisle ads": "tests/cli/test_ads.py asks the same, on smaller shops",
    "aisle simulate pictured": "no run reads it; tests/datasets/test_simulated_pictures.py draws its pictures",
    "aisle reviews": "the small shop has too few reviews; tests/cli/test_reviews.py runs it",
    "aisle experiment": "tests/cli/test_experiment.py asks the same of a shop that had one",
    "aisle ads calibrate": "tests/cli/test_ads_calibrate.py runs it on a shop that sold places",
    "aisle recommend u00017 --domain": "the small shop has one domain; tests/serving/test_ask_commands.py asks",
    "aisle recommend --users users.csv --domain": "the same",
    "aisle run small --out small-out --from": "two whole runs more; tests/model/transfer and tests/pipeline/test_taught.py ask its parts",
    "aisle gateway": "tests/gateway and tests/serving run it",
    "aisle shop": "tests/cli/test_shop.py runs it, and tests/gateway/pages its pages",
    "aisle simulate shop --ask": "needs the gateway; tests/gateway/pages/test_walking.py asks and walks",
    "aisle simulate shop --walk": "needs the storefront; the same",
    "aisle listen": "tests/gateway/listening runs it",
    "curl": "tests/gateway asks the same",
}
"""Commands that are not run here, and why; they begin with these words."""
FILES = {
    "queries.csv": "query\nred cotton shirt\nmug\n",
    "users.csv": "user_id\nu00001\nnobody\n",
    "pairs.csv": "query,item_id\nmug,i00001\nmug,i00002\n",
}
"""What the documents take for granted."""
SHELVED = (1763974011, 1764060402, 1764146763)
"""The versions in docs/versions.md."""


def _blocks() -> list[tuple[str, str, str]]:
    """Every block of the documents: kind, file name in its first line, text."""
    return [match for document in DOCUMENTS for match in BLOCK.findall(document.read_text(encoding="utf-8"))]


def _commands(wanted: str = "sh") -> list[str]:
    """The commands of the blocks of a kind: `sh` on the shop's run, `console` on the versions that docs/versions.md has."""
    lines = "".join(text for kind, _, text in _blocks() if kind == wanted).replace("\\\n", " ").splitlines()
    commands = [re.sub(r"\s+#.*$", "", line).strip() for line in lines]
    return [" ".join(command.split()) for command in dict.fromkeys(commands) if command]


def _runnable(command: str) -> bool:
    return not any(command == words or command.startswith((f"{words} ", f"{words}/")) for words in ELSEWHERE)


def _adapted(command: str, target: str, small: tuple[str, ...]) -> list[str]:
    """The command for this machine: a free port, a shop that does not exist yet, a small run, one output folder."""
    words = shlex.split(
        command.replace("localhost:8500", target)
        .replace("out-pretrained", "out")
        .replace("demo-zh/out", "out")
    )
    if words[:2] in (["aisle", "search"], ["aisle", "recommend"], ["aisle", "similar"]):
        return words if "--out" in words or "--target" in words else [*words, "--target", target]
    if words[:3] == ["aisle", "simulate", "shop"]:
        return [*words[:2], "another-shop", *words[3:]]
    if words[:2] == ["aisle", "demo"]:
        return [*words, "--out", ".", *small]
    return [*words, *small] if words[:2] == ["aisle", "run"] else words


@pytest.fixture(scope="module")
def desk(user: Any, output: pathlib.Path) -> Any:
    """The user with the files that the documents show or take for granted."""
    for name, text in FILES.items():
        (user.home / name).write_text(text, encoding="utf-8")
    for kind, name, text in _blocks():
        if kind == "toml" and name:
            (user.home / name).write_text(text, encoding="utf-8")
    return user


@pytest.mark.parametrize("command", [command for command in _commands() if _runnable(command)])
def test_a_documented_command_works(
    command: str, desk: Any, served: str, small: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    if "online-retail" in command:
        data = request.getfixturevalue("shared_data") / "online-retail"
        shutil.copytree(data, desk.home / "downloads" / "online-retail")
    done = desk.run(*_adapted(command, served, small))
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert "Traceback" not in done.stderr


@pytest.fixture
def shelf(desk: Any, output: pathlib.Path, tmp_path: pathlib.Path) -> Any:
    """The user in a folder whose `out/` serves the versions that docs/versions.md tells of."""
    pushed = sorted((output / "serving" / "aisle").glob("[0-9]*"))[-1]
    for number in SHELVED:
        folder = tmp_path / "out" / "serving" / "aisle" / str(number)
        shutil.copytree(pushed, folder, copy_function=os.link)
    return dataclasses.replace(desk, home=tmp_path)


@pytest.mark.parametrize("command", _commands("console"))
def test_a_documented_command_on_versions_works(command: str, shelf: Any) -> None:
    done = shelf.run(*shlex.split(command))
    assert done.returncode == 0, done.stderr
    told = shelf.run("aisle", "versions", "--out", "out", "--json")
    states = {one["version"]: (one["state"], one["labels"]) for one in json.loads(told.stdout)}
    oldest, middle, newest = (states[number] for number in SHELVED)
    if "rollback" in command:
        assert newest == ("withdrawn", [])
        assert middle == ("withdrawn" if "--to" in command else "served", [])
        assert oldest == ("served", [])
    else:
        assert middle == ("served", [command.split("--label ")[1].split()[0]])


def test_what_is_not_run_is_still_shown() -> None:
    for words in ELSEWHERE:
        assert any(
            command == words or command.startswith((f"{words} ", f"{words}/")) for command in _commands()
        ), words


def test_batch_answers_are_csv_with_the_documented_columns(desk: Any) -> None:
    headers = {"search": "query,rank,item_id,score", "recommend": "user_id,rank,item_id,score"}
    for name, header in {**headers, "rank": "query,item_id,score"}.items():
        path = desk.home / "answers" / f"{name}.csv"
        if not path.exists():
            pytest.skip("the documented batch commands did not run before")
        assert path.read_text(encoding="utf-8").splitlines()[0] == header
