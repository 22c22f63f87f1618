"""Objects as their metadata records (ADR-20, ObjectInfo), whoever wrote them, and the digests in them."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

from natsobj.adr20.names import key_of_subject, stored_name
from natsobj.errors import InvalidMetadata
from natsobj.models import Link, ObjectInfo

DEFAULT_CHUNK_SIZE = 128 * 1024
"""Bytes; what every ADR-20 client uses unless told otherwise."""

_Fields = Mapping[str, Any]
"""A JSON object."""

_STORED_NUID = re.compile(r"[^\s.*>\x00-\x1f\x7f\ud800-\udfff]+")
"""One token of a subject: with a wildcard in it, removing an object's chunks would remove those of others."""

_LONGEST_NAME = 4096
"""Bytes of what shall stand in a subject: a server drops lines that are longer."""

_LARGEST_COUNT = 2**63 - 1
_NOTHING: _Fields = {}
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


# Digests


def format_digest(sha256: bytes) -> str:
    """Return the stored form of a SHA-256: `SHA-256=` and padded base64url."""
    return "SHA-256=" + base64.urlsafe_b64encode(sha256).decode()


def parse_digest(digest: str) -> str | None:
    """Return the hex of a stored SHA-256, or None if it is not one.

    Any case of the prefix, either alphabet, with or without padding; hex digits too, as nats.js reads them.
    """
    kind, _, value = digest.partition("=")
    if kind.upper() != "SHA-256":
        return None
    if len(value) == 64 and _HEX.fullmatch(value):
        return value.lower()
    if len(value) != 44:  # those of a padded one
        value = value.rstrip("=")
        value += "=" * (-len(value) % 4)
    try:
        raw = binascii.a2b_base64(value.replace("-", "+").replace("_", "/"), strict_mode=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None


# Objects


def encode_object(info: ObjectInfo) -> bytes:
    """Return the metadata record of an object (ADR-20, ObjectInfo)."""
    options: dict[str, object] = {}
    if (
        info.link is not None
    ):  # without a name, as Go writes a link to a bucket, nats.net lists nothing at all
        options["link"] = {"bucket": info.link.bucket, "name": info.link.name or ""}
    if info.chunk_size is not None:
        options["max_chunk_size"] = info.chunk_size
    record: dict[str, object] = {"name": info.name}
    if info.description:
        record["description"] = info.description
    if info.headers:
        record["headers"] = {key: list(values) for key, values in info.headers.items()}
    if info.metadata:
        record["metadata"] = dict(info.metadata)
    record |= {
        "options": options,
        "bucket": info.bucket,
        "nuid": info.nuid or "",
        "size": info.size,
        "chunks": info.chunks,
        "digest": info.digest or "",
    }
    if info.deleted:
        record["deleted"] = True
    return _dump(record)


def encode_tombstone(record: bytes, *, bucket: str = "", name: str = "") -> bytes:
    """Return the record that marks an object as deleted: its last one, all other fields left byte for byte.

    Of a record that cannot be read nothing is kept: the new one has the bucket and the name that are given.
    """
    buried = {"size": 0, "chunks": 0, "digest": "", "deleted": True}
    try:
        decode_object(bucket, record, subject="", revision=0, modified=_NEVER)
        return rewrite(record, buried)
    except (InvalidMetadata, ValueError, RecursionError):
        return _dump({"name": name, "options": {}, "bucket": bucket, "nuid": ""} | buried)


def rewrite(record: bytes, fields: Mapping[str, object]) -> bytes:
    """Return a record that can be read with other fields, those not named left byte for byte.

    Args:
        fields: the new ones, behind what is left; None takes a field away.
    """
    kept = [member for field, member in _members(_text_of(record)) if field not in fields]
    new = {field: value for field, value in fields.items() if value is not None}
    return f"{{{','.join([*kept, *([_dump(new).decode()[1:-1]] if new else [])])}}}".encode(errors=_ESCAPED)


def encode_copy(record: bytes, info: ObjectInfo) -> bytes:
    """Return the record of a copy: another one's, with a name and content of its own."""
    options = dict(_mapping(_parse(record), "options"))
    if info.chunk_size is not None:
        options["max_chunk_size"] = info.chunk_size
    fields = {"name": info.name, "bucket": info.bucket, "nuid": info.nuid, "options": options}
    return rewrite(
        record,
        fields | {"size": info.size, "chunks": info.chunks, "digest": info.digest or "", "deleted": None},
    )


def decode_object(
    bucket: str, record: bytes, *, subject: str, revision: int, modified: datetime
) -> ObjectInfo:
    """Read a metadata record that any client may have written, or anybody at all.

    What has no UTF-8 and names nothing (a description, a header) has U+FFFD in its place, as Go reads it; of
    a field that stands twice the last one counts. The error is small: nothing of the record hangs on it.

    Args:
        subject: completes a name in ASCII, and names the record in errors by the key that it stands for.
        revision: the stream sequence of the message.
        modified: the timestamp of the message.

    Raises:
        InvalidMetadata: it is not a JSON object, or a field has a shape that cannot be meant.
    """
    try:
        fields = _parse(record)
        return _object_info(
            bucket, fields, subject, revision=revision, modified=modified, record_size=len(record)
        )
    except (ValueError, RecursionError) as e:
        reason = _reason(e)
    del record  # the frames of the error would keep it
    raise InvalidMetadata(bucket, key_of_subject(subject), reason)


def _parse(record: bytes) -> _Fields:
    """Parse a JSON object; compact UTF-8, as every client writes it, in half the time of anything else."""
    value: object = None
    try:
        text = record.decode()
        value, end = _decoder.raw_decode(text)
    except ValueError:
        end, text = -1, ""
    if end != len(text):
        value = _lenient_decoder.decode(_text_of(record))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _text_of(record: bytes) -> str:
    """The text of a record, with what is not UTF-8 as lone surrogates."""
    return record.removeprefix(codecs.BOM_UTF8).decode(errors=_ESCAPED)


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Take a JSON object apart: the name of each field, and the text of its name and value."""
    position = _behind("{", text, 0)
    while not text.startswith("}", position):
        start = position
        field, position = _lenient_decoder.raw_decode(text, start)
        _, position = _lenient_decoder.raw_decode(text, _behind(":", text, position))
        yield field, text[start:position]
        position = _behind(",", text, position)


def _behind(mark: str, text: str, position: int) -> int:
    """Where the next token of a JSON object begins: after a delimiter and blanks."""
    while text[position] in mark or text[position] in " \t\n\r":
        position += 1
    return position


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> float:
    """An integer of any length; Python itself refuses those of 4,300 digits."""
    return int(digits) if len(digits) < 400 else math.inf


_ESCAPED = "surrogateescape"
_NEVER = datetime.fromtimestamp(0, UTC)
_decoder = json.JSONDecoder(parse_constant=_no_number)
_lenient_decoder = json.JSONDecoder(parse_constant=_no_number, parse_int=_integer)


def _object_info(
    bucket: str, fields: _Fields, subject: str, *, revision: int, modified: datetime, record_size: int
) -> ObjectInfo:
    options = _mapping(fields, "options")
    link = _mapping(options, "link")
    name = _name(fields, "name")
    if name is None:
        raise ValueError("it has no name")
    nuid = _name(fields, "nuid")
    if nuid is not None and not ((nuid.isascii() and nuid.isalnum()) or _STORED_NUID.fullmatch(nuid)):
        raise ValueError("nuid is not one token of a subject")
    deleted = fields.get("deleted") or False
    if not isinstance(deleted, bool):
        raise ValueError("deleted is not true or false")
    digest = _text(fields, "digest")
    info = ObjectInfo(  # made once: a list has many
        bucket=bucket,
        name=stored_name(subject, name),
        size=_count(fields, "size"),
        chunks=_count(fields, "chunks"),
        modified=modified,
        revision=revision,
        chunk_size=_count(options, "max_chunk_size") or None,
        digest=digest,
        sha256=parse_digest(digest) if digest else None,
        nuid=nuid,
        description=_text(fields, "description") or None,
        headers=_headers(fields),
        metadata={_clean(key): _word(value) for key, value in _mapping(fields, "metadata").items()},
        link=Link(_name(link, "bucket") or bucket, _name(link, "name")) if link else None,
        subject=subject,
        record_size=record_size,
    )
    if deleted:
        info = replace(info, size=0, chunks=0, digest="", sha256=None, link=None, deleted=True)
    return info


def _mapping(fields: _Fields, name: str) -> _Fields:
    value = fields.get(name)
    if not value:
        return _NOTHING
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _string(fields: _Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return value


def _text(fields: _Fields, name: str) -> str | None:
    """Something to be shown."""
    value = _string(fields, name)
    return None if value is None else _clean(value)


def _name(fields: _Fields, name: str) -> str | None:
    """Something that can stand in a subject; a lone surrogate has no bytes there."""
    value = _string(fields, name)
    if not value:
        return None
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{name} is not UTF-8") from None
    if size > _LONGEST_NAME:
        raise ValueError(f"{name} has {size:,} bytes")
    return value


def _count(fields: _Fields, name: str) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= _LARGEST_COUNT:  # True is none
        raise ValueError(f"{name} is not a count")
    return value


def _headers(fields: _Fields) -> dict[str, tuple[str, ...]]:
    headers = _mapping(fields, "headers")
    if isinstance(inner := headers.get("inner"), dict) and len(headers) == 1:  # nats.rs 0.42
        headers = inner
    return {_clean(key): _values(value) for key, value in headers.items()}


def _values(value: object) -> tuple[str, ...]:
    if value is None:  # Go writes a header without values so
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(_word(item.get("inner", item) if isinstance(item, dict) else item) for item in items)


def _word(value: object) -> str:
    """A value that should be a string; another one as JSON has it."""
    if isinstance(value, str):
        return _clean(value)
    return "" if value is None else json.dumps(value)


def _clean(text: str) -> str:
    """A text that can be written as UTF-8."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "not JSON"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _dump(record: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 has no bytes for, stays an escape."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()
