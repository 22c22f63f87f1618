"""Which requests are answered: those for one of this machine's names, and those that have the token."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import secrets
from collections.abc import Mapping

__all__ = ["CHALLENGE", "is_authorised", "is_local"]

CHALLENGE = 'Basic realm="natsobj", charset="UTF-8"'
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d+)?", re.IGNORECASE)


def is_local(host: str) -> bool:
    """Return whether a `Host` header, with a port or without, is a name of this machine itself.

    Another site can let its own name resolve to this machine; that name tells its requests apart.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_authorised(headers: Mapping[str, str], token: str) -> bool:
    """Return whether a request has the token: as a bearer token, or as the password of any user."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    match kind.lower():
        case "bearer":
            secret = given.strip(" \t").encode("latin-1", "replace")  # others may be parts of a letter
        case "basic":
            try:
                secret = base64.b64decode(given.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return False
        case _:
            return False
    return secrets.compare_digest(secret, token.encode(errors="surrogateescape"))
