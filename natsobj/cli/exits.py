"""The one table of exit codes, and what is said about an error: its message, its code and the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from natsobj import errors
from natsobj.cli.arguments.grammar import MissingParameter, NoArgsIsHelpError, NoSuchOption, UsageError
from natsobj.errors import (
    AuthenticationFailed,
    AuthorizationError,
    BucketExists,
    BucketFull,
    BucketNotFound,
    CertificateError,
    ChunksLost,
    ContentBroken,
    ContentMismatch,
    ContextNotFound,
    DigestMismatch,
    FileExists,
    InvalidArgument,
    InvalidBucketName,
    JetStreamUnavailable,
    NatsobjError,
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    OutcomeUnknown,
    PermissionDenied,
    RefusedError,
    RequestTimeout,
    RevisionMismatch,
    ServerUnavailable,
    SourceChanged,
    TemporaryError,
)

__all__ = [
    "BROKEN",
    "BROKEN_PIPE",
    "DONE",
    "ERROR_CODES",
    "EXIT_CODES",
    "FAILED",
    "SIGNALLED",
    "TEMPORARY",
    "USAGE",
    "Exit",
    "UsageError",
    "error_code",
    "exit_code",
    "foreseen",
    "hint",
    "kind",
    "message",
    "names",
    "usage_message",
    "without_credentials",
]


@dataclass(frozen=True, slots=True)
class Exit:
    """One way to end."""

    code: int
    meaning: str
    errors: tuple[type[Exception], ...] = ()


EXIT_CODES = (
    Exit(0, "done"),
    Exit(1, "another error (local files, a full disk), or some of a batch failed", (NatsobjError, OSError)),
    Exit(2, "wrong usage: options, bucket names, keys, a missing confirmation", (InvalidArgument,)),
    Exit(3, "no such bucket", (BucketNotFound,)),
    Exit(4, "no such object", (ObjectNotFound,)),
    Exit(5, "temporary, try again: no server, no answer, changed meanwhile", (TemporaryError,)),
    Exit(6, "refused: it exists, was changed, is sealed or full", (RefusedError,)),
    Exit(7, "not authorised, or a certificate that is not trusted", (AuthorizationError,)),
    Exit(8, "the stored content is broken: digest, size or missing chunks", (ContentBroken,)),
    Exit(129, "the terminal was closed (SIGHUP)"),
    Exit(130, "interrupted (SIGINT)"),
    Exit(141, "the reader of standard output went away"),
    Exit(143, "terminated (SIGTERM)"),
)
"""Every exit code; an error takes the last row that names one of its classes."""

DONE = 0
FAILED = 1
USAGE = 2
TEMPORARY = 5
BROKEN = 8
BROKEN_PIPE = 141
SIGNALLED = 128
"""Added to the signal's number."""


def exit_code(error: Exception) -> int:
    """Give the exit code of an error."""
    return next(row.code for row in reversed(EXIT_CODES) if isinstance(error, row.errors))


def foreseen(error: BaseException) -> bool:
    """Say whether an error is one to explain in a line; any other is a bug.

    A `TimeoutError` without a number is asyncio's, though Python counts it among the errors of the system.
    """
    return isinstance(error, NatsobjError) or (isinstance(error, OSError) and error.errno is not None)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_SYSTEM_ERROR = "os_error"

ERROR_CODES = (*(_snake_case(name) for name in errors.__all__), _SYSTEM_ERROR)
"""What `code` may be in a JSON error: the snake case of our errors' classes, and one for the system's."""


def error_code(error: Exception) -> str:
    """Give the `code` of an error in JSON."""
    return _snake_case(type(error).__name__) if isinstance(error, NatsobjError) else _SYSTEM_ERROR


def kind(error: Exception) -> str:
    """Say what went wrong, whatever it was with."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return error_code(error).replace("_", " ")


def message(error: Exception) -> str:
    """Say what went wrong, and with what."""
    if isinstance(error, OSError):
        names = (name for name in (error.filename, error.filename2) if name not in (None, ""))
        text = ": ".join((*map(_file_name, names), error.strerror or type(error).__name__))
    else:
        text = str(error)
    return without_credentials(text)


def names(error: Exception, thing: str) -> bool:
    """Say whether the message names the key or the file that it is about."""
    if isinstance(error, OSError):
        return error.filename is not None
    fields = () if isinstance(error, InvalidArgument) else ("key", "path", "where")
    return any(getattr(error, field, None) == thing for field in fields)


def _file_name(name: object) -> str:
    return name.decode(errors="surrogateescape") if isinstance(name, bytes) else str(name)


WRONG_DIGESTS = 512 * 1024 * 1024
"""Bytes from which on nats.js before 2.29.2 computed a wrong SHA-256 of what it stored."""

_HINTS: Mapping[type[Exception], str] = {
    AuthenticationFailed: "check --creds, --user, --token, --nkey or the context",
    BucketExists: "use --if-not-exists to accept that",
    BucketFull: "delete objects or raise the limit",
    BucketNotFound: "create it with: natsobj add {0.bucket}",
    ChunksLost: "try again; gc --older-than 0s takes the chunks of uploads under way",
    CertificateError: "name the authority to trust with --tlsca, and your own certificate with --tlscert",
    ContentBroken: "store it again",
    RevisionMismatch: "natsobj info {0.bucket} {0.key} shows what is there",
    ContentMismatch: "natsobj ls -l {0.bucket} shows what is there",
    FileExists: "use -f to replace it or --skip-existing to keep it",
    InvalidBucketName: "letters, digits, - and _ are allowed",
    JetStreamUnavailable: "is JetStream enabled there, and is the --js-domain right?",
    ObjectChanged: "try again",
    OutcomeUnknown: "natsobj info {0.bucket} {0.key} shows it",
    ObjectExists: "leave out --if-absent to replace it",
    RequestTimeout: "try again, or allow more with --timeout",
    PermissionDenied: "the user may not {0.verb} to that subject",
    ServerUnavailable: "name a server with -s or NATS_URL, or use --local",
    SourceChanged: "try again, or store what is read: cat FILE | natsobj put ...",
}
"""The next step, unless something better is known; `{0}` is the error."""


def hint(error: Exception) -> str | None:
    """Name the next step, if there is one; a note on the error itself is better than what its class gets."""
    if notes := getattr(error, "__notes__", None):
        return without_credentials(str(notes[0]))
    known = (_HINTS[kind].format(error) for kind in type(error).__mro__ if kind in _HINTS)
    text: str | None
    match error:
        case DigestMismatch() if error.size >= WRONG_DIGESTS:
            text = (
                "nats.js before 2.29.2 wrote wrong digests from 512 MiB on; get --offset 0 reads it unchecked"
            )
        case ServerUnavailable() if error.reason == errors.CONNECTION_LOST:
            text = "try again"
        case ContextNotFound():
            text = _context_hint(error)
        case SourceChanged() if error.only_time:
            text = "if its file system has unstable times, store what is read: cat FILE | natsobj put ..."
        case ObjectNotFound():
            text = None if error.deleted_meanwhile else f"natsobj ls {error.bucket} shows what is there"
        case _:
            text = next(known, None)
    return None if text is None else without_credentials(text)


def _context_hint(error: ContextNotFound) -> str | None:
    """Name the context that is meant, or those that there are."""
    from difflib import get_close_matches

    if near := get_close_matches(error.name, error.known[:1000], n=1):
        return f"did you mean {near[0]}?"
    if len(error.known) > 5:
        return "nats context ls lists them"
    return f"contexts: {', '.join(error.known)}" if error.known else None


def usage_message(error: UsageError) -> tuple[str, str | None]:
    """Give the message and the next step of a wrong usage; without any argument the help is the message.

    A note on the error is a better next step than the help.
    """
    if isinstance(error, NoArgsIsHelpError):
        return error.format_message(), None
    notes = getattr(error, "__notes__", None)
    if isinstance(error, NoSuchOption) and not notes and (near := _near_option(error)):
        return error.message[:1].lower() + error.message[1:], f"did you mean {near}?"
    if isinstance(error, MissingParameter) and error.param is not None:
        text = f"missing {error.param.param_type_name} {error.param.human_readable_name}"
    elif isinstance(error, NoSuchOption):
        text = error.message  # without a guess at what may have been meant
    else:
        text = error.format_message().rstrip(".")
    if notes:
        text = text.partition(". Did you mean")[0]
        text = text[:1].lower() + text[1:]
        return without_credentials(text), without_credentials(str(notes[0]))
    command = "natsobj" if error.ctx is None else error.ctx.command_path
    return without_credentials(text[:1].lower() + text[1:]), f"try {command} --help"


def _near_option(error: NoSuchOption) -> str | None:
    """Return the option that was meant; the dashes alone make no two alike."""
    from difflib import get_close_matches

    names = {each.lstrip("-"): each for each in error.possibilities or ()}
    near = get_close_matches(error.option_name.lstrip("-"), names, n=1, cutoff=0.7)
    return names[near[0]] if near else None


_SCHEME = r"\b(?:nats|tls|wss?):/{1,2}"  # one slash is what it has where a URL was taken for a path
_USER_INFO = re.compile(
    rf"({_SCHEME})(?:(?:(?!{_SCHEME})\S)*|[^\s/@:,]{{1,99}}:(?!\s|[0-9]{{1,5}}\b)[^@\n]{{0,99}})@",
    re.IGNORECASE,
)
"""All before the last @ of a word; and, behind a colon, words that are no port and no text of ours."""


def without_credentials(text: str) -> str:
    """Take user and password out of all URLs of servers."""
    return _USER_INFO.sub(r"\1", text)
