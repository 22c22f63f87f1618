"""Where a server listens, as it was given or as another server announces it."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from natsobj.settings import Settings

__all__ = ["Address", "Addresses"]


class Address(NamedTuple):
    """One server's address."""

    scheme: str
    """`nats`, `tls`, `ws` or `wss`."""
    host: str
    port: int
    path: str = ""
    certified: str = ""
    """The name that its certificate must have, where that is not `host`."""

    @property
    def name(self) -> str:
        """The name that its certificate must have."""
        return self.certified or self.host

    @property
    def websocket(self) -> bool:
        """Whether it is spoken to through WebSocket."""
        return self.scheme in ("ws", "wss")

    @property
    def url(self) -> str:
        """The address in the form in which it is given."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


_PORTS = {"ws": 80, "wss": 443}


def _parse(url: str) -> Address:
    """Read a URL without user info; raises `ValueError`."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 4222)
    if not parts.hostname:
        raise ValueError(url)
    return Address(parts.scheme, parts.hostname, port, parts.path)


_MOST = 256
"""The most announced servers that are kept."""


class Addresses:
    """The servers to try, as nats.go keeps them: those that were given, then those that they announce."""

    def __init__(self, settings: Settings) -> None:
        given = [_parse(url) for url in settings.servers]
        random.shuffle(given)
        self._given = frozenset(given)
        self._turn = given
        self._last: Address | None = None
        self.encrypted = settings.tls_required
        """Whether TLS is required: it was asked for, or an earlier connection had it."""

    def in_turn(self) -> list[Address]:
        """Return all of them, in the order to try: failed ones after others, the one used last at the end."""
        return list(self._turn)

    def is_announced(self, address: Address) -> bool:
        """Return whether it was announced by a server, not given."""
        return address not in self._given

    def failed(self, address: Address) -> None:
        """Try it after all others the next time."""
        self._turn.remove(address)
        self._turn.append(address)

    def use(self, address: Address, *, encrypted: bool) -> None:
        """Note what is connected now."""
        self.failed(address)
        self._last = address
        self.encrypted |= encrypted

    def learn(self, announced: Sequence[str], by: Address) -> None:
        """Take what a server announces of its cluster; of what was announced before only that stays.

        A bare IP address must show the certificate of the host that announces it, as in nats.go.
        """
        found = {address for text in announced[:_MOST] if (address := _announced(text, by)) is not None}
        if not found:
            return
        places = {(address.host, address.port) for address in self._given}
        kept = [each for each in self._turn if each in self._given | found or each == self._last]
        new = [each for each in found.difference(kept) if (each.host, each.port) not in places]
        random.shuffle(new)
        at = len(kept) - (self._last in kept)
        self._turn = kept[:at] + new + kept[at:]


def _announced(text: str, by: Address) -> Address | None:
    try:
        address = _parse(f"{by.scheme}://{text}")
    except ValueError:
        return None
    return address._replace(certified=by.name) if _is_ip(address.host) and not _is_ip(by.name) else address


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
