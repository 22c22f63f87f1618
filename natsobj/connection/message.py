"""A message as it came from the server."""

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
