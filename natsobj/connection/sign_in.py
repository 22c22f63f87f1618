"""Signing in: the CONNECT command, and the TLS context."""

from __future__ import annotations

import base64
import json
import ssl

from natsobj.connection.info import ServerInfo
from natsobj.errors import InvalidArgument
from natsobj.settings import Settings

__all__ = ["connect_command", "tls_context"]


def connect_command(settings: Settings, info: ServerInfo, *, encrypted: bool) -> bytes:
    """Return the command that signs in; a seed stays here, only the server's nonce is signed with it."""
    options: dict[str, object] = {
        "name": "natsobj",
        "lang": "python",
        "protocol": 1,
        "verbose": False,
        "pedantic": False,
        "headers": True,
        "no_responders": True,
        "echo": True,
        "tls_required": encrypted,
    }
    if settings.seed is not None and info.nonce:
        options |= _signed(settings.seed, settings.jwt, info.nonce)
    if settings.user is not None:
        options |= {"user": settings.user, "pass": settings.password}
    elif settings.token is not None:
        options["auth_token"] = settings.token
    return b"CONNECT " + json.dumps(options).encode() + b"\r\n"


def _signed(seed: str, jwt: str | None, nonce: str) -> dict[str, object]:
    import nkeys  # type: ignore[import-untyped]  # and slow: only where a seed is used

    keys = nkeys.from_seed(bytearray(seed.encode()))
    try:
        signature = base64.b64encode(keys.sign(nonce.encode())).decode()
        who = {"jwt": jwt} if jwt is not None else {"nkey": keys.public_key.decode()}
        return {**who, "sig": signature}
    finally:
        keys.wipe()


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return what TLS is made with.

    Raises:
        InvalidArgument: a TLS file holds no certificate or key.
        OSError: it cannot be read.
    """
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
