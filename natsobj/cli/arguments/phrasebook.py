"""What hands type that know `nats object`, mc, aws or rclone, and the line that does it here.

Imported only where a line was wrong, and by `natsobj help nats`.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Mapping, Sequence

from natsobj.cli.arguments.grammar import Context, TyperGroup, UsageError
from natsobj.errors import NatsobjError

__all__ = ["PHRASES", "advice"]

Phrases = Sequence[tuple[str, str]]
"""A line for the other program, and ours. A test runs ours from top to bottom."""

PHRASES: Mapping[str, Phrases] = {
    "nats object": (
        ("nats object add photos", "natsobj add photos"),
        ("nats object add photos --ttl 24h --replicas 1", "natsobj add photos --if-not-exists --ttl 24h"),
        ("nats object put photos cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("nats object put photos cat.jpg --name 2026/cat.jpg", "natsobj put photos 2026/cat.jpg cat.jpg"),
        ("nats object put photos cat.jpg -f", "natsobj put photos cat.jpg cat.jpg"),
        (
            "nats object put photos cat.jpg --no-progress",
            "natsobj put photos cat.jpg cat.jpg --progress none",
        ),
        ("nats object put photos --name cat.jpg < cat.jpg", "natsobj put photos cat.jpg < cat.jpg"),
        ("nats object ls", "natsobj ls"),
        ("nats object ls -n", "natsobj ls -1"),
        ("nats object ls photos", "natsobj ls photos"),
        ("nats object info photos", "natsobj info photos"),
        ("nats object show photos cat.jpg", "natsobj info photos cat.jpg"),
        ("nats object get photos 2026/dog.jpg", "natsobj get photos 2026/dog.jpg ."),
        ("nats object get photos cat.jpg -O /tmp/copy.jpg", "natsobj get photos cat.jpg copy.jpg"),
        ("nats object get photos cat.jpg -f", "natsobj get photos cat.jpg . -f"),
        (
            "nats object edit photos --description 'Our cats'",
            "natsobj edit photos --description 'Our cats'",
        ),
        ("nats object rm photos cat.jpg -f", "natsobj rm photos cat.jpg"),
        ("nats object del photos 2026/cat.jpg -f", "natsobj rm photos 2026/cat.jpg"),
        ("nats object watch photos", "natsobj watch photos"),
        ("nats object seal photos -f", "natsobj seal photos -f"),
        ("nats object rm photos -f", "natsobj rm --bucket photos -f"),
    ),
    "mc": (
        ("mc mb nats/photos", "natsobj add photos"),
        ("mc cp cat.jpg nats/photos/2026/", "natsobj put photos 2026/ cat.jpg"),
        ("mc cp -r dist nats/photos/dist", "natsobj put -r photos dist dist"),
        ("mc mirror dist nats/photos/dist", "natsobj sync dist photos:dist"),
        ("mc mirror --overwrite --remove dist nats/photos/dist", "natsobj sync dist photos:dist --delete"),
        ("mc pipe nats/photos/cat.jpg < cat.jpg", "natsobj put photos cat.jpg < cat.jpg"),
        ("mc ls nats/photos/2026/", "natsobj ls photos 2026/ --folders"),
        ("mc ls -r nats/photos/2026/", "natsobj ls photos 2026/"),
        ("mc find nats/photos --name '*.jpg'", "natsobj ls photos --match '*.jpg'"),
        ("mc stat nats/photos/cat.jpg", "natsobj info photos cat.jpg"),
        ("mc cat nats/photos/cat.jpg", "natsobj cat photos cat.jpg"),
        ("mc mv nats/photos/cat.jpg nats/photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("mc rm nats/photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("mc rb --force nats/photos", "natsobj rm --bucket photos -f"),
    ),
    "aws s3": (
        ("aws s3 mb s3://photos", "natsobj add photos"),
        ("aws s3 cp cat.jpg s3://photos/cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("aws s3 cp dist s3://photos/dist --recursive", "natsobj put -r photos dist dist"),
        ("aws s3 sync dist s3://photos/dist", "natsobj sync dist photos:dist"),
        (
            "aws s3 sync s3://photos/dist copy --delete --dryrun",
            "natsobj sync photos:dist copy --delete --dry-run",
        ),
        ("aws s3 cp s3://photos/cat.jpg -", "natsobj get photos cat.jpg -"),
        ("aws s3 cp s3://photos/dist dist --recursive", "natsobj get -r photos dist copy"),
        ("aws s3 ls s3://photos/", "natsobj ls photos --folders"),
        ("aws s3 ls s3://photos/ --recursive", "natsobj ls photos"),
        ("aws s3 mv s3://photos/cat.jpg s3://photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("aws s3 rm s3://photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("aws s3 rm s3://photos/dist/ --recursive", "natsobj rm photos --match 'dist/*' -f"),
        ("aws s3 rb s3://photos --force", "natsobj rm --bucket photos -f"),
    ),
    "rclone": (
        ("rclone mkdir nats:photos", "natsobj add photos"),
        ("rclone copyto cat.jpg nats:photos/cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("rclone copy dist nats:photos/dist", "natsobj put -r photos dist dist --if-changed"),
        ("rclone copy nats:photos/dist dist", "natsobj get -r photos dist dist --if-changed"),
        ("rclone sync dist nats:photos/dist", "natsobj sync dist photos:dist --delete"),
        ("rclone sync nats:photos/dist dist --dry-run", "natsobj sync photos:dist dist --delete -n"),
        ("rclone lsd nats:photos", "natsobj ls photos --folders"),
        ("rclone lsf -R nats:photos", "natsobj ls photos -1"),
        ("rclone cat nats:photos/cat.jpg", "natsobj cat photos cat.jpg"),
        ("rclone check dist nats:photos/dist", "natsobj ls photos dist/ --sha256sum"),
        ("rclone moveto nats:photos/cat.jpg nats:photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("rclone deletefile nats:photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("rclone purge nats:photos", "natsobj rm --bucket photos -f"),
    ),
}

COMMANDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("del", "delete", "remove", "unlink", "deletefile"), ("rm",)),
    **dict.fromkeys(("show", "stat", "status", "head", "i"), ("info",)),
    **dict.fromkeys(("mb", "create", "new", "make", "mkdir", "init"), ("add",)),
    **dict.fromkeys(("rb", "purge", "rmdir", "destroy"), ("rm", "--bucket")),
    **dict.fromkeys(("list", "dir", "l", "lsf", "find"), ("ls",)),
    **dict.fromkeys(("lsd", "tree"), ("ls", "--folders")),
    **dict.fromkeys(("upload", "store", "pipe", "rcat"), ("put",)),
    **dict.fromkeys(("download", "fetch", "pull"), ("get",)),
    **dict.fromkeys(("move", "rename", "moveto"), ("mv",)),
    **dict.fromkeys(("copy", "copyto"), ("cp",)),
    **dict.fromkeys(("update", "set", "config"), ("edit",)),
    **dict.fromkeys(("check", "fsck", "validate"), ("verify",)),
    "link": ("ln",),
    "mirror": ("sync",),
}
"""Commands of others, and ours."""

PREFACES = ("nats", "object", "obj", "o", "s3", "aws", "mc", "rclone")
"""Words that the others have before the command."""

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
    while words and words[0] in PREFACES and words[0] not in commands:
        words = words[1:]
    if not words:
        return None
    command = (words[0],) if words[0] in commands else COMMANDS.get(words[0], ())
    if not command or command[0] not in commands:
        return None
    lines = _lines([*command, *words[1:]], options)
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
        elif name in VALUED | {"-O", "--output", "--name"}:
            options.append((name, *([value] if (value := next(rest, "")) else [])))
        else:
            options.append((name,))
    return options, words


def _lines(words: list[str], options: list[tuple[str, ...]]) -> list[list[str]]:
    """Write our line, or lines, from our command with the words and options of another."""
    command, *rest = words
    kept: list[tuple[str, ...]] = [(word,) for word in rest if word.startswith("--")]
    rest = [word for word in rest if not word.startswith("--")]
    named: dict[str, str] = {}
    for option in options:
        match command, option[0]:
            case _, "--password" | "--token":
                pass
            case ("get", "-O" | "--output") | ("put", "--name"):
                named[command] = option[-1]
            case _, "--no-progress":
                kept.append(("--progress", "none"))
            case "ls", "-n":
                kept.append(("-1",))
            case ("put" | "add", "-f" | "--force") | ("ls", "-r" | "-R" | "--recursive"):
                pass
            case "rm", "-y" | "--yes" | "--force":
                kept.append(("-f",))
            case "sync", "--overwrite":
                pass
            case "sync", "--remove" | "--delete-after":
                kept.append(("--delete",))
            case _, "--dryrun":
                kept.append(("--dry-run",))
            case _:
                kept.append(option)
    command, rest = _addressed(command, rest)
    return _arranged(command, rest, [part for option in kept for part in option], named.get(command))


ADDRESS = re.compile(r"(?:s3://|[A-Za-z][\w-]*:)?([A-Za-z0-9_-]+)(?:/(.*))?", re.DOTALL)
"""`s3://BUCKET/KEY`, `REMOTE:BUCKET/KEY`, or only `BUCKET/KEY`."""


def _addressed(command: str, words: list[str]) -> tuple[str, list[str]]:
    """Take `BUCKET/KEY` apart, and find out which way a copy goes."""
    if command == "sync" and len(words) == 2:
        return command, _sides(words)
    if command in {"cp", "mv"} and len(words) == 2:
        far = [_is_remote(word) for word in words]
        first, second = words
        if far == [False, True]:
            bucket, key = _apart(second)
            return "put", [bucket, key or first.rpartition("/")[2], first]
        if far == [True, False]:
            return "get", [*_apart(first), second]
        if far == [True, True]:
            (bucket, key), (other, new) = _apart(first), _apart(second)
            return command, [bucket, key, *([] if other == bucket else [other]), new or key]
    if words and re.search(r"[/:]", words[0]):
        bucket, key = _apart(words[0])
        if bucket:
            return command, [bucket, *([key] if key else []), *words[1:]]
    return command, words


def _sides(words: list[str]) -> list[str]:
    """Name the bucket of a sync as BUCKET:PREFIX; without an address it is the side that is no folder."""
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


def _arranged(command: str, words: list[str], options: list[str], name: str | None) -> list[list[str]]:
    """Put bucket, key and files where they stand here; several lines where one takes one object only."""
    bucket, *rest = words or [""]
    folder = bool({"-r", "--recursive"} & set(options))
    if command == "put" and name is not None:
        words = [bucket, name, *rest[:1]]
    elif command == "put" and len(rest) == 1 and not folder and os.path.isfile(rest[0]):  # noqa: PTH113
        words = [bucket, rest[0], rest[0]]
    elif command == "get" and name is not None:
        words = [bucket, *rest[:1], name]
    elif command == "get" and folder and rest and PATTERN.search(rest[0]):
        words, options = [bucket, "", *(rest[1:] or ["."])], [*options, "--match", rest[0]]
    elif command == "get" and len(rest) > 2:
        return [[command, bucket, each, ".", *options] for each in rest]
    elif command == "info" and len(rest) > 1:
        return [[command, bucket, each, *options] for each in rest]
    elif command == "ls" and rest and PATTERN.search(rest[0]):
        words, options = [bucket], ["--match", rest[0], *options]
    elif command == "rm" and folder and rest:
        kept = [each for each in options if each not in {"-r", "--recursive", "-f"}]
        words, options = [bucket], ["--match", f"{rest[0]}*", *kept, "-f"]
    elif command == "rm" and words and not rest and not {"--bucket", "--match"} & set(options):
        options = ["--bucket", *options]
    if "--bucket" in options:
        words, options = ["--bucket", *words], [each for each in options if each != "--bucket"]
    return [[command, *words, *options]]
