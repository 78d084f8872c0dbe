"""The embedded server's certificates."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class ServerTls:
    """Files in PEM form.

    Attributes:
        certificate: the server's, with its chain.
        key: its private key.
        client_ca: whose certificates a client must show (mutual TLS); None asks for none.
    """

    certificate: pathlib.Path
    key: pathlib.Path
    client_ca: pathlib.Path | None = None

    @staticmethod
    def of(certificate: str | None, key: str | None, client_ca: str | None) -> ServerTls | None:
        """From the command's options; None where none is given.

        Raises:
            InputError: a certificate without its key, a key or an authority without a certificate.
        """
        if certificate and key:
            return ServerTls(
                pathlib.Path(certificate), pathlib.Path(key), pathlib.Path(client_ca) if client_ca else None
            )
        if certificate or key or client_ca:
            missing = " and ".join(
                f"--tls-{name}" for name, value in (("certificate", certificate), ("key", key)) if not value
            )
            raise InputError(
                f"TLS needs {missing} too: the server's certificate and its private key, as PEM files"
            )
        return None

    def credentials(self) -> Any:
        """`grpc.ServerCredentials`.

        Raises:
            InputError: a file can't be read, or is no PEM.
        """
        import grpc

        authority = _pem(self.client_ca, "CERTIFICATE") if self.client_ca else None
        pair = _pem(self.key, "PRIVATE KEY"), _pem(self.certificate, "CERTIFICATE")
        return grpc.ssl_server_credentials(
            [pair], root_certificates=authority, require_client_auth=authority is not None
        )


def _pem(path: pathlib.Path, kind: str) -> bytes:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {error.strerror}; expected a PEM file of a {kind.lower()}"
        ) from error
    if f"{kind}-----".encode() not in text:
        raise InputError(f"{path} holds no {kind.lower()} in PEM form (-----BEGIN … {kind}-----)")
    return text
