"""serving/deploy/compose.yaml: what Compose would read, and a health check that tells a served model from none."""

from __future__ import annotations

import http.server
import pathlib
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "serving" / "deploy"
FILES = [DEPLOY / "compose.yaml", DEPLOY / "compose.tls.yaml"]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<default>[^}]*))?\}")


def _read(path: pathlib.Path) -> str:
    """The file as Compose reads it where no variable is set; one that must be set is `/set`."""
    text = path.read_text(encoding="utf-8")
    return VARIABLE.sub(lambda found: found["default"] if found["kind"] == "-" else "/set", text)


@pytest.fixture(scope="module")
def serving() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load(_read(FILES[0]))["services"]["serving"]
    return service


def _refused(text: str) -> str:
    """Why Compose would not take a file; "" where it would."""
    try:
        PyCompose.from_yaml(text).validate()
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_compose_would_take_the_file(path: pathlib.Path) -> None:
    text = _read(path)
    assert _refused(text) == ""
    assert list(yaml.safe_load(text)["services"]) == ["serving"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("read_only: true\n    tmpfs", "read_onli: true\n    tmpfs"), ("interval: 10s", "interval: often")],
)
def test_what_compose_would_refuse_is_found(right: str, wrong: str) -> None:
    text = _read(FILES[0])
    assert right in text
    assert "services.serving" in _refused(text.replace(right, wrong))


def test_the_container_has_no_rights_that_it_does_not_need(serving: dict[str, Any]) -> None:
    assert serving["read_only"] is True
    assert serving["cap_drop"] == ["ALL"]
    assert serving["security_opt"] == ["no-new-privileges:true"]
    assert serving["user"].partition(":")[0] not in ("", "0", "root")
    assert all(volume["read_only"] for volume in serving["volumes"])
    assert set(serving["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_only_grpc_is_published_and_only_to_this_machine(serving: dict[str, Any]) -> None:
    assert serving["ports"] == ["127.0.0.1:8500:8500"]


def test_every_file_that_the_server_is_told_of_is_mounted(serving: dict[str, Any]) -> None:
    (config,) = (volume for volume in serving["volumes"] if volume["target"] == "/config")
    named = [flag.partition("=")[2] for flag in serving["entrypoint"] if "_config_file=" in flag]
    assert len(named) == 2
    for name in named:
        assert (DEPLOY / config["source"] / pathlib.PurePosixPath(name).relative_to("/config")).is_file(), (
            name
        )


def test_the_server_is_started_as_on_kubernetes(serving: dict[str, Any]) -> None:
    manifest = DEPLOY / "kubernetes" / "base" / "deployment.yaml"
    pod = yaml.safe_load(manifest.read_text(encoding="utf-8"))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert serving["image"] == container["image"]
    assert serving["entrypoint"] == container["command"] + container["args"]


def test_tls_adds_one_flag_and_the_file_that_it_names() -> None:
    document = yaml.safe_load(_read(FILES[1]))
    service = document["services"]["serving"]
    assert service["command"] == [f"--ssl_config_file=/run/secrets/{service['secrets'][0]}"]
    assert service["secrets"] == list(document["secrets"])


def test_every_variable_is_documented() -> None:
    told = (REPOSITORY / "BUILD.md").read_text(encoding="utf-8")
    names = {found["name"] for path in FILES for found in VARIABLE.finditer(path.read_text(encoding="utf-8"))}
    assert names == {name for name in names if f"`{name}`" in told}


def _status(state: str) -> bytes:
    """A model's status as TF Serving's REST API writes it."""
    return (
        '{\n "model_version_status": [\n  {\n   "version": "7",\n'
        f'   "state": "{state}",\n   "status": {{\n    "error_code": "OK",\n'
        '    "error_message": ""\n   }\n  }\n ]\n}\n'
    ).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the server holds, and only where the model's status is asked for."""

    def do_GET(self) -> None:
        code, body = self.server.answer if self.path == "/v1/models/aisle" else (404, b"{}")  # type: ignore[attr-defined]
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def rest() -> Iterator[http.server.HTTPServer]:
    """A server for the health check to ask."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _healthy(serving: dict[str, Any], port: int) -> bool:
    kind, *command = serving["healthcheck"]["test"]
    assert kind == "CMD"
    assert "/127.0.0.1/8501" in command[-1]
    command[-1] = command[-1].replace("/127.0.0.1/8501", f"/127.0.0.1/{port}")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("code", "body", "healthy"),
    [
        (200, _status("AVAILABLE"), True),
        (200, _status("LOADING"), False),
        (404, b'{ "error": "Could not find any versions of model aisle" }', False),
    ],
)
def test_the_container_is_healthy_while_a_version_is_available(
    code: int, body: bytes, healthy: bool, serving: dict[str, Any], rest: Any
) -> None:
    rest.answer = (code, body)
    assert _healthy(serving, rest.server_port) is healthy


def test_a_server_that_does_not_listen_is_not_healthy(serving: dict[str, Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not _healthy(serving, taken.getsockname()[1])
