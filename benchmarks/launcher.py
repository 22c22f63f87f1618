"""Runs commands one after the other and says what each took. It is a process of its own, and a small one.

A process begins with the peak memory of the one that started it, so what it needed can only be told when it
was started by something smaller: this program, with nothing imported, has about 10 MiB.

stdin: {"commands": [[...]], "stdout": path, "stderr": path, "limit": seconds, "go_on": bool}
stdout: [{"code", "wall", "cpu", "peak", "said"}]; unless told to go on, the first that fails is the last
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

BLOCK = 1 << 20
LAST_WORDS = 400
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def spawn(command: list[str], stderr: str) -> tuple[int, int]:
    """Start a command with its stdout in a pipe; the process id and the end to read from."""
    reader, writer = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writer, 1),
        (os.POSIX_SPAWN_OPEN, 2, stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    pid = os.posix_spawnp(
        command[0], command, os.environ, file_actions=actions, setsigdef=[signal.SIGPIPE, signal.SIGALRM]
    )
    os.close(writer)
    return pid, reader


def run(command: list[str], stdout: str, stderr: str, limit: float) -> dict[str, object]:
    """Run a command to its end, or kill it after `limit` seconds, and say what it took."""
    began = time.perf_counter()
    pid, reader = spawn(command, stderr)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    with open(stdout, "wb", buffering=0) as copy:  # noqa: PTH123  # pathlib would double this process
        while block := os.read(reader, BLOCK):
            copy.write(block)
    os.close(reader)
    _, status, usage = os.wait4(pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    wall = time.perf_counter() - began
    with open(stderr, errors="replace") as file:  # noqa: PTH123
        said = file.read()
    if wall >= limit:
        said = f"ended after {limit:.0f} s\n{said}"
    return {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * RSS_UNIT,
        "said": said[-LAST_WORDS:],
    }


def main() -> None:
    """Do what stdin asks for."""
    asked = json.load(sys.stdin)
    results = []
    for command in asked["commands"]:
        results.append(run(command, asked["stdout"], asked["stderr"], asked["limit"]))
        if results[-1]["code"] and not asked["go_on"]:
            break
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
