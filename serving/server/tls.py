"""The embedded server's certificates."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from aisle.schema.errors import InputError
from aisle.serving.tls import check_authorities, check_pair, read_file


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
            InputError: a file can't be read or is no such PEM, or certificate and key are not a pair.
        """
        import grpc

        pair = read_file("key", self.key), read_file("certificate", self.certificate)
        check_pair(self.certificate, self.key)
        authority = read_file("client ca", self.client_ca) if self.client_ca else None
        if self.client_ca and authority is not None:
            check_authorities(self.client_ca, authority)
        return grpc.ssl_server_credentials(
            [pair], root_certificates=authority, require_client_auth=authority is not None
        )
