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
            object.__setattr__(self, f"_{name}", None if path is None else _read(name, pathlib.Path(path)))
        self._check()

    def credentials(self) -> Any:
        """The `grpc.ChannelCredentials`."""
        import grpc

        return grpc.ssl_channel_credentials(self._ca, self._key, self._certificate)

    def _check(self) -> None:
        """Finds now what gRPC would tell at the first request, as a server that isn't there."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca is not None and self._ca is not None:
            try:
                context.load_verify_locations(cadata=self._ca.decode("ascii"))
            except (ssl.SSLError, ValueError):
                raise InputError(f"tls ca: {self.ca} holds no certificate; expected PEM") from None
        if self.certificate is None or self.key is None:
            return
        try:
            # An empty passphrase instead of a question at the terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: b"")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InputError(f"tls: {self.key} is not the key of {self.certificate}") from None
            raise InputError(
                f"tls: {self.certificate} and {self.key} can't be used; expected PEM of a certificate, and of "
                "its key without a passphrase"
            ) from None


def _read(name: str, path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"tls {name}: {path} can't be read: {error.strerror}") from None
