"""Who a client trusts, and who it says it is."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any

from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Tls:
    """An encrypted connection to a server that proves who it is, and to one that asks the same of its clients.

    Example:
        >>> Client("search.shop:8500", tls=Tls(ca="ca.pem", certificate="client.pem", key="client.key"))

    The files are read once, here: a rotated certificate takes a new `Tls` and a new client.

    Attributes:
        ca: PEM of the authorities that may vouch for the server; None is gRPC's own list.
        certificate: PEM of the client's certificate and those between it and its authority, for a server that
            demands one (mutual TLS); None is no certificate.
        key: PEM of the certificate's key, without a passphrase.
        server_name: the name that the server's certificate must hold; None is the target's host.

    Raises:
        InputError: a file can't be read or is no such PEM, or certificate and key are not a pair.
    """

    ca: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    server_name: str | None = None
    _ca: bytes | None = dataclasses.field(init=False, repr=False, compare=False)
    _certificate: bytes | None = dataclasses.field(init=False, repr=False, compare=False)
    _key: bytes | None = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            came, lacks = ("key", "certificate") if self.certificate is None else ("certificate", "key")
            raise InputError(
                f"tls has a {came} without a {lacks}; give both, or neither where the server asks none"
            )
        for name in ("ca", "certificate", "key"):
            path = getattr(self, name)
            object.__setattr__(self, f"_{name}", None if path is None else read_file(name, path))
        self._check()

    def credentials(self) -> Any:
        """The `grpc.ChannelCredentials`."""
        import grpc

        return grpc.ssl_channel_credentials(self._ca, self._key, self._certificate)

    def _check(self) -> None:
        """Finds now what gRPC would tell at the first request, as a server that isn't there."""
        if self.ca is not None and self._ca is not None:
            check_authorities(self.ca, self._ca)
        if self.certificate is not None and self.key is not None:
            check_pair(self.certificate, self.key)


def read_file(name: str, path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file that is meant by `name`; InputError where it can't be read."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"tls {name}: {path} can't be read: {error.strerror}") from None


def check_authorities(path: str | os.PathLike[str], pem: bytes) -> None:
    """Raises InputError where the bytes of a file are no certificates in PEM form."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise InputError(f"tls ca: {path} holds no certificate; expected PEM") from None


def check_pair(certificate: str | os.PathLike[str], key: str | os.PathLike[str]) -> None:
    """Raises InputError where two files are no certificate in PEM form and its own key, without a passphrase."""
    import ssl

    try:
        # An empty passphrase instead of a question at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError(f"tls: {key} is not the key of {certificate}") from None
        raise InputError(
            f"tls: {certificate} and {key} can't be used; expected PEM of a certificate, and of "
            "its key without a passphrase"
        ) from None
