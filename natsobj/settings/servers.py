"""The addresses of servers: their normal form, and the credential in them."""

from __future__ import annotations

import re

from natsobj.errors import InvalidArgument
from natsobj.settings.layers import Layer
from natsobj.settings.values import looks_secret

_SCHEMES = ("nats", "tls", "ws", "wss")
_LABEL = r"[A-Za-z0-9_-]{1,63}"
_STRAY = r"[\s\x00-\x1f\x7f?#\\]"
_ADDRESS = r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"


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


class _Invalid(ValueError):
    """Says what is wrong with a URL, and with which part of it."""

    def __init__(self, part: str, problem: str) -> None:
        self.part = part
        super().__init__(f"{part} {problem}" if part else problem)


def _server(url: str, whole: str, label: str) -> tuple[str, dict[str, str]]:
    """Split one URL of a list into its normal form and its credential."""
    try:
        return _split(url if "://" in url else f"nats://{url}")
    except ValueError as error:
        shown, reason = without_secrets(url, whole), "not [nats|tls|ws|wss]://HOST[:PORT]"
        if isinstance(error, _Invalid) and error.part in shown:  # else it may be a part of a password
            reason = str(error)
        raise InvalidArgument(f"invalid URL in {label}: {shown}: {reason}") from None


def _split(url: str) -> tuple[str, dict[str, str]]:
    from urllib.parse import unquote, urlsplit

    if re.search(_STRAY, url):
        raise ValueError
    parts = urlsplit(url)
    if not parts.scheme:
        raise ValueError
    if parts.scheme not in _SCHEMES:
        raise _Invalid(parts.scheme, "is not one of nats, tls, ws, wss")
    websocket = parts.scheme in ("ws", "wss")
    if "@" in parts.path or not (websocket or parts.path in ("", "/")):
        raise ValueError
    user, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
    if password and not user:
        raise ValueError
    for text in (user, password):
        text.encode()
    place = _place(parts.netloc.rpartition("@")[2], None if websocket else 4222)
    login = {"token": user} if parts.password is None else {"user": user, "password": password}
    path = parts.path.rstrip("/") if websocket else ""
    return f"{parts.scheme}://{place}{path}", login if user else {}


def _place(text: str, default: int | None) -> str:
    """Host and port in their normal form."""
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        host, port = _ipv6(address), rest.removeprefix(":")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError
    elif text.count(":") > 1 and re.fullmatch(_ADDRESS, text):
        raise _Invalid("", "put an IPv6 address in brackets")
    else:
        name, _, port = text.partition(":")
        host = _host_name(name)
    if port and not (port.isascii() and port.isdigit() and len(port) < 10 and 0 < int(port) < 65536):
        raise _Invalid(port, "is not a port number")
    number = int(port) if port else default
    return host if number is None else f"{host}:{number}"


def _ipv6(address: str) -> str:
    from ipaddress import IPv6Address

    try:
        IPv6Address(address.replace("%25", "%"))
    except ValueError:
        raise _Invalid(address, "is not an IPv6 address") from None
    return f"[{address.replace('%25', '%').lower()}]"


def _host_name(name: str) -> str:
    """A name or an IPv4 address in lower case and, as DNS has it, in ASCII."""
    if not name:
        raise _Invalid("", "the host is missing")
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    labels = ascii_name.removesuffix(".").split(".")
    if (
        not name.isprintable()
        or len(ascii_name) > 254
        or not all(re.fullmatch(_LABEL, label) for label in labels)
    ):
        raise _Invalid(name, "is not a host name")
    return ascii_name.lower()


def without_secrets(url: str, whole: str) -> str:
    """The URL (or what was taken for one) as messages may show it.

    Where a comma in a password may have split it, that is the whole list.
    """
    if looks_secret(whole):
        return "a text that is none"
    doubtful = any("@" in part and "://" not in part for part in whole.split(",")[1:])
    text = whole if doubtful else url
    scheme = re.match("(?:nats|tls|wss?)://|", text, re.IGNORECASE)
    start = scheme.end() if scheme else 0
    return text[:start] + text[start:].rpartition("@")[2]
