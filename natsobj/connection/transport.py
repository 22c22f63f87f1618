"""The transport below a lane: one of asyncio, or one that carries the same bytes over WebSocket."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Protocol

__all__ = ["Transport", "held_by_system"]


class Transport(Protocol):
    """What the lane needs of a transport."""

    def write(self, data: bytes) -> None: ...
    def writelines(self, list_of_data: list[bytes]) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def set_write_buffer_limits(self, high: int) -> None: ...
    def get_extra_info(self, name: str) -> Any: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def held_by_system(transport: Transport) -> int:
    """Return how many bytes the kernel has not sent, or not seen acknowledged; 0 where it cannot tell."""
    try:
        import fcntl
        import termios
    except ImportError:  # Windows
        return 0
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be closed
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)
    return 0
