"""A message as it came from the server, and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_VERSION = "NATS/1.0"
_DIGITS = 19
"""A number with this many digits was not made here."""


class Message(NamedTuple):
    """One message as it came; `headers` is empty if there are none."""

    subject: str
    reply: str
    headers: Mapping[str, str]
    data: bytes

    @property
    def status(self) -> str:
        """The status of an answer without a body, such as `503`; empty otherwise."""
        return "" if self.data else self.headers.get("Status", "")


def numbered(inbox: str, number: int) -> str:
    """Return the reply subject for one of many messages whose answers go to the same inbox.

    An inbox is `PREFIX.TOKEN`, where the token is hexadecimal (`Connection.receive`). A numbered one is
    `PREFIX.TOKEN-NUMBER`: the connection finds the receiver by what stands before the hyphen, and the
    receiver finds out which message is answered by what stands behind it.
    """
    return f"{inbox}-{number}"


def number_of(subject: str) -> int | None:
    """Return the number in a subject that `numbered` made, None when it has none."""
    token = subject.rpartition("-")[2]
    return int(token) if token.isdecimal() and len(token) < _DIGITS else None


def text_of(name: bytes) -> str:
    """Decode bytes that may not be UTF-8."""
    return name.decode(errors="surrogateescape")


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Write a message's headers (ADR-4)."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{_VERSION}\r\n{lines}\r\n".encode()


def parse_headers(head: bytes) -> dict[str, str]:
    """Read a message's headers; a status line gives `Status` and `Description` (ADR-4)."""
    first, *lines = text_of(head).split("\r\n")
    headers: dict[str, str] = {}
    if first != _VERSION:
        status, _, description = first[len(_VERSION) :].strip().partition(" ")
        if status:
            headers["Status"] = status
            if description:
                headers["Description"] = description
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return headers
