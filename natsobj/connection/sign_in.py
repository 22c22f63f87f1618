"""Our credentials and TLS files in the words of nats-py's `connect`."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from typing import Any

from natsobj.errors import InvalidArgument
from natsobj.settings import Settings


def connect_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments.

    Raises:
        InvalidArgument: a TLS file holds no certificate or key.
        OSError: it cannot be read.
    """
    options: dict[str, Any] = {}
    if settings.user is not None:
        options |= {"user": settings.user, "password": settings.password}
    elif settings.token is not None:
        options["token"] = settings.token
    if settings.jwt is not None and settings.seed is not None:
        jwt = settings.jwt.encode()
        options |= {"user_jwt_cb": lambda: bytearray(jwt), "signature_cb": _signer(settings.seed)}
    elif settings.seed is not None:
        options["nkeys_seed_str"] = settings.seed
    if settings.tls_required:
        options |= {"tls": _tls_context(settings), "tls_handshake_first": settings.tls_first}
    return options


def _signer(seed: str) -> Callable[[str], bytes]:
    def sign(nonce: str) -> bytes:
        import nkeys  # type: ignore[import-untyped]  # and slow: only where a seed is used

        keys = nkeys.from_seed(bytearray(seed.encode()))
        try:
            return base64.b64encode(keys.sign(nonce.encode()))
        finally:
            keys.wipe()

    return sign


def _tls_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except ssl.SSLError as e:
        raise InvalidArgument(f"not a certificate: {settings.tls_ca}") from e
    if settings.tls_cert is not None:
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except ssl.SSLError as e:
            raise InvalidArgument(
                f"not a certificate and its key: {settings.tls_cert}, {settings.tls_key}"
            ) from e
    return context
