"""The names of ADR-20: buckets, keys, nuids, and the streams and subjects that they stand for."""

from __future__ import annotations

import base64
import re
import secrets
import string
from collections.abc import Iterator

from natsobj import arguments
from natsobj.errors import InvalidBucketName, InvalidKey

MAX_KEY_SIZE = 2900
"""Bytes of UTF-8; the subject of a longer key is dropped by the server without an answer."""

STREAM_PREFIX = "OBJ_"

_BUCKET_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}")  # the server takes stream names of 255
_TAIL = re.compile(r"(?!(?:.*\.)?[*>](?:\.|$))[^ .\t\r\n\0\x7f]+(?:\.[^ .\t\r\n\0\x7f]+)*", re.DOTALL)
"""What can stand below `.M.` as it is: tokens without blanks, none of them a wildcard."""
_NUID_ALPHABET = string.digits + string.ascii_letters
_NUID_LENGTH = 22
_NUID_LEFT_OUT = bytes(range(256 // 62 * 62, 256))
"""Random bytes that would make some characters more likely than others."""

_NUID_CHARACTERS = bytes(ord(_NUID_ALPHABET[byte % 62]) for byte in range(256))
"""Far more than 22 characters of base 62 have, so that each of them is as likely as the others."""


def check_bucket_name(bucket: str) -> str:
    """Return the name of a bucket as it is.

    Raises:
        InvalidBucketName: it is not `[A-Za-z0-9_-]+`, or too long for a stream's name.
        TypeError: it is not a str.
    """
    bucket = arguments.string(bucket, "bucket")
    if not _BUCKET_NAME.fullmatch(bucket):
        raise InvalidBucketName(bucket)
    return bucket


def check_key(key: str) -> str:
    """Return a key as it is: any UTF-8 of 1 to 2,900 bytes.

    Raises:
        InvalidKey: it is empty, too long, or has bytes that are not UTF-8.
        TypeError: it is not a str.
    """
    key = arguments.string(key, "key")
    if not key:
        raise InvalidKey(key, "it is empty")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidKey(key, "it is not UTF-8") from None
    if size > MAX_KEY_SIZE:
        raise InvalidKey(key, f"{size:,} bytes, the limit is {MAX_KEY_SIZE:,}")
    return key


def stream_name(bucket: str) -> str:
    """Return the name of the stream that keeps a bucket."""
    return STREAM_PREFIX + bucket


def bucket_of_stream(stream: str) -> str | None:
    """Return the bucket a stream keeps, or None for a stream that is not a bucket."""
    name = stream.removeprefix(STREAM_PREFIX)
    return name if name != stream and _BUCKET_NAME.fullmatch(name) else None


def chunk_subject(bucket: str, nuid: str) -> str:
    """Return the subject of all chunks of one upload."""
    return f"$O.{bucket}.C.{nuid}"


def chunks_filter(bucket: str) -> str:
    """Return the filter that matches the chunks of all objects."""
    return f"$O.{bucket}.C.>"


def metadata_subject(bucket: str, key: str) -> str:
    """Return the subject of an object's metadata record."""
    return f"$O.{bucket}.M.{base64.urlsafe_b64encode(key.encode()).decode()}"


def key_subjects(root: str, key: str) -> tuple[str, ...]:
    """Return every subject under which some client may have put a key's record, its own first, none twice.

    Own is the padded base64url of UTF-8. nats.js encodes Latin-1; nats.java and NATS.Client 1.x use the
    standard alphabet; nats.js before 2.13 left the padding out. Before 2.15 it changed each dot and blank to
    `_` first, as nats.go before 1.18 did, which used the changed name itself. A foreign key may share any of
    these subjects: a record there is the key's only if its name (as `stored_name` gives it) is the key, byte
    for byte.
    """
    changed = key.replace(".", "_").replace(" ", "_")
    tails = [token for text in (key, changed) for token in _tokens(text)]
    tails += [text for text in (changed, key) if _TAIL.fullmatch(text)]
    return tuple(f"$O.{root}.M.{tail}" for tail in dict.fromkeys(tails))


def stored_name(subject: str, name: str) -> str:
    """Return the name that a record means, where its subject tells more of it.

    NATS.Client 1.x for .NET writes JSON in ASCII, with a `?` for each UTF-16 unit beyond it: under the
    subject of `für.txt` the name `f?r.txt` is `für.txt`.
    """
    if "?" not in name:
        return name
    meant = _decoded(_tail(subject))
    return meant if meant is not None and _as_ascii(meant) == name else name


def key_of_subject(subject: str) -> str:
    """Return the key that a metadata subject stands for; what follows `.M.` unchanged if it is not base64.

    The subject is always one of the `key_subjects` of what is returned.
    """
    tail = _tail(subject)
    meant = _decoded(tail)
    return tail if meant is None else meant


def _tokens(text: str) -> Iterator[str]:
    """The base64 of a text: in UTF-8 and Latin-1, in both alphabets, with padding and without."""
    encodings = ("utf-8",) if text.isascii() else ("utf-8", "latin-1")
    for padding in (True, False):
        for encoding in encodings:
            try:
                data = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            for encode in (base64.urlsafe_b64encode, base64.standard_b64encode):
                token = encode(data).decode()
                yield token if padding else token.rstrip("=")


def _tail(subject: str) -> str:
    """What follows `$O.<bucket>.M.`, or the subject itself if it is not that of a record."""
    return subject.split(".", 3)[-1]


def _decoded(token: str) -> str | None:
    """The text whose base64 of UTF-8 a token is, in either alphabet, padded or not; None if it is none."""
    try:
        data = base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), b"-_")
        text = data.decode()
    except ValueError:
        return None
    return text if token in _tokens(text) else None


def _as_ascii(text: str) -> str:
    """A text with a `?` for each UTF-16 unit that is not ASCII."""
    return "".join(each if each.isascii() else "?" * (1 + (ord(each) > 0xFFFF)) for each in text)


def metadata_filter(bucket: str) -> str:
    """Return the filter that matches the metadata of all objects."""
    return f"$O.{bucket}.M.>"


def new_nuid() -> str:
    """Return a fresh identifier for the chunks of one upload: 22 random characters of base 62."""
    characters = b""
    while len(characters) < _NUID_LENGTH:
        characters += secrets.token_bytes(2 * _NUID_LENGTH).translate(_NUID_CHARACTERS, _NUID_LEFT_OUT)
    return characters[:_NUID_LENGTH].decode()
