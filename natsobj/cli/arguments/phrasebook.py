"""What hands type that know `nats object`, mc, aws, rclone or gh, and the line that does it here.

Imported only where a line was wrong.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Mapping, Sequence

from natsobj.cli.arguments.grammar import Context, TyperGroup, UsageError
from natsobj.errors import NatsobjError

__all__ = ["advice"]

COMMANDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("del", "delete", "remove", "unlink", "deletefile"), ("rm",)),
    **dict.fromkeys(("show", "stat", "status", "head", "i", "du", "size"), ("info",)),
    **dict.fromkeys(("mb", "create", "new", "make", "mkdir", "init"), ("add",)),
    **dict.fromkeys(("rb", "purge", "rmdir", "destroy"), ("rm", "--bucket")),
    **dict.fromkeys(("list", "dir", "l", "lsf", "lsl", "find"), ("ls",)),
    **dict.fromkeys(("lsd", "tree"), ("ls", "--folders")),
    **dict.fromkeys(("upload", "store", "pipe", "rcat"), ("put",)),
    **dict.fromkeys(("download", "fetch", "pull"), ("get",)),
    **dict.fromkeys(("move", "rename", "moveto"), ("mv",)),
    **dict.fromkeys(("copy", "copyto"), ("cp",)),
    **dict.fromkeys(("update", "set"), ("edit",)),
    **dict.fromkeys(("fsck", "validate"), ("verify",)),
    **dict.fromkeys(("check", "diff"), ("sync", "--dry-run")),
    **dict.fromkeys(("login", "auth", "config", "configure", "alias"), ("help", "connection")),
    "lsjson": ("ls", "--json"),
    "link": ("ln",),
    "mirror": ("sync",),
}
"""Commands of others, and ours."""

OURS = ("nats", "object", "obj", "o")
PREFACES = (*OURS, "s3", "aws", "mc", "rclone", "gh", "release", "cache", "bucket")
"""Words that the others have before the command."""

ALIASES = ("nats", "minio", "myminio", "play", "local", "s3")
"""What mc has before the bucket: the name that somebody gave to a server."""

PATTERN = re.compile(r"[*?]")
"""What no name begins with that somebody typed on purpose."""

SECRETS = {"--password", "--token"}
VALUED = SECRETS | {
    *("-s", "--server", "--context", "--creds", "--nkey", "--user", "--tlscert", "--tlskey", "--tlsca"),
    *("--js-domain", "--js-api-prefix", "--inbox-prefix", "--timeout", "--color", "--progress"),
    *("--description", "-H", "--header", "--metadata", "--chunk-size", "--ttl", "--match", "--sort", "-j"),
    *(
        "--exclude",
        "--jobs",
        "--offset",
        "--length",
        "--older-than",
        "--newer-than",
        "--max-bucket-size",
        "--replicas",
    ),
}
"""Options that take a value; secrets are not said again."""


def advice(args: Sequence[str], root: Context) -> str | None:
    """Give the line that was meant by a wrong one; None where nobody knows, or where it would not work."""
    assert isinstance(root.command, TyperGroup)
    commands = root.command.list_commands(root)
    options, words = _sorted_out(args)
    prefaces = []
    while words and words[0] in PREFACES and words[0] not in commands:
        prefaces.append(words.pop(0))
    if words == ["version"] or "-version" in args:
        return "natsobj --version"
    if not words:
        return None
    command = (words[0],) if words[0] in commands else COMMANDS.get(words[0], ())
    if not command or command[0] not in commands:
        return None
    if command[0] == "help":
        return shlex.join(("natsobj", *command))
    said_by = {*words[:1], *(("file",) if set(prefaces) & {*OURS, "release"} else ())}
    lines = _lines([*command, *words[1:]], options, said_by)
    said = sorted(each for each in args if each not in SECRETS)
    if sorted(lines[0]) == said or not all(_works(line, root) for line in lines):
        return None
    return " && ".join(shlex.join(("natsobj", *line)) for line in lines)


def _works(line: Sequence[str], root: Context) -> bool:
    """Tell whether a line can be read, without doing what it says."""
    assert isinstance(root.command, TyperGroup)
    command = root.command.get_command(root, line[0])
    if command is None or {"-h", "--help"} & set(line):
        return False
    try:
        command.make_context(line[0], list(line[1:]), root)
    except (UsageError, NatsobjError):
        return False
    return True


def _sorted_out(args: Sequence[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Tell options, with their values, from words."""
    options: list[tuple[str, ...]] = []
    words: list[str] = []
    rest = iter(args)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if arg == "--":
            words.extend(rest)
        elif not arg.startswith("-") or arg == "-":
            words.append(arg)
        elif equals:
            options.append((name, value))
        elif name in VALUED | {"-O", "-o", "--output", "--name"}:
            options.append((name, *([value] if (value := next(rest, "")) else [])))
        elif re.fullmatch(r"-[A-Za-z]{2,4}", arg):  # several in one, such as -rf
            options += [(f"-{letter}",) for letter in arg[1:]]
        else:
            options.append((name,))
    return options, words


def _lines(words: list[str], options: list[tuple[str, ...]], said_by: set[str]) -> list[list[str]]:
    """Write our line, or lines, from our command with the words and options of another.

    Args:
        said_by: the other's command, and `file` where it fetches to a file without being told.
    """
    command, *rest = words
    kept: list[tuple[str, ...]] = [(word,) for word in rest if word.startswith("--")]
    rest = [word for word in rest if not word.startswith("--")]
    named: dict[str, str] = {}
    for option in options:
        if option[0] in {"-O", "-o", "--output"} or (command, option[0]) == ("put", "--name"):
            named[command] = option[-1]
        else:
            kept += _translated(command, option)
    command, rest, folder = _addressed(command, rest, said_by)
    if folder and not {("-r",), ("--recursive",)} & set(kept):
        kept.insert(0, ("-r",))
    parts = [part for option in kept for part in option]
    return _arranged(command, rest, parts, named.get(command), said_by)


IGNORED = {
    "put": {"-f", "--force"},
    "add": {"-f", "--force"},
    "ls": {"-r", "-R", "--recursive", "-a", "-h", "-t"},
    "sync": {"--overwrite"},
}
"""Options of others that ask for what is so here anyway."""


OPTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ls", "-n"): ("-1",),
    ("ls", "--name"): ("--match",),
    ("rm", "-R"): ("-r",),
    **dict.fromkeys((("rm", "-y"), ("rm", "--yes"), ("rm", "--force")), ("-f",)),
    **dict.fromkeys((("sync", "--remove"), ("sync", "--delete-after")), ("--delete",)),
    ("", "--dryrun"): ("--dry-run",),
    ("", "--no-progress"): ("--progress", "none"),
}
"""Options of others, of one of our commands or of any, and ours; a value goes along."""


def _translated(command: str, option: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Write an option of another program as ours, if there is a counterpart, and else as it is."""
    name, *value = option
    if name in SECRETS or name in IGNORED.get(command, ()):
        return []
    ours = OPTIONS.get((command, name)) or OPTIONS.get(("", name)) or (name,)
    return [(*ours, *value)]


ADDRESS = re.compile(r"(?:s3://|[A-Za-z][\w-]*:)?([A-Za-z0-9_-]+)(?:/(.*))?", re.DOTALL)
"""`s3://BUCKET/KEY`, `REMOTE:BUCKET/KEY`, or only `BUCKET/KEY`."""


def _addressed(command: str, words: list[str], said_by: set[str]) -> tuple[str, list[str], bool]:
    """Take `BUCKET/KEY` apart, and find out which way a copy goes, and whether it is one of a folder."""
    words = [_without_alias(word) for word in words]
    if command == "sync" and len(words) == 2:
        return command, _sides(words), False
    if command in {"cp", "mv"} and len(words) == 2 and any(re.search(r"[/:]", word) for word in words):
        first, second = words
        (bucket, key), (other, new) = _apart(first), _apart(second)
        if _is_here(first) and other:
            folder = os.path.isdir(first)  # noqa: PTH112  # never raises
            return "put", [other, new or first.rpartition("/")[2], first], folder
        if bucket and (_is_here(second) or not _is_remote(second)) and "/" not in second.strip("./"):
            folder = "copy" in said_by and "." not in key
            return "get", [bucket, key, second], folder
        if bucket and other:
            return command, [bucket, key, *([] if other == bucket else [other]), new or key], False
    if len(words) == 2 and command == "put" and os.path.isfile(words[0]):  # noqa: PTH113
        words = words if os.path.isfile(words[1]) else words[::-1]  # noqa: PTH113
    if words and re.search(r"[/:]", words[0]):
        bucket, key = _apart(words[0])
        if bucket:
            return command, [bucket, *([key] if key else []), *words[1:]], False
    return command, words, False


def _without_alias(word: str) -> str:
    alias, slash, rest = word.partition("/")
    return rest if slash and rest and alias in ALIASES else word


def _is_here(word: str) -> bool:
    """Tell whether a word means something on this machine."""
    return word.startswith((".", "/", "~")) or os.path.exists(word)  # noqa: PTH110  # never raises


def _sides(words: list[str]) -> list[str]:
    """Name the bucket of a sync as BUCKET:PREFIX; without an address it is the side that is not a folder."""
    far = [_is_remote(word) for word in words]
    if not any(far):
        far = [not os.path.isdir(word) for word in words]  # noqa: PTH112  # never raises
    if far.count(True) != 1:
        return words
    at = far.index(True)
    if re.match(r"(?!nats:)[\w-]+:(?!//)", words[at]) is None:
        words = [*words[:at], ":".join(_apart(words[at])), *words[at + 1 :]]
    return words


def _is_remote(word: str) -> bool:
    return word.startswith("s3://") or re.match(r"[A-Za-z][\w-]+:(?!/)", word) is not None


def _apart(word: str) -> tuple[str, str]:
    found = ADDRESS.fullmatch(word)
    return (found[1], found[2] or "") if found else ("", "")


def _arranged(
    command: str, words: list[str], options: list[str], name: str | None, said_by: set[str]
) -> list[list[str]]:
    """Put bucket, key and files where they stand here; several lines where one takes one object only."""
    bucket, *rest = words or [""]
    folder = bool({"-r", "--recursive"} & set(options))
    if command == "get" and len(rest) > 2:
        return [[command, bucket, each, ".", *options] for each in rest]
    if command == "info" and len(rest) > 1:
        return [[command, bucket, each, *options] for each in rest]
    if command == "get":
        return [[command, *_of_get(bucket, rest, options, name, folder=folder, said_by=said_by)]]
    if command == "put" and name is not None:
        words = [bucket, name, *rest[:1]]
    elif command == "put" and len(rest) == 1 and not folder and not {"pipe", "rcat"} & said_by:
        words = [bucket, rest[0], *(rest if os.path.isfile(rest[0]) else [])]  # noqa: PTH113
    elif command == "ls" and rest and PATTERN.search(rest[0]):
        words, options = [bucket], ["--match", rest[0], *options]
    elif command == "rm" and folder and rest:
        kept = [each for each in options if each not in {"-r", "--recursive", "-f"}]
        words, options = [bucket], ["--match", f"{rest[0].rstrip('/')}/*", *kept, "-f"]
    elif command == "rm" and words and not rest and not {"--bucket", "--match"} & set(options):
        options = ["--bucket", *options]
    if "--bucket" in options:
        words, options = ["--bucket", *words], [each for each in options if each != "--bucket"]
    return [[command, *words, *options]]


def _of_get(
    bucket: str, rest: list[str], options: list[str], name: str | None, *, folder: bool, said_by: set[str]
) -> list[str]:
    """Put the words of a get where they stand here."""
    if name is not None:
        return [bucket, *rest[:1], name, *options]
    if folder and rest and PATTERN.search(rest[0]):
        return [bucket, "", *(rest[1:] or ["."]), *options, "--match", rest[0]]
    if bucket and not rest and not folder:
        return [bucket, "", ".", "-r", *options]
    if len(rest) == 1 and not folder and {"file", "download"} & said_by:
        return [bucket, rest[0], ".", *options]
    return [bucket, *rest, *options]
