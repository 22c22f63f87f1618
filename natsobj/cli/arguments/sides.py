"""The two sides of a sync: a local folder, and a bucket that is named BUCKET:PREFIX."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from natsobj.cli.arguments import values
from natsobj.cli.exits import UsageError
from natsobj.errors import NatsobjError

__all__ = ["REMOTES", "Sides", "far_side", "sides"]

REMOTES = frozenset(("nats", "minio", "myminio", "play", "local", "s3", "remote"))
"""What mc and rclone have before the bucket: the name that somebody gave to a server."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is to match what."""

    folder: str
    bucket: str
    prefix: str
    up: bool
    """The bucket is to match the folder."""

    @property
    def of_remote(self) -> str | None:
        """What to try where the bucket is missing and has a server's name, as in REMOTE:BUCKET/PREFIX."""
        bucket, _, prefix = self.prefix.partition("/")
        far = f"{bucket}:{prefix}"
        meant = (self.folder, far) if self.up else (far, self.folder)
        if self.bucket not in REMOTES or not _can_be(meant):
            return None
        return f"did you mean {shlex.join(('natsobj', 'sync', *meant))}?"


def far_side(text: str) -> tuple[str, str] | None:
    """Take BUCKET:PREFIX apart; None for a local folder, which has a slash before a colon or no colon.

    Raises:
        UsageError: it is an address of another program, or has no bucket.
        InvalidBucketName: there can be no such bucket, nor is there such a folder.
    """
    bucket, colon, prefix = text.partition(":")
    if colon and not bucket and not os.path.isdir(text):  # noqa: PTH112  # never raises
        error = UsageError(f"no bucket before the colon: {text}")
        error.add_note("BUCKET:PREFIX is below a prefix, BUCKET: a whole bucket")
        raise error
    if not colon or not bucket or {"/", os.sep} & set(bucket) or (os.name == "nt" and len(bucket) == 1):
        return None
    if prefix.startswith("//"):
        raise UsageError(f"a bucket is named BUCKET:PREFIX here, not {text}")
    if prefix.startswith("/"):
        error = UsageError(f"a prefix begins with no slash: {text}")
        error.add_note(f"did you mean {bucket}:{prefix[1:]}?")
        raise error
    if os.path.isdir(text) and not bucket.replace("-", "").replace("_", "").isalnum():  # noqa: PTH112
        return None
    return values.bucket_name(bucket), values.prefix_text(prefix)


def sides(source: str, target: str) -> Sides:
    """Tell which side is which.

    Raises:
        UsageError: both are of the same kind, or the folder is not one.
    """
    here, there = far_side(source), far_side(target)
    if here is not None and there is not None:
        error = UsageError(f"both sides are buckets: {source} and {target}")
        names = [here[0], here[1], *([there[0]] if there[0] != here[0] else []), there[1]]
        line = shlex.join(("natsobj", "cp", "-r", *names))
        error.add_note(f"{line} copies them; a folder that has a colon in its name is ./{source}")
        raise error
    if here is not None:
        return Sides(_folder(target), *here, up=False)
    if there is not None:
        return Sides(_folder(source), *there, up=True)
    error = UsageError(f"neither side is a bucket: {source} and {target}")
    meant: tuple[str, str] | None = None
    is_here, is_there = os.path.isdir(source), os.path.isdir(target)  # noqa: PTH112  # never raises
    if is_here != is_there and "/" not in (target if is_here else source):
        meant = (source, f"{target}:") if is_here else (f"{source}:", target)
    elif is_here and not is_there and target[:1] not in {".", "/", "~"}:
        meant = (source, target.replace("/", ":", 1))
    if meant and _can_be(meant):
        error.add_note(f"did you mean {shlex.join(('natsobj', 'sync', *meant))}?")
    else:
        error.add_note("BUCKET:PREFIX is one; cp -r copies between folders")
    raise error


def _can_be(meant: tuple[str, str]) -> bool:
    try:
        return [far_side(each) is not None for each in meant].count(True) == 1
    except (UsageError, NatsobjError):
        return False


def _folder(path: str) -> str:
    if path == "-":
        raise UsageError("sync needs a folder, not -: name it ./- if that is its name")
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112  # never raises
        error = UsageError(f"sync needs a folder: {path} is none")
        error.add_note("put and get are for single files")
        raise error
    return path
