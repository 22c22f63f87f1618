"""What a server says of itself: its INFO, which may hold anything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

__all__ = ["ServerInfo", "read_info"]

_DEFAULT_PAYLOAD = 1024 * 1024
_LEAST_PAYLOAD = 512
"""Bytes below which JetStream cannot even be asked."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The fields that count, each as it should be: one of another type is as good as missing."""

    server_id: str = ""
    """Another one after a restart."""
    server_name: str = ""
    version: str = ""
    cluster: str = ""
    nonce: str = ""
    """To be signed with the seed."""
    max_payload: int = _DEFAULT_PAYLOAD
    """Bytes of the largest message that it takes."""
    tls_required: bool = False
    tls_available: bool = False
    tls_verify: bool = False
    """It wants to see a certificate of ours."""
    connect_urls: tuple[str, ...] = ()
    """`HOST:PORT` of all servers in the cluster that it announces."""

    def is_older_than(self, version: tuple[int, int]) -> bool:
        """Return whether it is known to be older than a version."""
        numbers = re.match(r"v?(\d{1,9})\.(\d{1,9})", self.version)
        return numbers is not None and (int(numbers[1]), int(numbers[2])) < version


def read_info(text: bytes) -> ServerInfo:
    """Read the JSON after `INFO`.

    Raises:
        ValueError: it is not a JSON object, or the server accepts no messages.
    """
    try:
        said = json.loads(text)
    except RecursionError as e:
        raise ValueError("nested too deeply") from e
    if not isinstance(said, dict):
        raise ValueError("no object")
    fields: dict[str, object] = {}
    for name in ("server_id", "server_name", "version", "cluster", "nonce"):
        if isinstance(said.get(name), str):
            fields[name] = said[name]
    for name in ("tls_required", "tls_available", "tls_verify"):
        fields[name] = said.get(name) is True
    urls = said.get("connect_urls")
    if isinstance(urls, list):
        fields["connect_urls"] = tuple(url for url in urls if isinstance(url, str))
    most = said.get("max_payload")
    if isinstance(most, int) and not isinstance(most, bool):
        if most < _LEAST_PAYLOAD:
            raise ValueError("it takes no messages")
        fields["max_payload"] = most
    return ServerInfo(**fields)  # type: ignore[arg-type]
