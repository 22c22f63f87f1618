"""The program while it runs, with whoever feeds it and whoever reads what it writes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from tests.program import Result

END_WITHIN = 60.0
"""Seconds after which a program hangs; every promise is kept long before."""

_PIECE = 64 * 1024
_LOOK = 0.001


class Running:
    """One process of the program.

    Args:
        feed: is written to its standard input, which ends behind it; None leaves that to the test.
        read_output: standard output is read as fast as it comes; else that is left to the test.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], *, feed: bytes | None = b"", read_output: bool
    ) -> None:
        self.process = process
        self.received = bytearray()
        """Standard output so far."""
        self._said = bytearray()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        if feed is not None:
            self._threads.append(threading.Thread(target=self._feed, args=(feed,), daemon=True))
        if read_output:
            self._threads.append(threading.Thread(target=self._collect, daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    async def end(self, within: float = END_WITHIN) -> Result:
        """Wait for its end; the test fails when it hangs, or shows a traceback."""
        code = await asyncio.to_thread(self.process.wait, within)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, END_WITHIN)
        said = self._said.decode(errors="replace")
        assert "Traceback" not in said, said
        return Result(code, bytes(self.received), said)

    async def until(self, reached: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for something to become true; False when the program ends before."""
        async with asyncio.timeout(END_WITHIN):
            while not await reached():
                if not self.alive:
                    return False
                await asyncio.sleep(_LOOK)
        return True

    async def ready_for_signals(self) -> bool:
        """Wait until it handles SIGTERM itself; until then a signal ends any program at once."""

        async def handles() -> bool:
            return _handles(self.process.pid, signal.SIGTERM)

        return await self.until(handles)

    def close(self) -> None:
        """Kill it if it still runs, and let go of its streams."""
        self.process.kill()
        self.process.wait(END_WITHIN)
        for thread in self._threads:
            thread.join(END_WITHIN)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _feed(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        with suppress(OSError), self.process.stdin as stdin:  # it went away: its exit code tells why
            for start in range(0, len(view), _PIECE):
                stdin.write(view[start : start + _PIECE])

    def _collect(self) -> None:
        assert self.process.stdout is not None
        while part := self.process.stdout.read1(_PIECE):  # type: ignore[attr-defined]
            self.received += part

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while part := self.process.stderr.read1(_PIECE):  # type: ignore[attr-defined]
            self._said += part


def _handles(pid: int, number: signal.Signals) -> bool:
    """Say whether a process has a handler of its own (Linux tells; elsewhere it is assumed)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return True
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
