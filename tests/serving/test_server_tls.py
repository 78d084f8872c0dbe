"""The server's certificates: clear refusals, and mutual TLS over a real connection."""

from __future__ import annotations

import concurrent.futures
import datetime
import ipaddress
import pathlib

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aisle.schema.errors import InputError
from aisle.serving.server.tls import ServerTls

METHOD = "/test/Echo"


def make_pair(folder: pathlib.Path, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return paths


def call(target: str, credentials: grpc.ChannelCredentials) -> bytes:
    with grpc.secure_channel(target, credentials) as channel:
        return bytes(channel.unary_unary(METHOD)(b"hello", timeout=120))


def test_with_an_authority_only_clients_that_it_signed_are_answered(tmp_path: pathlib.Path) -> None:
    server_pair, client_pair = make_pair(tmp_path, "server"), make_pair(tmp_path, "client")
    tls = ServerTls(*server_pair, client_ca=client_pair[0])
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test", {"Echo": echo})])
    target = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', tls.credentials())}"
    server.start()
    try:
        root = server_pair[0].read_bytes()
        shown = grpc.ssl_channel_credentials(root, client_pair[1].read_bytes(), client_pair[0].read_bytes())
        assert call(target, shown) == b"hello"
        with pytest.raises(grpc.RpcError) as refused:
            call(target, grpc.ssl_channel_credentials(root))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (("c.pem", None, None), "--tls-key"),
        ((None, "c.key", None), "--tls-certificate"),
        ((None, None, "ca.pem"), "--tls-certificate and --tls-key"),
    ],
)
def test_half_of_a_pair_is_refused(given: tuple[str | None, str | None, str | None], missing: str) -> None:
    with pytest.raises(InputError, match=f"^TLS needs {missing} too"):
        ServerTls.of(*given)


def test_nothing_given_is_plain_text() -> None:
    assert ServerTls.of(None, None, None) is None


def test_a_file_that_is_missing_or_no_pem_is_named(tmp_path: pathlib.Path) -> None:
    certificate, key = make_pair(tmp_path, "server")
    with pytest.raises(InputError, match=r"gone\.pem can't be read: No such file"):
        ServerTls(tmp_path / "gone.pem", key).credentials()
    with pytest.raises(InputError, match=r"server\.pem can't be used; expected PEM of a certificate"):
        ServerTls(certificate, certificate).credentials()
    other = make_pair(tmp_path / "other", "server")[1]
    with pytest.raises(InputError, match="is not the key of"):
        ServerTls(certificate, other).credentials()
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(InputError, match=r"ca\.pem holds no certificate; expected PEM"):
        ServerTls(certificate, key, tmp_path / "ca.pem").credentials()
