"""What `natsobj help TOPIC` explains; the man pages have it from here as well.

Prose is written with `code` between backticks and paragraphs between empty lines.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from natsobj.cli.exits import ERROR_CODES, EXIT_CODES
from natsobj.cli.output import account, actions, buckets, changes, checks, folders, objects

__all__ = ["ENVIRONMENT", "FILES", "JSON", "JSON_ERRORS", "JSON_KINDS", "PRECEDENCE", "TOPICS", "topic"]

WIDTH = 80

JSON_KINDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "object": ("An object", objects.OBJECT_FIELDS),
    "folder": ("A folder of ls --folders", folders.FOLDER_FIELDS),
    "bucket": ("A bucket", buckets.BUCKET_FIELDS),
    "account": ("The account", account.ACCOUNT_FIELDS),
    "server": ("The local server", account.SERVER_FIELDS),
    "verdict": ("A verdict of verify", checks.VERDICT_FIELDS),
    "change": ("A change of watch", changes.CHANGE_FIELDS),
    "action": ("An action of sync", actions.ACTION_FIELDS),
    "orphan": ("An orphan", checks.ORPHAN_FIELDS),
    "tombstone": ("A tombstone", checks.TOMBSTONE_FIELDS),
}
JSON = """
    With `--json` results are compact JSON, one object a line. Bytes are integers, durations seconds, times
    RFC 3339 in UTC with six decimals, and what is absent is null. `digest` is as it is stored, `sha256` is
    in hex. `objects` and `chunks` of a bucket are counted, and its `cluster` (`name`, `leader` and
    `replicas`, each with `name`, `current` and `lag`) is told, by `info BUCKET` only. `link` has `bucket`
    and `name`, `placement` has `cluster` and `tags`. What `rm` deletes is shown as it was, with `deleted`
    true.
"""
JSON_ERRORS = """
    An error is {"error":{"code":...,"message":...,"hint":...}} on standard error; wrong usage stays text.
    The codes:
"""

ENVIRONMENT = {
    "HOME": "What `~` is; unset, it is taken from the system's list of users. A relative one counts as none.",
    "NATS_JWT, NATS_SEED": "A user's JWT and the seed that goes with it, instead of a credentials file.",
    "NO_COLOR": "No colour, unless `--color` says otherwise; TERM=dumb means the same.",
    "XDG_CONFIG_HOME": "Where contexts are, by default ~/.config; a relative one counts as unset.",
    "XDG_DATA_HOME": "Where local data is, by default ~/.local/share; a relative one counts as unset.",
    "XDG_STATE_HOME": "State of `put --resume`, by default ~/.local/state; a relative one counts as unset.",
}
FILES = {
    "$XDG_CONFIG_HOME/nats/context/NAME.json": "A context of the nats command.",
    "$XDG_CONFIG_HOME/nats/context.txt": "The selected context; a file that cannot be read selects none.",
    "$XDG_DATA_HOME/natsobj/server.json": "Address and token of the local server, for its owner's eyes only.",
    "$XDG_DATA_HOME/natsobj/server.log": "What the local server says.",
    "$XDG_DATA_HOME/natsobj/data/": "What the local server stores.",
    "$XDG_STATE_HOME/natsobj/uploads/": "How far each `put --resume` is that was ended before its end.",
    ".NAME.XXXX.natsobj": "What `get` has fetched so far, beside the file NAME; gone when it ends.",
    ".NAME.NUID.part.natsobj": "The same of `get --resume`, kept until the file is whole.",
}
PRECEDENCE = """
    Options beat these variables, and these beat the selected context of the nats command; without any of them
    the server is nats://127.0.0.1:4222. A context named by `--context` beats the variables. A credential is
    one value: the highest place that has one gives all of it, and halves from two places are refused.
"""
CONNECTION = """
    These options are accepted by every command, before and after its name; what comes after beats what comes
    before. An option beats the variable in brackets, and the variable beats the selected context of the nats
    command (`natsobj help environment`).
"""

Options = Iterable[tuple[str, str, str]]
"""A panel, an option and what it means, for each option that all commands take."""


def topic(name: str, options: Options) -> str:
    """Write what there is to say about one of `TOPICS`."""
    writers: Mapping[str, Callable[[], Iterator[str]]] = {
        "exit-codes": _exit_codes,
        "environment": lambda: _environment(options),
        "json": _json,
        "connection": lambda: _connection(options),
        "nats": _nats,
    }
    return "\n".join(writers[name]()) + "\n"


TOPICS = {
    "exit-codes": "how a command ends",
    "environment": "variables, and files",
    "json": "fields and error codes of --json",
    "connection": "options of all commands",
    "nats": "what to type instead of nats object, mc, aws, rclone",
}
"""What can be asked for, and what each is about."""


def _exit_codes() -> Iterator[str]:
    yield from _items((str(row.code), row.meaning) for row in EXIT_CODES)


def _environment(options: Options) -> Iterator[str]:
    yield from _paragraphs(PRECEDENCE)
    yield ""
    found = ((re.search(r"\[([A-Z_]+)(=1)?", text), option) for _, option, text in options)
    yield from _items((match[1], f"As {_long(option)}.") for match, option in found if match)
    yield from _items(ENVIRONMENT.items())
    yield from ("", "Files:", "")
    yield from _items(FILES.items())


def _json() -> Iterator[str]:
    yield from _paragraphs(JSON)
    yield ""
    yield from _items((title, ", ".join(fields)) for title, fields in JSON_KINDS.values())
    yield ""
    yield from _paragraphs(JSON_ERRORS)
    yield from _wrapped(", ".join(ERROR_CODES), "  ")


def _connection(options: Options) -> Iterator[str]:
    yield from _paragraphs(CONNECTION)
    shown = ""
    for panel, option, text in options:
        if panel != shown:
            yield from ("", f"{panel}:")
            shown = panel
        yield from _items([(option, text)])


def _nats() -> Iterator[str]:
    from natsobj.cli.arguments.phrasebook import PHRASES

    for program, phrases in PHRASES.items():
        yield from (f"{program}:", "")
        for theirs, ours in phrases:
            yield from (f"  {theirs}", f"      {ours}")
        yield ""
    yield from _paragraphs(
        """
        BUCKET and KEY are two words here, not one with a slash between. Names are taken as they are: patterns
        are for `--match`. A put replaces an object without asking, a get keeps a file unless `-f` is given.
        """
    )


def _long(option: str) -> str:
    return str(re.findall(r"--[a-z-]+", option)[0])


def _items(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Write names and what they mean in two columns, or below each other where a name is long."""
    for name, text in rows:
        meaning = list(_wrapped(text, " " * 24))
        if len(name) > 20:
            yield f"  {name}"
        else:
            meaning[0] = f"  {name:<20}  {meaning[0].lstrip()}"
        yield from meaning


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ""
        yield from _wrapped(paragraph, "")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    plain = " ".join(text.replace("`", "").split())
    yield from textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
