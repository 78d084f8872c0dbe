"""The client and a server that must prove who they are; nothing is sent to one that can't."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import ipaddress
import pathlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from aisle.schema.errors import InputError
from aisle.serving import AsyncClient, Client, GrpcTransport, Retry, ServingError, Tls, Unreachable, Untrusted
from aisle.serving.testing import FakeTransport

x509 = pytest.importorskip("cryptography.x509", reason="makes the certificates")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Identity:
    """A certificate and its key, in memory and as files."""

    certificate: Any
    key: Any
    certificate_path: pathlib.Path
    key_path: pathlib.Path


def issue(folder: pathlib.Path, name: str, by: Identity | None = None, days: int = 1) -> Identity:
    """A certificate for `name`.localhost and 127.0.0.1, valid since two days for `days` from now; its own authority
    if it is `by` none."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName(f"{name}.localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(by is None, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(by.key if by else key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Identity(certificate, key, certificate_path, key_path)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    folder = tmp_path_factory.mktemp("certificates")
    ca, stranger = issue(folder, "ca"), issue(folder, "stranger")
    return {
        "ca": ca,
        "stranger": stranger,
        "server": issue(folder, "server", ca),
        "expired": issue(folder, "expired", ca, days=-1),
        "client": issue(folder, "client", ca),
    }


Serve = Callable[..., tuple[str, FakeTransport]]


@pytest.fixture
def serve(identities: dict[str, Identity], fake_server: Callable[..., tuple[Any, str]]) -> Serve:
    """Starts a server with the certificate of that name, or in plain text, and says what reached it."""

    def start(name: str | None, mutual: bool = False) -> tuple[str, FakeTransport]:
        fake, credentials = FakeTransport({"search": [("a", 1.0)]}), None
        if name is not None:
            one = identities[name]
            pair = (one.key_path.read_bytes(), one.certificate_path.read_bytes())
            ca = identities["ca"].certificate_path.read_bytes() if mutual else None
            credentials = grpc.ssl_server_credentials([pair], ca, mutual)
        return fake_server(fake, credentials=credentials)[1], fake

    return start


def tls(identities: dict[str, Identity], ca: str = "ca", own: str | None = None, **options: Any) -> Tls:
    if own is not None:
        options |= {"certificate": identities[own].certificate_path, "key": identities[own].key_path}
    return Tls(ca=str(identities[ca].certificate_path), **options)


def search(target: str, secure: Tls | None, attempts: int | None = None) -> list[str]:
    with Client(target, tls=secure, timeout=120, retry=Retry(attempts)) as client:
        return [item.item_id for item in client.search("x", k=1)]


def test_a_server_of_a_trusted_authority_is_asked(identities: dict[str, Identity], serve: Serve) -> None:
    target, _ = serve("server")
    assert search(target, tls(identities)) == ["a"]
    assert search(target, tls(identities, server_name="server.localhost")) == ["a"]


def test_a_server_may_demand_the_clients_certificate(identities: dict[str, Identity], serve: Serve) -> None:
    target, reached = serve("server", mutual=True)
    assert search(target, tls(identities, own="client")) == ["a"]
    for refused in (tls(identities), tls(identities, own="stranger")):
        with pytest.raises(Unreachable, match="may want TLS, or a client's certificate"):
            search(target, refused, attempts=2)
    assert len(reached.requests) == 1


def test_the_client_for_asyncio_takes_the_same(identities: dict[str, Identity], serve: Serve) -> None:
    async def ask(target: str, secure: Tls) -> list[str]:
        async with AsyncClient(target, tls=secure, timeout=120) as client:
            return [item.item_id for item in await client.search("x", k=1)]

    mutual = tls(identities, own="client", server_name="server.localhost")
    assert asyncio.run(ask(serve("server", mutual=True)[0], mutual)) == ["a"]
    with pytest.raises(Untrusted):
        asyncio.run(ask(serve("expired")[0], mutual))


@pytest.mark.parametrize(
    ("server", "options"),
    [
        ("expired", {}),
        ("server", {"ca": "stranger"}),
        ("server", {"server_name": "another.localhost"}),
        (None, {}),
    ],
    ids=["expired", "another authority", "another name", "plain text"],
)
def test_an_untrusted_server_is_sent_nothing_and_is_not_asked_again(
    server: str | None, options: dict[str, str], identities: dict[str, Identity], serve: Serve
) -> None:
    target, reached = serve(server)
    with pytest.raises(Untrusted, match=target) as raised:
        search(target, tls(identities, **options))
    assert "\n" not in str(raised.value)
    assert not reached.requests


def test_plain_text_to_a_server_with_tls_fails_and_says_so(
    identities: dict[str, Identity], serve: Serve
) -> None:
    target, reached = serve("server")
    with pytest.raises(ServingError, match="may want TLS"):
        search(target, None, attempts=2)
    assert not reached.requests


def test_what_can_not_be_used_is_named_before_anything_is_asked(
    identities: dict[str, Identity], tmp_path: pathlib.Path
) -> None:
    client, other = identities["client"], identities["server"]
    locked, empty = tmp_path / "locked.key", tmp_path / "empty.pem"
    locked.write_bytes(
        client.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    empty.touch()
    certificate = client.certificate_path
    for options, named in (
        ({"ca": tmp_path / "none.pem"}, "none.pem can't be read: No such file"),
        ({"ca": tmp_path}, "can't be read: Is a directory"),
        ({"ca": empty}, "empty.pem holds no certificate"),
        ({"ca": client.key_path}, "client.key holds no certificate"),
        ({"certificate": certificate}, "a certificate without a key"),
        ({"key": client.key_path}, "a key without a certificate"),
        ({"certificate": certificate, "key": other.key_path}, "server.key is not the key of"),
        ({"certificate": certificate, "key": locked}, "without a passphrase"),
        ({"certificate": empty, "key": client.key_path}, "expected PEM"),
    ):
        with pytest.raises(InputError, match=named):
            Tls(**options)


def test_the_files_are_read_once(
    identities: dict[str, Identity], tmp_path: pathlib.Path, serve: Serve
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(identities["ca"].certificate_path.read_bytes())
    secure = Tls(ca)
    ca.unlink()
    assert search(serve("server")[0], secure) == ["a"]


def test_a_transport_has_its_own_tls() -> None:
    for client in (Client, AsyncClient):
        with pytest.raises(InputError, match="tls came with a transport"):
            client("shop:8500", tls=Tls(), transport=FakeTransport())


def test_a_transport_of_ones_own_takes_tls(identities: dict[str, Identity], serve: Serve) -> None:
    target, _ = serve("server")
    with Client(target, timeout=300, transport=GrpcTransport(target, 4 << 20, tls(identities))) as client:
        assert client.search("x", k=1)[0].item_id == "a"
