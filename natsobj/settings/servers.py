"""The addresses of servers: their normal form, and the credential in them."""

from __future__ import annotations

import re

from natsobj.errors import InvalidArgument
from natsobj.settings.layers import Layer

_HOST = re.compile(r"[\w.-]+|[0-9a-f]*:[0-9a-f:.]+(?:%.+)?")
"""A name, an IPv4 or an IPv6 address."""


def read_servers(layer: Layer) -> tuple[tuple[str, ...], dict[str, str]]:
    """The URLs of a layer without their user info, and the credential that this is."""
    label, text = layer.labels["server"], layer.values["server"]
    pairs = [_server(url.strip(), text, label) for url in text.split(",") if url.strip()]
    urls = tuple(url for url, _ in pairs)
    if len({url.startswith("ws") for url in urls}) != 1:
        raise InvalidArgument(f"{label} {'mixes WebSocket with other URLs' if urls else 'names no server'}")
    logins = [login for _, login in pairs if login]
    if any(login != logins[0] for login in logins):
        raise InvalidArgument(f"{label} has more than one credential")
    return urls, logins[0] if logins else {}


def _server(url: str, whole: str, label: str) -> tuple[str, dict[str, str]]:
    """Split one URL of a list into its normal form and its credential."""
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        host, port, websocket = parts.hostname or "", parts.port, parts.scheme in ("ws", "wss")
        user, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
        stray = re.search(r"[\s\x00-\x1f\x7f?#\\]", url) or "@" in parts.path or (password and not user)
        known = websocket or parts.scheme in ("nats", "tls")
        if not known or stray or port == 0 or not _HOST.fullmatch(host):
            raise ValueError
    except ValueError:
        form = "not [nats|tls|ws|wss]://HOST[:PORT]"
        raise InvalidArgument(f"impossible URL in {label}: {without_secrets(url, whole)}: {form}") from None
    place = f"[{host.replace('%25', '%')}]" if ":" in host else host
    place += f":{port or 4222}" if port or not websocket else ""
    place += parts.path.rstrip("/") if websocket else ""
    login = {"token": user} if parts.password is None else {"user": user, "password": password}
    return f"{parts.scheme}://{place}", login if user else {}


def without_secrets(url: str, whole: str) -> str:
    """The URL as messages may show it; where a comma in a password may have split it, the whole list."""
    doubtful = any("@" in part and "://" not in part for part in whole.split(",")[1:])
    text = whole if doubtful else url
    scheme = re.match("(?:nats|tls|wss?)://|", text, re.IGNORECASE)
    start = scheme.end() if scheme else 0
    return text[:start] + text[start:].rpartition("@")[2]
