"""TLS: whose certificates argosy trusts. The system's, so that a company's proxy works, and those that are named."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from argosy.errors import UsageError

if TYPE_CHECKING:
    import ssl

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The variables that name certificates to trust besides the system's: a file, or a folder that OpenSSL has hashed."""


def context() -> ssl.SSLContext:
    """Return the context for every connection that argosy opens itself; raise UsageError if a bundle is unreadable."""
    return _trusting(tuple((each, place) for each in _BUNDLES if (place := os.environ.get(each))))


@cache
def _trusting(bundles: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    """Return a context that trusts the system's certificates, which take 0.1 s to read, and those of the variables."""
    # Slow to import, and most commands open no connection.
    import ssl  # noqa: PLC0415

    import truststore  # noqa: PLC0415

    made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for variable, place in bundles:
        try:
            if Path(place).is_dir():
                made.load_verify_locations(capath=place)
            else:
                made.load_verify_locations(cafile=place)
        except OSError as error:
            raise UsageError(
                f"{variable} names {place}, which holds no certificates: {error.strerror or error}.",
                "Name a file in PEM format, or unset the variable.",
            ) from error
    return made
