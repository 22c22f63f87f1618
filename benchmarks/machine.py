"""What the benchmarks run on: a place for their files, and the words that describe the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DISK", "MEMORY", "Place", "describe", "find_place"]

MEMORY = "memory"
DISK = "disk"

IN_MEMORY = {"tmpfs", "ramfs"}
SPARE = 1 << 30
"""Bytes of memory that stay for the programs themselves."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for the server's store and all files."""

    folder: Path
    kind: str
    """MEMORY or DISK."""
    file_system: str
    note: str = ""
    """Why it is not what was wanted."""


def find_place(room: int, *, disk: bool) -> Place:
    """Find a place with `room` bytes: in memory where there is one, unless it shall be a disk."""
    if not disk and _free_memory() >= room + SPARE:
        for folder in (Path("/dev/shm"), *_temporary_folders()):
            if _has_room(folder, room) and (file_system := _file_system(folder)) in IN_MEMORY:
                return Place(folder, MEMORY, file_system)
    note = "" if disk else f"no file system in memory has {room / 2**30:.1f} GiB to spare"
    for folder in _temporary_folders():
        if _has_room(folder, room) and (file_system := _file_system(folder)) not in IN_MEMORY:
            return Place(folder, DISK, file_system, note)
    raise SystemExit(f"benchmarks: {room / 2**30:.1f} GiB are needed: name a folder with TMPDIR")


def _temporary_folders() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    yield Path("/var/tmp")
    yield Path.cwd()


def _has_room(folder: Path, room: int) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= room


def _file_system(folder: Path) -> str:
    """Name the type of the file system that a folder is on; "disk" where the system does not say."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "disk"
    types = {}
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, where, kind, *_ = line.split()
        types[Path(where)] = kind
    return next(
        (types[each] for each in (folder.resolve(), *folder.resolve().parents) if each in types), "disk"
    )


def _free_memory() -> int:
    """Give the bytes that programs could still take; 0 where the system does not say."""
    memory = Path("/proc/meminfo")
    if memory.exists():
        for line in memory.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    return 0


def describe() -> str:
    """Say in one line what this machine is: cores, processor, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    parts = (
        f"{os.cpu_count()} cores",
        _processor(),
        f"{memory / 2**30:.0f} GiB of memory",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
    )
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    """Name the processor."""
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    info = Path("/proc/cpuinfo")
    for line in info.read_text(encoding="utf-8").splitlines() if info.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return platform.machine()
