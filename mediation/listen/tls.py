"""TLS of the server: who it is, and whose certificates it takes."""

from __future__ import annotations

import ssl
from pathlib import Path

from contracts.errors import UserError


def tls_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later. With `client_ca`: only clients with its certificate. Raises UserError on unusable files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        where = f"{certificate}, {key}"
        remedy = "give a PEM certificate and its own key, not encrypted and readable for this user"
        raise UserError(f"cannot be used for TLS: {error}", where=where, remedy=remedy) from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise UserError(
                f"cannot be used for TLS: {error}", where=str(client_ca), remedy="give the authority's PEM certificate"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")
