"""What stands on the command line, read: names, sizes, durations, pairs; and which options go together."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import typer

from natsobj.cli.exits import UsageError
from natsobj.errors import InvalidArgument, InvalidKey

__all__ = [
    "Pair",
    "bucket_name",
    "chunk_size",
    "duration",
    "exclusive",
    "file_name",
    "folder",
    "grouped",
    "header",
    "key_name",
    "labels",
    "matcher",
    "metadata",
    "needs",
    "object_ttl",
    "prefix_text",
    "secret",
    "sha256",
    "size",
    "unremoved",
    "utf8",
    "way",
]


def utf8(text: str) -> str:
    """Read an argument as UTF-8, whatever the locale: so names and texts are written by every client."""
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        raise UsageError(f"not UTF-8: {os.fsencode(text)!r}") from None


def secret(text: str) -> str:
    """Take a text that keeps others out."""
    if not text:
        raise UsageError("an empty token keeps nobody out")
    return text


def prefix_text(text: str) -> str:
    """Take the beginning of names; somebody who gives a pattern would wonder why there are none."""
    if set("*?") & set(text):
        raise UsageError(f"a PREFIX is not a pattern: {text}")
    return utf8(text)


def bucket_name(text: str) -> str:
    """Take the name of a bucket."""
    from natsobj.adr20.names import check_bucket_name

    return check_bucket_name(text)


def key_name(text: str) -> str:
    """Take a key exactly as it is given."""
    from natsobj.adr20.names import check_key

    try:
        return check_key(os.fsencode(text).decode())
    except UnicodeError:
        raise InvalidKey(text, "it is not UTF-8") from None


def file_name(text: str) -> str:
    """Take the name of a local file as the system gives it; an empty one is refused."""
    if not text:
        raise UsageError("the name of FILE is empty")
    return text


def size(text: str) -> int:
    """Read a size, such as 10M, and give the bytes."""
    from natsobj.units import parse_size

    try:
        return parse_size(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error


def chunk_size(text: str) -> int:
    """Read the size of a chunk, which is not empty."""
    wanted = size(text)
    if wanted == 0:
        raise typer.BadParameter("a chunk has at least one byte")
    return wanted


def duration(text: str) -> timedelta:
    """Read a duration, such as 7d."""
    from natsobj.units import parse_duration

    try:
        return parse_duration(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error


def object_ttl(text: str) -> timedelta:
    """Read how long an object lasts: whole seconds, one at least."""
    lasting = duration(text)
    if lasting < timedelta(seconds=1):
        raise typer.BadParameter("a TTL is at least one second")
    return lasting


def sha256(text: str) -> str:
    """Read `sha256:HEX` and give the hex digits in lower case."""
    match = re.fullmatch(r"sha256:([0-9a-f]{64})", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise typer.BadParameter("write it as sha256: and 64 hex digits")
    return match[1].lower()


class Pair(NamedTuple):
    """A name and its value."""

    name: str
    value: str


def header(text: str) -> Pair:
    """Read `NAME:VALUE`."""
    from natsobj.arguments import check_header

    name, colon, value = utf8(text).partition(":")
    pair = Pair(name.strip(" \t"), value.strip(" \t"))
    if not pair.name or not colon:
        raise typer.BadParameter(f"write it as NAME:VALUE, not as {text}")
    try:
        check_header(*pair)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error
    return pair


def metadata(text: str) -> Pair:
    """Read `NAME=VALUE`."""
    name, equals, value = utf8(text).partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"write it as NAME=VALUE, not as {text}")
    return Pair(name, value)


def grouped(pairs: Iterable[Pair]) -> dict[str, tuple[str, ...]]:
    """Put the values of the same name together."""
    groups: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        groups[name] = (*groups.get(name, ()), value)
    return groups


def matcher(glob: str | None) -> Callable[[str], bool]:
    """Make a test of names; `*` matches `/` as well, and without a pattern every name will do."""
    if glob is None:
        return lambda _: True
    pattern = re.compile(fnmatch.translate(glob))
    return lambda name: pattern.match(name) is not None


def labels(tags: Iterable[str] | None) -> tuple[str, ...]:
    """Read tags that stand one by one, or several with commas between."""
    return tuple(tag.strip() for part in tags or () for tag in part.split(",") if tag.strip())


def way(bucket: str, names: Sequence[str], last: str, *, prefixes: bool = False) -> tuple[str, str, str]:
    """Read `KEY TARGET` or `KEY BUCKET TARGET`: the key, the other bucket, and the name in it.

    Args:
        prefixes: both are the beginnings of keys.

    Raises:
        UsageError: they are too few or too many.
    """
    if len(names) not in {2, 3}:
        raise UsageError(f"name them as BUCKET KEY {last}, or as BUCKET KEY BUCKET {last}")
    key = names[0] if prefixes else key_name(names[0])
    return key, bucket_name(names[1]) if len(names) == 3 else bucket, names[-1]


def folder(path: str | None) -> str:
    """Take what stands in the place of the FILE for a folder, that may be missing so far."""
    if path is None:
        raise UsageError("--recursive needs a folder after the PREFIX (. is this one)")
    if path == "-":
        raise UsageError("--recursive needs a folder, not - (if that is its name: ./-)")
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112  # never raises
        raise UsageError(f"--recursive needs a folder: {path} is not one")
    return path


# Which options go together


def needs(option: str, given: bool, others: Mapping[str, object]) -> None:
    """Refuse options that mean nothing without another one.

    Raises:
        UsageError: one of them was given without it.
    """
    alone = [] if given else [name for name, value in others.items() if value is not None]
    if alone:
        raise UsageError(f"{alone[0]} needs {option}")


def unremoved(option: str, pairs: Iterable[Pair] | None, names: Iterable[str] | None) -> None:
    """Refuse to set and to remove the same name.

    Args:
        option: sets it, as `--header`; `--remove-header` removes it.

    Raises:
        UsageError: a name is in both.
    """
    removed = set(names or ())
    if both := [pair.name for pair in pairs or () if pair.name in removed]:
        removing = option.replace("--", "--remove-")
        raise UsageError(f"contradicting options: {option} {both[0]} and {removing} {both[0]}")


def exclusive(options: Mapping[str, object]) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: more than one of them was given.
    """
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise UsageError(f"contradicting options: {given[0]} and {given[1]}")
