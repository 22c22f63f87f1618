"""The state of an upload in a private file, from which the next run continues.

Each upload has one file, which is replaced in one step at each change, and a second one next to it that is
locked while a process works on the upload.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

from natsobj.errors import TransferUnderWay
from natsobj.files.folder import Folder, identity
from natsobj.files.keeping import lock

__all__ = ["Mark", "StateFile", "UploadState", "open_state"]

log = logging.getLogger(__name__)

_VERSION = 1
_MOST = 64 * 1024
"""More bytes than any such file has."""
_PRIVATE_FOLDER = 0o700
_PRIVATE = 0o600
_OTHERS = 0o077
_FORGOTTEN = 90 * 86400
"""Seconds after which nobody will resume an upload; `gc` removes its chunks."""
_NUID = re.compile(r"[A-Za-z0-9]{22}")


class Mark(NamedTuple):
    """The chunks that were acknowledged at some moment."""

    chunks: int
    """How many."""
    sequence: int
    """The sequence of the last one in the stream."""
    sha256: str
    """The SHA-256 of all their bytes, in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """What an upload stores, and how far it is."""

    nuid: str
    chunk_size: int
    ttl: int
    """Seconds after which a chunk expires; 0: never."""
    size: int
    """The size of the file."""
    mtime: int
    """The file's modification time, in nanoseconds."""
    ctime: int
    """The file's change time, in nanoseconds."""
    chunks: int = 0
    """How many were acknowledged."""
    sequence: int = 0
    """The sequence of the last of them in the stream."""
    sha256: str = hashlib.sha256().hexdigest()
    """The SHA-256 of all acknowledged bytes, in hex."""
    inbox: str = ""
    """The private subject of the connection over which something may still be under way."""
    marks: tuple[Mark, ...] = ()
    """Earlier marks, the newest last: a server that loses power may lose what it has acknowledged."""
    committing: int = -1
    """Set before the record is published: the sequence of the record to replace, or 0 for none."""

    @property
    def beginning(self) -> UploadState:
        """The state before anything was stored."""
        same = ("nuid", "chunk_size", "ttl", "size", "mtime", "ctime")
        return UploadState(**{name: getattr(self, name) for name in same})

    @property
    def mark(self) -> Mark:
        """The mark of everything acknowledged."""
        return Mark(self.chunks, self.sequence, self.sha256)

    @property
    def acknowledged(self) -> int:
        """Acknowledged bytes."""
        return min(self.size, self.chunks * self.chunk_size)


class StateFile:
    """The state file of one upload, whose lock we hold."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self.state = self._read()
        """What the file says; None if there is none, or if it makes no sense."""

    def write(self, state: UploadState) -> None:
        """Replace the state in one step: a crash leaves either the old one or the new one.

        Raises:
            OSError: it cannot be written; the old state stays.
        """
        fresh = f"{self._name}.new"
        self._folder.remove(fresh)
        descriptor = self._folder.create(fresh, _PRIVATE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps({"version": _VERSION, **asdict(state)}).encode())
                file.flush()
                os.fsync(descriptor)
            self._folder.replace(fresh, self._name)
        except BaseException:
            self._folder.remove(fresh)
            raise
        self.state = state

    def forget(self) -> None:
        """Remove the file: the upload is done, or nothing is left of it."""
        self._folder.remove(self._name)
        self.state = None

    def _read(self) -> UploadState | None:
        try:
            with os.fdopen(self._folder.open_file(self._name), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                    return None
                text = file.read(_MOST)
        except OSError:
            return None
        try:
            return _decode(json.loads(text))
        except (ValueError, TypeError, RecursionError) as e:
            log.debug("the state of an upload makes no sense: %s", e)
            return None


@contextlib.contextmanager
def open_state(folder: Path, upload: Sequence[str], what: str) -> Iterator[StateFile]:
    """Lock and open the state of an upload; the folder is created if it is missing.

    Args:
        upload: everything that identifies it.
        what: its name in messages.

    Raises:
        TransferUnderWay: another process works on the same upload.
        OSError: the folder cannot be written to.
    """
    folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    if folder.stat().st_mode & _OTHERS:
        folder.chmod(_PRIVATE_FOLDER)
    name = hashlib.sha256(json.dumps(list(upload)).encode()).hexdigest()
    with Folder.open(str(folder)) as opened, _locked(opened, f"{name}.lock", what):
        _forget_old(opened)
        yield StateFile(opened, f"{name}.json")


def _forget_old(folder: Folder) -> None:
    """Remove the states of uploads that nobody has resumed for a long time."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder.path):
            status = folder.status(name)
            if name.endswith(".json") and status is not None and time.time() - status.st_mtime > _FORGOTTEN:
                folder.remove(name)


@contextlib.contextmanager
def _locked(folder: Folder, name: str, what: str) -> Iterator[None]:
    """Hold a lock file, which exists only while somebody holds it."""
    while True:
        with contextlib.suppress(FileExistsError):
            os.close(folder.create(name, _PRIVATE))
        try:
            descriptor = folder.open_file(name, write=True)
        except FileNotFoundError:  # its holder has just removed it
            continue
        try:
            if not lock(descriptor):
                raise TransferUnderWay(what)
            there = folder.status(name)
            if there is None or identity(there) != identity(os.fstat(descriptor)):
                continue
            try:
                yield
            finally:
                folder.remove(name)
            return
        finally:
            os.close(descriptor)


def _decode(found: object) -> UploadState:
    """Check what was read; the file is ours, but may be of another version.

    Raises:
        ValueError: this version has not written it.
    """
    if not isinstance(found, dict) or found.pop("version", None) != _VERSION:
        raise ValueError("another version")
    marks = tuple(Mark(*mark) for mark in found.pop("marks", ()))
    state = UploadState(**found, marks=marks)
    kinds = {"str": str, "int": int, "tuple[Mark, ...]": tuple}
    for field in fields(UploadState):
        if type(getattr(state, field.name)) is not kinds[str(field.type)]:
            raise ValueError(field.name)
    for chunks, sequence, digest in (state.mark, *marks):
        if not (type(chunks) is type(sequence) is int and type(digest) is str):
            raise ValueError("marks")
        if min(chunks, sequence) < 0 or (chunks and not sequence):
            raise ValueError("chunks that are nowhere")
    if (
        min(state.ttl, state.size, state.committing + 1) < 0
        or state.chunk_size < 1
        or not _NUID.fullmatch(state.nuid)
    ):
        raise ValueError("out of range")
    return state
