"""A line that was typed for `nats object`, mc, aws, rclone or gh, taken apart."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from natsobj.cli.arguments.shared_options import ProgressMode
from natsobj.cli.arguments.sides import REMOTES

__all__ = ["Line", "Option", "Word", "take_apart"]

Program = Literal["", "nats", "aws", "mc", "rclone", "gh"]

PREFACES: Mapping[str, Program] = {
    **dict.fromkeys(("nats", "object", "obj", "o"), "nats"),
    **dict.fromkeys(("gh", "release", "cache"), "gh"),
    **dict.fromkeys(("aws", "s3", "s3api"), "aws"),
    "mc": "mc",
    "rclone": "rclone",
    "bucket": "",
}
"""Words that the others have before the command, and whose they are."""

_VALUED = frozenset(
    (
        *("-O", "-o", "--output", "--name", "--transfers", "--checkers", "--parallel", "--include"),
        *("--min-age", "--max-age", "--larger", "--smaller", "--content-type", "--acl", "--storage-class"),
        *("--profile", "--region", "--endpoint-url", "--max-depth", "--filter"),
    )
)
"""Options of others that take a value."""

Option = tuple[str, ...]
"""A name and, if it has one, a value."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that may be a path here, or `BUCKET/KEY` in one of many spellings."""

    text: str
    bucket: str
    """Empty if it cannot be one."""
    key: str
    address: Literal["", "s3", "mc", "rclone", "sync"]
    """Whose spelling of an address it is; empty for what may as well be a local path.

    `sync` is our own, BUCKET:PREFIX.
    """

    @property
    def here(self) -> bool:
        """Whether it means something on this machine."""
        if self.address:
            return False
        return self.text.startswith(("-", ".", "/", "~")) or os.path.exists(self.text)  # noqa: PTH110

    @property
    def is_folder(self) -> bool:
        """Whether it is a local folder."""
        return not self.address and os.path.isdir(self.text)  # noqa: PTH112  # never raises

    @property
    def is_file(self) -> bool:
        """Whether it is a local file."""
        return not self.address and os.path.isfile(self.text)  # noqa: PTH113  # never raises

    @property
    def base(self) -> str:
        """The last part of a local path."""
        return os.path.basename(self.text.rstrip("/"))  # noqa: PTH119

    @property
    def within(self) -> str:
        """The key as the name of a folder, or nothing for the whole bucket."""
        return f"{self.key.rstrip('/')}/" if self.key.rstrip("/") else ""


_S3 = re.compile(r"s3://([^/]*)/?(.*)", re.DOTALL)
_COLON = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]+):(?!//)/?(.*)", re.DOTALL)
_SLASH = re.compile(r"([A-Za-z0-9_-]+)(?:/(.*))?", re.DOTALL)


def word(text: str) -> Word:
    """Read one word."""
    if found := _S3.fullmatch(text):
        return Word(text, found[1], found[2], "s3")
    if found := _COLON.fullmatch(text):
        if found[1] not in REMOTES:
            return Word(text, found[1], found[2], "sync")
        bucket, _, key = found[2].partition("/")
        return Word(text, bucket, key, "rclone")
    if not (found := _SLASH.fullmatch(text)):
        return Word(text, "", "", "")
    bucket, key = found[1], found[2] or ""
    if bucket in REMOTES and key and not os.path.exists(text):  # noqa: PTH110  # never raises
        bucket, _, key = key.partition("/")
        return Word(text, bucket, key, "mc")
    return Word(text, bucket, key, "")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line of another program."""

    program: Program
    """Whose it is, if that can be told."""
    verb: str
    words: tuple[Word, ...]
    options: tuple[Option, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these options was given."""
        return any(option[0] in names for option in self.options)

    def value(self, *names: str) -> str | None:
        """The value of the first of these options that was given with one."""
        return next((each[1] for each in self.options if each[0] in names and len(each) > 1), None)

    def without(self, *names: str) -> tuple[Option, ...]:
        """The other options."""
        return tuple(option for option in self.options if option[0] not in names)


def take_apart(
    args: Sequence[str], commands: Collection[str], valued: Callable[[str], Collection[str]]
) -> Line | None:
    """Tell whose command it is, and options with their values from words; None if there is no command.

    Args:
        commands: ours, which are no prefaces.
        valued: returns the options that take a value where a command stands, or before it.
    """
    options: list[Option] = []
    texts: list[str] = []
    program: Program = ""
    taking = valued("")
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        name, equals, value = arg.partition("=")
        if arg == "--":
            texts += rest
            break
        if not texts and arg in PREFACES and arg not in commands:
            program = PREFACES[arg] or program
        elif not arg.startswith("-") or arg == "-":
            texts.append(arg)
            if len(texts) == 1:
                taking = valued(arg)
        elif equals:
            options.append((name, value))
        elif (
            arg == "--progress" and rest[:1] and rest[0] not in get_args(ProgressMode)
        ):  # a flag of aws and rclone
            options.append((arg,))
        elif arg in _VALUED or arg in taking:
            options.append((arg, rest.pop(0)) if rest else (arg,))
        elif re.fullmatch(r"-[A-Za-z]{2,4}", arg):  # several in one, such as -rf
            options += [(f"-{letter}",) for letter in arg[1:]]
        else:
            options.append((arg,))
    if not texts:
        return None
    verb, *others = texts
    return Line(program, verb, tuple(map(word, others)), tuple(options))
