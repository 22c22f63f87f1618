"""Options and arguments of several commands, each once: how they are called, what they take and mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import typer

from natsobj.cli.arguments import suggest, values

__all__ = [
    "Bucket",
    "ChunkSize",
    "Cluster",
    "Description",
    "Headers",
    "Jobs",
    "Key",
    "KeyOrPrefix",
    "KeyToPut",
    "Keys",
    "Length",
    "MaxBucketSize",
    "Metadata",
    "Newer",
    "NewerBelow",
    "ObjectTtl",
    "Offset",
    "Older",
    "OlderBelow",
    "OlderThan",
    "OptionalBucket",
    "OptionalKey",
    "Prefix",
    "PutJobs",
    "Recursive",
    "RemoveHeaders",
    "RemoveMetadata",
    "SomeKeys",
    "SourceFiles",
    "SyncJobs",
    "Tags",
    "TargetFile",
    "Ttl",
]


_MOST_JOBS = 256
"""Transfers at once: each has a file open, and 1,024 is the usual limit."""

# Arguments

_BUCKET = typer.Argument(
    metavar="BUCKET",
    help="The bucket's name: letters, digits, - and _.",
    parser=values.bucket_name,
    autocompletion=suggest.complete_bucket,
)
_KEY = typer.Argument(
    metavar="KEY",
    help="The object's name: any UTF-8, used exactly as given.",
    parser=values.key_name,
    autocompletion=suggest.complete_key,
)

Bucket = Annotated[str, _BUCKET]
OptionalBucket = Annotated[str | None, _BUCKET]
Key = Annotated[str, _KEY]
OptionalKey = Annotated[str | None, _KEY]


def _key_or_prefix(complete: Callable[..., list[str]]) -> Any:
    return typer.Argument(
        metavar="KEY",
        help="The object's name: any UTF-8, used exactly as given. With -r, the prefix of all names, '' for "
        "none.",
        autocompletion=complete,
    )


KeyOrPrefix = Annotated[str, _key_or_prefix(suggest.complete_key)]
KeyToPut = Annotated[str, _key_or_prefix(suggest.complete_key_or_file)]
Keys = Annotated[list[str] | None, _KEY]
SomeKeys = Annotated[list[str], _KEY]
Prefix = Annotated[
    str | None,
    typer.Argument(
        metavar="PREFIX",
        help="Only names that begin with it.",
        parser=values.prefix_text,
        autocompletion=suggest.complete_key,
    ),
]
SourceFiles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="The file to store; - is standard input, which is also read if no FILE is given and input is "
        "piped. Several FILEs need a KEY that ends in /. With -r, the folder.",
        parser=values.file_name,
    ),
]
TargetFile = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help="The file to write, or a folder to put it in; standard output for - or none. "
        "With -r the folder.",
        parser=values.file_name,
    ),
]

# Options of several commands

Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Transfer a whole folder: KEY is a prefix, FILE the folder.")
]


def _jobs(of: str = "") -> Any:
    text = f"Number of parallel transfers{of}; by default as many as the line can use."
    return typer.Option("--jobs", "-j", metavar="N", min=1, max=_MOST_JOBS, help=text)


Jobs = Annotated[int | None, _jobs(" with -r")]
PutJobs = Annotated[int | None, _jobs(" with -r or several FILEs")]
SyncJobs = Annotated[int | None, _jobs()]

MaxBucketSize = Annotated[
    int | None,
    typer.Option(
        "--max-bucket-size",
        metavar="SIZE",
        parser=values.size,
        help="Most bytes that it may hold, such as 10G.",
    ),
]
Offset = Annotated[
    int | None,
    typer.Option(
        "--offset",
        metavar="SIZE",
        parser=values.size,
        help="Skip this many bytes. The digest of a byte range cannot be checked.",
    ),
]
Length = Annotated[
    int | None,
    typer.Option("--length", metavar="SIZE", parser=values.size, help="Fetch at most this many bytes."),
]
ChunkSize = Annotated[
    int | None,
    typer.Option(
        "--chunk-size",
        metavar="SIZE",
        parser=values.chunk_size,
        help="Bytes per chunk; by default 128K, or less if the server takes less.",
    ),
]
Ttl = Annotated[
    timedelta | None,
    typer.Option(
        "--ttl",
        metavar="DURATION",
        parser=values.duration,
        help="Expire everything in it after this time, such as 7d.",
    ),
]
ObjectTtl = Annotated[
    bool,
    typer.Option("--object-ttl", help="Allow objects to have their own TTL (put --ttl); cannot be undone."),
]
OlderThan = Annotated[
    timedelta | None,
    typer.Option(
        "--older-than",
        metavar="DURATION",
        parser=values.duration,
        help="Keep what is younger; by default 24h. An upload is as old as its newest chunk.",
    ),
]


def _older(only: str = "Only") -> Any:
    return typer.Option(
        "--older-than",
        metavar="DURATION",
        parser=values.duration,
        help=f"{only} objects last modified longer ago than this, such as 30d, by the server's clock.",
    )


def _newer(only: str = "Only") -> Any:
    return typer.Option(
        "--newer-than",
        metavar="DURATION",
        parser=values.duration,
        help=f"{only} objects modified within this time, such as 24h, by the server's clock.",
    )


Older = Annotated[timedelta | None, _older()]
OlderBelow = Annotated[timedelta | None, _older("With -r, only")]
Newer = Annotated[timedelta | None, _newer()]
NewerBelow = Annotated[timedelta | None, _newer("With -r, only")]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", parser=values.utf8, help="Set the description.")
]
Headers = Annotated[
    list[values.Pair] | None,
    typer.Option(
        "--header", "-H", metavar="NAME:VALUE", parser=values.header, help="Add a header; repeatable."
    ),
]
Metadata = Annotated[
    list[values.Pair] | None,
    typer.Option(
        "--metadata", metavar="NAME=VALUE", parser=values.metadata, help="Add a metadata entry; repeatable."
    ),
]

Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="NAME", parser=values.utf8, help="Cluster to place it in."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tags",
        metavar="TAG,...",
        parser=values.utf8,
        help="Place it on servers with these tags; repeatable.",
    ),
]
RemoveHeaders = Annotated[
    list[str] | None,
    typer.Option("--remove-header", metavar="NAME", parser=values.utf8, help="Remove a header; repeatable."),
]
RemoveMetadata = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-metadata", metavar="NAME", parser=values.utf8, help="Remove a metadata entry; repeatable."
    ),
]
