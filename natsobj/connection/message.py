"""A message as it came from the server, and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Message(NamedTuple):
    """One message as it came; `headers` is empty where there are none."""

    subject: str
    reply: str
    headers: Mapping[str, str]
    data: bytes

    @property
    def status(self) -> str:
        """The status of an answer without a body, such as `503`; empty otherwise."""
        return "" if self.data else self.headers.get("Status", "")


def text_of(name: bytes) -> str:
    """Read what may be no UTF-8."""
    return name.decode(errors="surrogateescape")


def parse_headers(head: bytes) -> dict[str, str]:
    """Read a message's headers; a status line gives `Status` and `Description` (ADR-4)."""
    first, *lines = text_of(head).split("\r\n")
    headers: dict[str, str] = {}
    status, _, description = first[len("NATS/1.0") :].strip().partition(" ")
    if status:
        headers["Status"] = status
        if description:
            headers["Description"] = description
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return headers
