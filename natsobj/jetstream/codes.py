"""What the server's answers mean: acknowledgements, and JetStream's error codes as our errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from natsobj.adr20 import names
from natsobj.connection import Message
from natsobj.errors import (
    BucketExists,
    BucketFull,
    BucketNotFound,
    BucketSealed,
    ConfigRefused,
    JetStreamUnavailable,
    MalformedAnswer,
    NatsobjError,
    ServerError,
)
from natsobj.jetstream import shapes

__all__ = [
    "BUSY",
    "FULL",
    "IN_PROCESS",
    "NO_MESSAGE",
    "TOO_MANY_REQUESTS",
    "WRONG_SEQUENCE",
    "Ack",
    "api_error",
    "check_load",
    "read_ack",
]

# JetStream's err_code values that decide something
NO_MESSAGE = 10037
NO_STREAM = 10059
IN_PROCESS = 10164
"""The cluster is still processing another write to the same subject."""
WRONG_SEQUENCE = frozenset({10071, IN_PROCESS})
TOO_MANY_REQUESTS = 10167
SEALED = 10109
_NAME_IN_USE = 10058
"""A stream of that name exists with other settings."""
MESSAGE_TOO_LARGE = 10054
FULL = frozenset({10077, 10023, 10002, 10028, 10047})
"""A limit of the bucket, the server or the account is reached."""
BUSY = frozenset({429, 503, 10008, TOO_MANY_REQUESTS})
"""A publish with this answer may succeed later; some of these are status codes."""
_BUCKET_ERRORS: Mapping[int, Callable[[str], NatsobjError]] = {
    NO_STREAM: BucketNotFound,
    _NAME_IN_USE: BucketExists,
    SEALED: BucketSealed,
}
_OFF = frozenset({10039, 10076})
_UNAVAILABLE = frozenset({10008, TOO_MANY_REQUESTS, *_OFF})


class Ack(NamedTuple):
    """The server's answer to a published message: where it is stored, or why it is not."""

    sequence: int
    stream: str
    domain: str
    code: int
    """JetStream's `err_code`, or the status if there is only that; 0 if stored."""
    message: str


_PLAIN_ACK = re.compile(rb'\{"stream":"([\w-]+)", ?"seq":([1-9]\d{0,17})\}')
"""As a server has it that stored a message: most answers by far, which need no more than a look."""

_NO_SENSE = Ack(0, "", "", 503, "an answer that makes no sense")


def read_ack(message: Message) -> Ack:
    """Read the answer to a published message; one that makes no sense counts as a busy leader."""
    if (plain := _PLAIN_ACK.fullmatch(message.data)) is not None and not message.headers:
        return Ack(int(plain[2]), plain[1].decode(), "", 0, "")
    status = message.status
    if status:
        code = int(status) if status.isdigit() and len(status) == 3 else _NO_SENSE.code
        return Ack(0, "", "", code, message.headers.get("Description", "no leader"))
    try:
        answer = shapes.fit(shapes.read_json(message.data, "ack"), shapes.ACK, "ack")
    except MalformedAnswer:
        return _NO_SENSE
    if error := answer.get("error"):
        code = error.get("err_code") or error.get("code") or 1
        return Ack(0, "", "", code, error.get("description", ""))
    if not (answer.get("seq") and answer.get("stream")):
        return _NO_SENSE
    return Ack(answer["seq"], answer["stream"], answer.get("domain", ""), 0, "")


def check_load(answer: Message) -> None:
    """Raise `JetStreamUnavailable` if too much was asked of the server at once: it may answer later."""
    if answer.status == "429":
        raise JetStreamUnavailable(f"JetStream: {answer.headers.get('Description', 'too many requests')}")


def api_error(code: int, description: str, status: int, stream: str) -> NatsobjError:
    """Return our error for JetStream's `err_code`."""
    bucket = names.bucket_of_stream(stream) or stream
    if code in _BUCKET_ERRORS:
        return _BUCKET_ERRORS[code](bucket)
    if code in FULL:
        return BucketFull(bucket, description)
    if code in _UNAVAILABLE or (status in (429, 503) and code not in FULL):
        return JetStreamUnavailable(f"JetStream: {description}", lasting=code in _OFF)
    if code == MESSAGE_TOO_LARGE or (status in (400, 500) and code not in {NO_MESSAGE, *WRONG_SEQUENCE}):
        return ConfigRefused(f"{bucket}: {description}" if bucket else description)
    return ServerError(description, code)
