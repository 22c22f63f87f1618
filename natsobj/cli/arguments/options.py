"""Options and arguments, each once: how they are called, what they take and what they mean."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, NamedTuple

import typer

from natsobj.cli.arguments import suggest
from natsobj.cli.exits import UsageError
from natsobj.errors import InvalidArgument, InvalidKey

__all__ = [
    "ApiPrefix",
    "Bucket",
    "ChunkSize",
    "Cluster",
    "Color",
    "Context",
    "Creds",
    "Debug",
    "Description",
    "Headers",
    "InboxPrefix",
    "Jobs",
    "JsDomain",
    "Json",
    "Key",
    "KeyOrPrefix",
    "Keys",
    "Length",
    "Local",
    "MaxBucketSize",
    "Metadata",
    "Newer",
    "Nkey",
    "ObjectTtl",
    "Offset",
    "Older",
    "OlderThan",
    "OptionalBucket",
    "OptionalKey",
    "Pair",
    "Password",
    "Prefix",
    "Progress",
    "Quiet",
    "Recursive",
    "RemoveHeaders",
    "RemoveMetadata",
    "Server",
    "SomeKeys",
    "SourceFiles",
    "Tags",
    "TargetFile",
    "Timeout",
    "TlsCa",
    "TlsCert",
    "TlsFirst",
    "TlsKey",
    "Token",
    "Ttl",
    "User",
    "Verbose",
    "bucket_name",
    "exclusive",
    "file_name",
    "folder",
    "grouped",
    "key_name",
    "labels",
    "matcher",
    "needs",
    "object_ttl",
    "prefix_text",
    "sha256",
    "utf8",
    "way",
]


MOST_JOBS = 256
"""Transfers at once: each has a file open, and 1,024 is the usual limit."""

# Parsers


def utf8(text: str) -> str:
    """Read an argument as UTF-8, whatever the locale: so names and texts are written by every client."""
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        raise UsageError(f"not UTF-8: {os.fsencode(text)!r}") from None


def prefix_text(text: str) -> str:
    """Take the beginning of names; somebody who gives a pattern would wonder why there are none."""
    if set("*?") & set(text):
        raise UsageError(f"a PREFIX is no pattern: {text}")
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
    """Take the name of a local file as the system gives it; an empty one is none."""
    if not text:
        raise UsageError("the name of the FILE is empty")
    return text


def _size(text: str) -> int:
    from natsobj.units import parse_size

    try:
        return parse_size(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error


def _chunk_size(text: str) -> int:
    size = _size(text)
    if size == 0:
        raise typer.BadParameter("a chunk has one byte at least")
    return size


def _duration(text: str) -> timedelta:
    from natsobj.units import parse_duration

    try:
        return parse_duration(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from error


def object_ttl(text: str) -> timedelta:
    """Read how long an object lasts: whole seconds, one at least."""
    duration = _duration(text)
    if duration < timedelta(seconds=1):
        raise typer.BadParameter("an object lasts one second at least")
    return duration


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


def _header(text: str) -> Pair:
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


def _metadata(text: str) -> Pair:
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
        raise UsageError("--recursive needs a folder: name it behind the PREFIX, . for this one")
    if path == "-":
        raise UsageError("--recursive needs a folder, not -: name it ./- if that is its name")
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112  # never raises
        raise UsageError(f"--recursive needs a folder: {path} is none")
    return path


def needs(option: str, given: bool, others: Mapping[str, object]) -> None:
    """Refuse options that mean nothing without another one.

    Raises:
        UsageError: one of them was given without it.
    """
    alone = [] if given else [name for name, value in others.items() if value is not None]
    if alone:
        raise UsageError(f"{alone[0]} needs {option}")


def exclusive(options: Mapping[str, object]) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: more than one of them was given.
    """
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise UsageError(f"contradicting options: {given[0]} and {given[1]}")


# Arguments

_BUCKET = typer.Argument(
    metavar="BUCKET",
    help="The bucket: letters, digits, - and _.",
    parser=bucket_name,
    autocompletion=suggest.complete_bucket,
)
_KEY = typer.Argument(
    metavar="KEY",
    help="The object's name: any UTF-8, taken exactly as it is.",
    parser=key_name,
    autocompletion=suggest.complete_key,
)

Bucket = Annotated[str, _BUCKET]
OptionalBucket = Annotated[str | None, _BUCKET]
Key = Annotated[str, _KEY]
OptionalKey = Annotated[str | None, _KEY]
KeyOrPrefix = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="The object's name: any UTF-8, taken exactly as it is. With -r the prefix of all names, '' for "
        "none.",
        autocompletion=suggest.complete_key,
    ),
]
Keys = Annotated[list[str] | None, _KEY]
SomeKeys = Annotated[list[str], _KEY]
Prefix = Annotated[
    str | None,
    typer.Argument(
        metavar="PREFIX",
        help="Only names that begin with it.",
        parser=prefix_text,
        autocompletion=suggest.complete_key,
    ),
]
SourceFiles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="The file to store; standard input for -, or for none where something comes through it. Several "
        "go below a KEY that ends in /. With -r the folder.",
        parser=file_name,
    ),
]
TargetFile = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help="The file to write, or a folder to put it in; standard output for - or none. "
        "With -r the folder.",
        parser=file_name,
    ),
]

# Options of several commands

Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Transfer a whole folder: KEY is a prefix, FILE the folder.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        max=MOST_JOBS,
        help="With -r or several FILEs, transfer so many at once; by default as many as the line needs.",
    ),
]

MaxBucketSize = Annotated[
    int | None,
    typer.Option(
        "--max-bucket-size", metavar="SIZE", parser=_size, help="Bytes that fit into it, such as 10G."
    ),
]
Offset = Annotated[
    int | None,
    typer.Option(
        "--offset",
        metavar="SIZE",
        parser=_size,
        help="Leave out so many bytes at the beginning. Of a part no digest can be checked.",
    ),
]
Length = Annotated[
    int | None,
    typer.Option("--length", metavar="SIZE", parser=_size, help="Fetch so many bytes at most."),
]
ChunkSize = Annotated[
    int | None,
    typer.Option(
        "--chunk-size",
        metavar="SIZE",
        parser=_chunk_size,
        help="Bytes a chunk; by default 128K, or less where the server wants it.",
    ),
]
Ttl = Annotated[
    timedelta | None,
    typer.Option(
        "--ttl", metavar="DURATION", parser=_duration, help="How long anything stays in it, such as 7d."
    ),
]
ObjectTtl = Annotated[
    bool,
    typer.Option("--object-ttl", help="Let objects have a time to live of their own (put --ttl); for good."),
]
OlderThan = Annotated[
    timedelta | None,
    typer.Option(
        "--older-than",
        metavar="DURATION",
        parser=_duration,
        help="Remove nothing younger; by default 24h. An upload is as old as its newest chunk.",
    ),
]
Older = Annotated[
    timedelta | None,
    typer.Option(
        "--older-than",
        metavar="DURATION",
        parser=_duration,
        help="Only what was changed longer ago, such as 30d, by the server's clock.",
    ),
]
Newer = Annotated[
    timedelta | None,
    typer.Option(
        "--newer-than",
        metavar="DURATION",
        parser=_duration,
        help="Only what was changed since then, such as 24h, by the server's clock.",
    ),
]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", parser=utf8, help="Describe it.")
]
Headers = Annotated[
    list[Pair] | None,
    typer.Option("--header", "-H", metavar="NAME:VALUE", parser=_header, help="Add a header; repeatable."),
]
Metadata = Annotated[
    list[Pair] | None,
    typer.Option("--metadata", metavar="NAME=VALUE", parser=_metadata, help="Add metadata; repeatable."),
]

Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="NAME", parser=utf8, help="Cluster that shall keep it."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tags", metavar="TAG,...", parser=utf8, help="Tags of servers that may keep it; repeatable."
    ),
]
RemoveHeaders = Annotated[
    list[str] | None,
    typer.Option("--remove-header", metavar="NAME", parser=utf8, help="Take a header away; repeatable."),
]
RemoveMetadata = Annotated[
    list[str] | None,
    typer.Option("--remove-metadata", metavar="NAME", parser=utf8, help="Take metadata away; repeatable."),
]

# Options of all commands: declared on the root command, accepted on either side


def _connection(*names: str, metavar: str | None = None, text: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel="Connection")


def _output(*names: str, text: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel="Output")


Text = str | None

Server = Annotated[
    Text,
    _connection("--server", "-s", metavar="URL", text="Server, or several with commas between. [NATS_URL]"),
]
Context = Annotated[
    Text,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Context of the nats command, or its file. [NATS_CONTEXT]",
        rich_help_panel="Connection",
        autocompletion=suggest.complete_context,
    ),
]
Creds = Annotated[Text, _connection("--creds", metavar="FILE", text="Credentials file. [NATS_CREDS]")]
Nkey = Annotated[Text, _connection("--nkey", metavar="FILE", text="File of a user's nkey seed. [NATS_NKEY]")]
User = Annotated[
    Text,
    _connection("--user", metavar="NAME", text="User, or a token where no password is given. [NATS_USER]"),
]
Password = Annotated[Text, _connection("--password", metavar="TEXT", text="Password. [NATS_PASSWORD]")]
Token = Annotated[Text, _connection("--token", metavar="TEXT", text="Token. [NATS_TOKEN]")]
TlsCert = Annotated[
    Text, _connection("--tlscert", metavar="FILE", text="Our certificate for the server. [NATS_CERT]")
]
TlsKey = Annotated[
    Text, _connection("--tlskey", metavar="FILE", text="The key of our certificate. [NATS_KEY]")
]
TlsCa = Annotated[
    Text, _connection("--tlsca", metavar="FILE", text="Authorities to trust the server by. [NATS_CA]")
]
TlsFirst = Annotated[bool, _connection("--tlsfirst", text="Encrypt before anything is said.")]
JsDomain = Annotated[Text, _connection("--js-domain", metavar="NAME", text="JetStream domain.")]
ApiPrefix = Annotated[
    Text, _connection("--js-api-prefix", metavar="SUBJECT", text="Prefix of JetStream's API, for imports.")
]
InboxPrefix = Annotated[
    Text, _connection("--inbox-prefix", metavar="SUBJECT", text="Prefix of the subjects for answers.")
]
Timeout = Annotated[
    Text,
    _connection(
        "--timeout",
        metavar="DURATION",
        text="Silence after which a connection is replaced; "
        "a transfer ends after six times that without progress. [NATS_TIMEOUT; default 5s]",
    ),
]
Local = Annotated[
    bool,
    _connection("--local", text="Use a local server on this machine, started as needed. [NATSOBJ_LOCAL=1]"),
]
Json = Annotated[bool, _output("--json", text="Write results and errors as JSON, one object a line.")]
Quiet = Annotated[bool, _output("--quiet", "-q", text="No reports, notes and progress.")]
Verbose = Annotated[
    bool, _output("--verbose", "-v", text="Say more: first which server it is, then what was done.")
]
Debug = Annotated[bool, _output("--debug", text="Say everything, with the traceback of an error.")]
Color = Annotated[
    Literal["auto", "always", "never"] | None,
    _output("--color", text="Colour; by default on a terminal, unless NO_COLOR is set."),
]
Progress = Annotated[
    Literal["auto", "bar", "plain", "none"] | None,
    _output("--progress", text="Progress of transfers; by default a bar on a terminal."),
]
