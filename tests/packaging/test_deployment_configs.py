"""TF Serving's own configuration files under serving/deploy: each parses as the message that the server reads it as."""

from __future__ import annotations

import pathlib
import subprocess
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, message_factory, text_format
from tensorflow_serving.config import model_server_config_pb2

from aisle.schema import contract

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "serving" / "deploy"
CONFIG = DEPLOY / "config"
SCRIPT = DEPLOY / "ssl-config.sh"

FIELD = descriptor_pb2.FieldDescriptorProto
MESSAGES = {
    "PrometheusConfig": (("enable", FIELD.TYPE_BOOL, ""), ("path", FIELD.TYPE_STRING, "")),
    "MonitoringConfig": (("prometheus_config", FIELD.TYPE_MESSAGE, ".aisle_test.PrometheusConfig"),),
    "SSLConfig": (
        ("server_key", FIELD.TYPE_STRING, ""),
        ("server_cert", FIELD.TYPE_STRING, ""),
        ("custom_ca", FIELD.TYPE_STRING, ""),
        ("client_verify", FIELD.TYPE_BOOL, ""),
    ),
}
"""Fields of monitoring_config.proto and ssl_config.proto, which tensorflow-serving-api leaves out."""


def _messages() -> dict[str, Any]:
    """The classes of MESSAGES by name."""
    file = descriptor_pb2.FileDescriptorProto(name="aisle_test.proto", package="aisle_test", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, type_name) in enumerate(fields, start=1):
            message.field.add(
                name=field, number=number, type=kind, type_name=type_name or None, label=FIELD.LABEL_OPTIONAL
            )
    found: dict[str, Any] = message_factory.GetMessages([file])
    return {name.rpartition(".")[2]: message for name, message in found.items()}


CLASSES = _messages()


def _parse(text: str, name: str) -> Any:
    return text_format.Parse(text, CLASSES[name]())


def _ssl_config(*files: pathlib.Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPT), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _pem(kind: str, body: str = "bWFkZSB1cA==") -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


@pytest.fixture
def pems(tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A key and a chain of two certificates."""
    key, chain = tmp_path / "tls.key", tmp_path / "tls.crt"
    key.write_text(_pem("RSA PRIVATE KEY"), encoding="utf-8")
    chain.write_text(_pem("CERTIFICATE", "b25l") + _pem("CERTIFICATE", "dHdv"), encoding="utf-8")
    return key, chain


def test_the_models_config_serves_the_newest_version_of_the_contracts_model() -> None:
    text = (CONFIG / "models.config").read_text(encoding="utf-8")
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.model_platform) == (contract.MODEL_NAME, "tensorflow")
    assert model.base_path == f"/models/{contract.MODEL_NAME}"
    assert model.model_version_policy.latest.num_versions == 1


def test_prometheus_reads_the_metrics_where_the_pods_say() -> None:
    config = _parse((CONFIG / "monitoring.config").read_text(encoding="utf-8"), "MonitoringConfig")
    assert config.prometheus_config.enable
    deployment = (DEPLOY / "kubernetes" / "base" / "deployment.yaml").read_text(encoding="utf-8")
    assert f"prometheus.io/path: {config.prometheus_config.path}\n" in deployment


def test_a_field_that_the_server_does_not_know_is_found() -> None:
    with pytest.raises(text_format.ParseError, match="enabled"):
        _parse("prometheus_config { enabled: true }", "MonitoringConfig")


def test_the_example_of_an_ssl_config_has_every_field() -> None:
    config = _parse((DEPLOY / "ssl.config.example").read_text(encoding="utf-8"), "SSLConfig")
    assert [field.name for field, _ in config.ListFields()] == [name for name, *_ in MESSAGES["SSLConfig"]]


def test_no_server_batches_requests_that_have_a_scalar() -> None:
    """TF Serving's batching joins inputs along their first dimension and refuses those without one."""
    scalars = [tensor for signature in contract.SIGNATURES for tensor in signature.inputs if not tensor.shape]
    assert scalars
    for path in DEPLOY.rglob("*"):
        assert path.is_dir() or "enable_batching" not in path.read_text(encoding="utf-8"), path


def test_a_key_and_a_chain_become_an_ssl_config(pems: tuple[pathlib.Path, pathlib.Path]) -> None:
    done = _ssl_config(*pems)
    assert (done.returncode, done.stderr) == (0, "")
    config = _parse(done.stdout, "SSLConfig")
    assert config.server_key == pems[0].read_text(encoding="utf-8")
    assert config.server_cert == pems[1].read_text(encoding="utf-8")
    assert not config.client_verify
    assert not config.custom_ca


def test_a_clients_authority_makes_certificates_a_must(pems: tuple[pathlib.Path, pathlib.Path]) -> None:
    config = _parse(_ssl_config(*pems, pems[1]).stdout, "SSLConfig")
    assert config.client_verify
    assert config.custom_ca == pems[1].read_text(encoding="utf-8")


def test_what_stands_around_a_certificate_is_left_out(pems: tuple[pathlib.Path, pathlib.Path]) -> None:
    key, chain = pems
    chain.write_bytes(b'subject="C:\\shop"\r\n' + _pem("CERTIFICATE").replace("\n", "\r\n").encode() + b'"\n')
    assert _parse(_ssl_config(key, chain).stdout, "SSLConfig").server_cert == _pem("CERTIFICATE")


@pytest.mark.parametrize(
    ("order", "problem"),
    [((1, 0), "tls.crt holds no whole PRIVATE KEY"), ((0,), "1 arguments"), ((0, 0), "no whole CERTIFICATE")],
)
def test_files_that_make_no_ssl_config_are_refused_in_one_line(
    order: tuple[int, ...], problem: str, pems: tuple[pathlib.Path, pathlib.Path]
) -> None:
    done = _ssl_config(*(pems[place] for place in order))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("ssl-config.sh: ")
    assert problem in line


def test_half_a_key_is_refused(pems: tuple[pathlib.Path, pathlib.Path]) -> None:
    key, chain = pems
    key.write_text(_pem("PRIVATE KEY").rpartition("-----END")[0], encoding="utf-8")
    done = _ssl_config(key, chain)
    assert done.returncode == 2
    assert "no whole PRIVATE KEY" in done.stderr
