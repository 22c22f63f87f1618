"""What `natsobj help TOPIC` explains; the man pages take the same texts from here.

Prose is written with `code` between backticks and paragraphs between empty lines.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from natsobj.cli.exits import ERROR_CODES, EXIT_CODES
from natsobj.cli.output import account, actions, buckets, changes, checks, folders, objects

__all__ = [
    "ACCEPTED",
    "ENVIRONMENT",
    "FILES",
    "JSON",
    "JSON_ERRORS",
    "JSON_KINDS",
    "PRECEDENCE",
    "TOPICS",
    "topic",
    "variables",
]

WIDTH = 80

JSON_KINDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "object": ("An object", objects.OBJECT_FIELDS),
    "folder": ("A folder of ls --folders", folders.FOLDER_FIELDS),
    "bucket": ("A bucket", buckets.BUCKET_FIELDS),
    "account": ("The account", account.ACCOUNT_FIELDS),
    "server": ("The local server", account.SERVER_FIELDS),
    "site": ("The site of serve", account.SITE_FIELDS),
    "verdict": ("A verdict of verify", checks.VERDICT_FIELDS),
    "change": ("A change of watch", changes.CHANGE_FIELDS),
    "action": ("An action of sync", actions.ACTION_FIELDS),
    "orphan": ("An orphan", checks.ORPHAN_FIELDS),
    "tombstone": ("A tombstone", checks.TOMBSTONE_FIELDS),
}
JSON = """
    With `--json`, results are compact JSON, one object per line. Sizes are bytes, durations seconds, times
    RFC 3339 in UTC with six decimals; absent values are null. `digest` is as stored, `sha256` is in hex. Only
    `info BUCKET` fills a bucket's `objects`, `chunks` and `cluster` (`name`, `leader` and `replicas`, each
    with `name`, `current` and `lag`). `link` has `bucket` and `name`, `placement` has `cluster` and `tags`.
    `rm` shows the object as it was, with `deleted` true. The `name` of an action of `sync` is always the key,
    also where a local file is deleted.
"""
JSON_ERRORS = """
    An error is {"error":{"code":...,"message":...,"hint":...}} on standard error; wrong usage is plain text.
    The codes:
"""

ENVIRONMENT = {
    "HOME": "The home folder, `~`; by default as the system has it. A relative path counts as unset.",
    "NATS_JWT, NATS_SEED": "A user's JWT and the seed that goes with it, instead of a credentials file.",
    "NO_COLOR": "If set, no colour unless `--color` asks for it; so does TERM=dumb.",
    "XDG_CONFIG_HOME": "Where contexts are, by default ~/.config; a relative path counts as unset.",
    "XDG_DATA_HOME": "Where local data is, by default ~/.local/share; a relative path counts as unset.",
    "XDG_STATE_HOME": "State of `put --resume`, by default ~/.local/state; a relative one counts as unset.",
}
FILES = {
    "$XDG_CONFIG_HOME/nats/context/NAME.json": "A context of the nats command.",
    "$XDG_CONFIG_HOME/nats/context.txt": "The selected context; a file that cannot be read selects none.",
    "$XDG_DATA_HOME/natsobj/server.json": "Address and token of the local server, for its owner only.",
    "$XDG_DATA_HOME/natsobj/server.log": "The log of the local server.",
    "$XDG_DATA_HOME/natsobj/data/": "The data of the local server.",
    "$XDG_STATE_HOME/natsobj/uploads/": "How far each interrupted `put --resume` had come.",
    ".NAME.XXXX.natsobj": "What `get` has fetched so far, next to the file NAME; removed when it ends.",
    ".NAME.NUID.part.natsobj": "The same for `get --resume`, kept until the file is complete.",
}
PRECEDENCE = """
    Options come before these variables, and these before the selected context of the nats command; without
    any of them the server is nats://127.0.0.1:4222. A context named by `--context` comes before variables.
    A credential is one value: it is taken whole from the first place that has one, and halves from two places
    are refused.
"""
ACCEPTED = """
    Every command accepts these options, before and after its name; if an option is given twice, the one after
    the name is used.
"""
CONNECTION = f"""
    {ACCEPTED} An option comes before the variable in brackets, and the variable before the selected
    context of the nats command (`natsobj help environment`).
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


def variables(options: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Find the variables that the help of options has in brackets, and say what each means."""
    for option, text in options:
        if found := re.search(r"\[([A-Z_]+)(=1)?", text):
            value = "Set to 1: as" if found[2] else "As"
            beside = " Beside NATS_URL or NATS_CONTEXT it is wrong usage." if found[2] else ""
            yield found[1], f"{value} `{re.findall(r'--[a-z-]+', option)[0]}`.{beside}"


def _exit_codes() -> Iterator[str]:
    yield from _items((str(row.code), row.meaning) for row in EXIT_CODES)


def _environment(options: Options) -> Iterator[str]:
    yield from _paragraphs(PRECEDENCE)
    yield ""
    yield from _items(variables((option, text) for _, option, text in options))
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
    from natsobj.cli.arguments.phrases import PHRASES

    for program, phrases in PHRASES.items():
        yield from (f"{program}:", "")
        for theirs, ours in phrases:
            yield from (f"  {theirs}", f"      {ours}")
        yield ""
    yield from _paragraphs(
        """
        BUCKET and KEY are two words here, not one with a slash. Names are used as given: patterns go to
        `--match`. A put replaces an object without asking; a get keeps an existing file unless `-f` is given.
        """
    )


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
