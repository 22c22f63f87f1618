"""What hands type that know `nats object`, mc, aws, rclone or gh, and the line that does it here.

Imported only where a line was wrong.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from natsobj.cli.arguments.foreign import Line, Option, Word, take_apart
from natsobj.cli.arguments.grammar import Context, Parameter, TyperGroup, TyperOption, UsageError
from natsobj.errors import NatsobjError

__all__ = ["advice"]

COMMANDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("del", "delete", "remove", "unlink", "deletefile"), ("rm",)),
    **dict.fromkeys(("rb", "purge", "rmdir", "destroy"), ("rm", "--bucket")),
    **dict.fromkeys(("show", "stat", "status", "head", "i"), ("info",)),
    **dict.fromkeys(("du", "size"), ("ls",)),
    **dict.fromkeys(("mb", "create", "new", "make", "mkdir", "init"), ("add",)),
    **dict.fromkeys(("list", "dir", "l", "lsl", "find"), ("ls",)),
    **dict.fromkeys(("lsd", "tree"), ("ls", "--folders")),
    **dict.fromkeys(("upload", "store", "pipe", "rcat"), ("put",)),
    **dict.fromkeys(("download", "fetch", "pull"), ("get",)),
    **dict.fromkeys(("move", "rename", "moveto"), ("mv",)),
    **dict.fromkeys(("copy", "copyto"), ("cp",)),
    **dict.fromkeys(("update", "set"), ("edit",)),
    **dict.fromkeys(("fsck", "validate"), ("verify",)),
    **dict.fromkeys(("check", "diff"), ("sync", "--delete", "--dry-run")),
    **dict.fromkeys(("presign", "share", "http"), ("serve",)),
    **dict.fromkeys(("login", "auth", "config", "configure", "alias"), ("help", "connection")),
    "link": ("ln",),
    "lsf": ("ls", "-1"),
    "lsjson": ("ls", "--json"),
    "mirror": ("sync",),
    "sha256sum": ("ls", "--sha256sum"),
}
"""Commands of others, and ours."""

SECRETS = frozenset(("--password", "--token"))
"""Options whose values are not said again."""

IGNORED: Mapping[str, frozenset[str]] = {
    "": frozenset(("-P", "--fast-list", "--no-compress")),
    "add": frozenset(("-f", "--force")),
    "put": frozenset(("-f", "--force")),
    "ls": frozenset(("-a", "-h", "-t", "--human-readable", "--summarize")),
    "sync": frozenset(
        ("-r", "-R", "--recursive", "-c", "--checksum", "--overwrite", "--size-only", "-u", "--update")
    ),
}
"""Options of others that ask for what is so here anyway."""

OPTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ls", "-n"): ("-1",),
    **dict.fromkeys((("rm", "-y"), ("rm", "--yes"), ("rm", "--force")), ("-f",)),
    **dict.fromkeys((("seal", "-y"), ("seal", "--yes")), ("-f",)),
    **dict.fromkeys((("sync", "--remove"), ("sync", "--delete-after")), ("--delete",)),
    **dict.fromkeys((("", "--transfers"), ("", "--checkers"), ("", "--parallel")), ("-j",)),
    ("", "-R"): ("-r",),
    ("", "--dryrun"): ("--dry-run",),
    ("", "--include"): ("--match",),
    ("", "--max-age"): ("--newer-than",),
    ("", "--min-age"): ("--older-than",),
    ("", "--no-progress"): ("--progress", "none"),
    ("", "--trace"): ("--debug",),
}
"""Options of others, of one of our commands or of any, and ours; a value goes along."""

RECURSIVE = ("-r", "-R", "--recursive")
DRY_RUN = ("-n", "--dry-run", "--dryrun")
FILTERS = ("--match", "--include", "--exclude")

PATTERN = re.compile(r"[*?]")
"""What no name has that somebody typed on purpose."""

Lines = Sequence[Sequence[str]]
"""Command lines, to be run one after the other; none where nobody knows."""


def advice(args: Sequence[str], root: Context) -> str | None:
    """Give the line that was meant by a wrong one; None where nobody knows, or where it would not work."""
    assert isinstance(root.command, TyperGroup)
    commands = root.command.list_commands(root)
    line = take_apart(args, commands, lambda verb: _valued(verb, root))
    if "-version" in args or (line is not None and line.verb == "version"):
        return "natsobj --version"
    if line is None:
        return None
    ours = (line.verb,) if line.verb in commands else COMMANDS.get(line.verb)
    if ours is None:
        return None
    if ours[0] == "help":
        return shlex.join(("natsobj", *ours))
    shared = [option for option in line.options if option[0] in _names_of(root.command.params)]
    line = replace(line, options=tuple(each for each in line.options if each not in shared))
    lines = [
        [*each, *(_options("", shared) if each[0] == "natsobj" else ())]
        for each in WRITERS.get(ours[0], _same)(line, ours)
    ]
    said = sorted(each for each in args if each not in SECRETS)
    if lines and sorted(lines[0][1:]) != said and all(_works(each, root) for each in lines):
        return " && ".join(shlex.join(each) for each in lines)
    return None if line.verb in commands and not line.program else f"natsobj {ours[0]} --help"


def _valued(verb: str, root: Context) -> set[str]:
    """List our options that take a value behind a command of anybody; before any, if it is empty."""
    assert isinstance(root.command, TyperGroup)
    ours = (COMMANDS.get(verb) or (verb,))[0]
    names = ("cp", "put", "get", "sync") if ours in {"cp", "mv"} else (ours,)
    found: list[Sequence[Parameter]] = [root.command.params]
    for name in names if ours in root.command.list_commands(root) else ():
        command = root.command.get_command(root, name)
        assert command is not None
        found.append(command.params)
    return {
        name
        for params in found
        for name in _names_of([each for each in params if isinstance(each, TyperOption) and not each.is_flag])
    }


def _names_of(params: Sequence[Parameter]) -> set[str]:
    return {name for each in params if isinstance(each, TyperOption) for name in each.opts}


def _works(line: Sequence[str], root: Context) -> bool:
    """Tell whether a line can be read, without doing what it says."""
    assert isinstance(root.command, TyperGroup)
    program, *rest = line
    if program != "natsobj":
        return True
    command = root.command.get_command(root, rest[0])
    if command is None or {"-h", "--help"} & set(line):
        return False
    try:
        command.make_context(rest[0], rest[1:], root)
    except (UsageError, NatsobjError):
        return False
    return True


# Options


def _options(command: str, options: Sequence[Option]) -> list[str]:
    """Write options as they are here, those that are unknown as they stand."""
    return [part for option in options for part in _translated(command, option)]


def _translated(command: str, option: Option) -> Option:
    name, *value = option
    if (
        name in SECRETS
        or name in IGNORED.get(command, ())
        or name in IGNORED[""]
        or option == ("--progress",)
    ):
        return ()
    if name == "--content-type" and value:
        return "-H", f"Content-Type:{value[0]}"
    return *(OPTIONS.get((command, name)) or OPTIONS.get(("", name)) or (name,)), *value


# Commands, by what each is here


def _same(line: Line, ours: tuple[str, ...]) -> Lines:
    """A bucket, and perhaps keys and more, as they stand."""
    command, *more = ours
    return [["natsobj", command, *_names(line.words), *more, *_options(command, line.options)]]


def _names(words: Sequence[Word]) -> list[str]:
    """Take the bucket off the first word, and off those that have it as well."""
    if not words:
        return []
    first, *others = words
    if not first.bucket:
        return [each.text for each in words]
    apart = bool(first.address or first.key)
    return [
        first.bucket,
        *([first.key] if first.key else []),
        *(each.key if apart and each.bucket == first.bucket else each.text for each in others),
    ]


def _serve(line: Line, _: tuple[str, ...]) -> Lines:
    """A bucket, for what was asked for one object."""
    words = [each for each in line.words if each.text not in {"download", "http"}]
    return [["natsobj", "serve", *_names(words)[:1], *_options("serve", line.options)]]


def _info(line: Line, _: tuple[str, ...]) -> Lines:
    """One object after the other."""
    options = _options("info", line.options)
    bucket, *keys = _names(line.words) or [""]
    if len(keys) > 1:
        return [["natsobj", "info", bucket, key, *options] for key in keys]
    return [["natsobj", "info", *filter(None, (bucket, *keys)), *options]]


def _ls(line: Line, ours: tuple[str, ...]) -> Lines:
    """Buckets, or what is in one: of aws and mc one level, if not asked for all."""
    more, words = list(ours[1:]), line.words
    options = _options("ls", line.without(*RECURSIVE, "--name"))
    sums = line.verb in {"du", "size"}
    if not words or (words[0].address and not words[0].bucket):  # all buckets
        more = [each for each in more if each != "--folders"]
        return [["natsobj", "info" if sums else "ls", *more, *options]]
    bucket, *keys = _names(words)
    if sums and keys:
        return [["natsobj", "ls", bucket, keys[0].rstrip("/"), "--folders", *options]]
    if sums:
        return [["natsobj", "info", bucket, *options]]
    if line.verb == "ls" and words[0].address in {"s3", "mc"} and not line.has(*RECURSIVE):
        more.append("--folders")
    if "--folders" in more or line.verb == "find":
        keys = [f"{key.rstrip('/')}/" for key in keys]
    if keys and PATTERN.search(keys[0]):
        more, keys = [*more, "--match", keys[0]], keys[1:]
    if name := line.value("--name"):
        more += ["--match", name if name.startswith("*") else f"*{name}"]
    return [["natsobj", "ls", bucket, *keys, *more, *options]]


def _rm(line: Line, ours: tuple[str, ...]) -> Lines:
    """Objects; all below a prefix, or in a bucket; or the bucket itself."""
    if not line.words or not line.words[0].bucket:
        return []
    first, (bucket, *keys) = line.words[0], _names(line.words)
    options = _options("rm", line.without(*RECURSIVE, "--bucket"))
    whole = "--bucket" in ours or line.has("--bucket")
    if (
        line.has(*RECURSIVE)
        or (whole and keys)
        or (not whole and first.text.endswith("/"))
        or (line.verb == "delete" and first.address in {"rclone", "sync"} and not _is_of_file(first.key))
    ):
        return _rm_below(bucket, keys, options)
    many = {"--match", "--older-than"} & set(options)
    if whole or not (keys or many):
        return [] if set(DRY_RUN) & set(options) else [["natsobj", "rm", "--bucket", bucket, *options]]
    return [["natsobj", "rm", bucket, *keys, *options]]


def _rm_below(bucket: str, keys: Sequence[str], options: list[str]) -> Lines:
    """Write the lines that delete all below some keys, or everything: only shown, if so it was asked."""
    patterns = [["--match", f"{key.rstrip('/')}/*"] for key in keys]
    if not keys:
        patterns = [[] if {"--match", "--older-than"} & set(options) else ["--match", "*"]]
    kept = [each for each in options if each != "-f"]
    end = [] if set(DRY_RUN) & set(options) else ["-f"]
    return [["natsobj", "rm", bucket, *pattern, *kept, *end] for pattern in patterns]


def _put(line: Line, _: tuple[str, ...]) -> Lines:
    """A bucket, a key and a file, in any order; the key that others take from the file."""
    words = list(line.words)
    if len(words) == 2 and words[0].is_file and not words[1].is_file:
        words.reverse()
    options = _options("put", line.without("--name"))
    bucket, *rest = _names(words) or [""]
    if name := line.value("--name"):
        return [["natsobj", "put", bucket, name, *rest[:1], *options]]
    if len(rest) == 1 and line.verb not in {"pipe", "rcat"}:
        word = words[-1]
        if line.has(*RECURSIVE) and word.is_folder:
            rest = [word.base, word.text]
        elif not line.has(*RECURSIVE) and word.is_file:
            rest = [word.text, word.text]
    return [["natsobj", "put", bucket, *rest, *options]]


def _get(line: Line, _: tuple[str, ...]) -> Lines:
    """A key into a file that others name by an option, or after the key; a whole bucket into a folder."""
    named = ("-O", "-o", "--output")
    options = _options("get", line.without(*named))
    bucket, *rest = _names(line.words) or [""]
    folder = line.has(*RECURSIVE)
    if file := line.value(*named):
        rest = [*rest[:1], file]
    elif len(rest) > 2:
        return [["natsobj", "get", bucket, each, ".", *options] for each in rest]
    elif folder and rest and PATTERN.search(rest[0]):
        pattern, *target = rest
        rest, options = ["", *(target or ["."])], [*options, "--match", pattern]
    elif bucket and not rest and not folder:
        rest, options = ["", "."], ["-r", *options]
    elif len(rest) == 1 and not folder and (line.program in {"nats", "gh"} or line.verb == "download"):
        rest.append(".")
    return [["natsobj", "get", bucket, *rest, *options]]


def _transfer(line: Line, ours: tuple[str, ...]) -> Lines:
    """From here to a bucket, from a bucket to here, or from one place in buckets to another."""
    if len(line.words) != 2 or not any(each.address or "/" in each.text for each in line.words):
        return _same(line, ours)
    source, target = line.words
    if source.here and target.bucket:
        return _up(line, source, target, move=ours[0] == "mv")
    to_here = target.here or (not target.address and (bool(source.address) or "/" not in target.text))
    if source.bucket and to_here:
        return _down(line, source, target, move=ours[0] == "mv")
    if not (source.bucket and target.bucket):
        return []
    names = [source.bucket, source.key, *([target.bucket] if target.bucket != source.bucket else [])]
    options = _options(ours[0], line.options)
    return [["natsobj", ours[0], *names, target.key or source.key, *options]]


def _up(line: Line, source: Word, target: Word, *, move: bool) -> Lines:
    folder = source.is_folder
    if folder and line.has(*DRY_RUN, *FILTERS):
        done = _synced(line, source.text, _side(target))
    else:
        key = target.key or ("" if folder and target.address in {"s3", "rclone", "sync"} else source.base)
        if source.text == "-" and not target.key:
            return []
        options = [*(["-r"] if folder else []), *_options("put", line.without(*RECURSIVE))]
        done = ["natsobj", "put", target.bucket, key, source.text, *options]
    gone = ["rm", *(["-r"] if folder else []), source.text]
    return [done, gone] if move and not line.has(*DRY_RUN) else [done]


def _down(line: Line, source: Word, target: Word, *, move: bool) -> Lines:
    of_rclone = line.verb in {"copy", "move"} and not _is_of_file(source.key)
    folder = line.has(*RECURSIVE) or of_rclone or not source.key
    if folder and line.has(*DRY_RUN, "--exclude"):
        done = _synced(line, _side(source), target.text)
    else:
        options = [*(["-r"] if folder else []), *_options("get", line.without(*RECURSIVE))]
        done = ["natsobj", "get", source.bucket, source.key, target.text, *options]
    if not move or line.has(*DRY_RUN):
        return [done]
    keys = [source.key] if source.key else []
    return [
        done,
        *(_rm_below(source.bucket, keys, []) if folder else [["natsobj", "rm", source.bucket, *keys]]),
    ]


def _is_of_file(key: str) -> bool:
    """Guess whether a key is that of one object: rclone takes both."""
    return "." in key.rpartition("/")[2]


def _sync(line: Line, ours: tuple[str, ...]) -> Lines:
    """A folder and BUCKET:PREFIX, in any spelling; without an address it is the side that is no folder."""
    if len(line.words) != 2:
        return []
    source, target = line.words
    if source.address and target.address:
        names = [source.bucket, source.key, *([target.bucket] if target.bucket != source.bucket else [])]
        options = _options("cp", [*[(each,) for each in ours[1:]], *line.options])
        return [["natsobj", "cp", "-r", *names, target.key, *options]]
    if source.address or target.address:
        up = bool(target.address)
    else:
        up = source.is_folder or (source.here and not target.is_folder)
        if up and (target.is_folder or target.here):
            return []
    far = target if up else source
    if not far.bucket:
        return []
    sides = (source.text, _side(far)) if up else (_side(far), target.text)
    return [_synced(line, *sides, *ours[1:])]


def _synced(line: Line, source: str, target: str, *more: str) -> list[str]:
    options = _options("sync", line.options)
    return ["natsobj", "sync", source, target, *(each for each in more if each not in options), *options]


def _side(far: Word) -> str:
    return f"{far.bucket}:{far.key.rstrip('/')}"


WRITERS: Mapping[str, Callable[[Line, tuple[str, ...]], Lines]] = {
    "cp": _transfer,
    "get": _get,
    "info": _info,
    "ls": _ls,
    "mv": _transfer,
    "put": _put,
    "rm": _rm,
    "serve": _serve,
    "sync": _sync,
}
"""How a line is written for a command that needs more than names and options."""
