"""Starts a program under a kernel that refuses some of its calls, as some file systems do.

    python -m tests.refusing EPERM fchmod,fchmodat -- natsobj get ...

A seccomp filter, so that the program is the real one and no privilege is needed. Linux on x86-64 and ARM.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"fchmod": 91, "chmod": 90, "fchmodat": 268, "fchmodat2": 452, "link": 86, "linkat": 265}
    | {"fchown": 93, "rename": 82, "renameat": 264, "renameat2": 316},
    "aarch64": {"fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "linkat": 37, "fchown": 55}
    | {"renameat": 38, "renameat2": 276},
}
"""Of the system calls; a machine that has one by another name only has no entry for it."""

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse(calls: set[str], error: int) -> None:
    """Let calls of this process and its children fail from now on."""
    numbers = [number for name, number in NUMBERS[platform.machine()].items() if name in calls]
    steps = [(_LOAD, 0, 0, 0)]
    for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        steps.append((_JUMP_IF_EQUAL, left, 0, number))
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | error)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse(set(sys.argv[2].split(",")), getattr(errno, sys.argv[1]))
    os.execvp(sys.argv[4], sys.argv[4:])
