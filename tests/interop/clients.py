"""natsobj, the Go CLI of NATS and nats.js behind one face, all of them real processes."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.program import Program

TIMEOUT = 60.0

Headers = Mapping[str, Sequence[str]]
Json = dict[str, Any]
"""A document of another program: its fields are checked by what the tests expect of them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client says about an object; the Go CLI neither shows metadata nor exact sizes."""

    chunks: int
    sha256: str
    description: str = ""
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenBucket:
    """What a client says about a bucket."""

    description: str
    ttl: int
    """Seconds."""
    max_bytes: int
    replicas: int
    storage: str
    metadata: Mapping[str, str]


class Client(Protocol):
    """What the tests do with each of the three; something that is not there is None."""

    def add(self, bucket: str, like: SeenBucket) -> None: ...

    def status(self, bucket: str) -> SeenBucket: ...

    def put(
        self, bucket: str, key: str, data: bytes, *, description: str = "", headers: Headers | None = None
    ) -> None: ...

    def get(self, bucket: str, key: str) -> bytes | None: ...

    def info(self, bucket: str, key: str) -> Seen | None: ...

    def keys(self, bucket: str) -> list[str]: ...

    def remove(self, bucket: str, key: str) -> None: ...


class Natsobj:
    """The program under test, through its command line."""

    def __init__(self, program: Program) -> None:
        self.run = program

    def add(self, bucket: str, like: SeenBucket) -> None:
        options = ["--description", like.description, "--ttl", f"{like.ttl}s", "--storage", like.storage]
        options += ["--max-bucket-size", str(like.max_bytes), "--replicas", str(like.replicas)]
        options += [f"--metadata={key}={value}" for key, value in like.metadata.items()]
        self.run("add", *options, bucket).expect(0)

    def status(self, bucket: str) -> SeenBucket:
        shown = self.bucket(bucket)
        names = ("description", "ttl", "max_bytes", "replicas", "storage", "metadata")
        return SeenBucket(**{name: shown[name] for name in names})

    def put(
        self, bucket: str, key: str, data: bytes, *, description: str = "", headers: Headers | None = None
    ) -> None:
        options = ["--description", description] if description else []
        options += [f"-H{name}:{value}" for name, values in (headers or {}).items() for value in values]
        self.run("put", *options, "--", bucket, key, "-", input=data).expect(0)

    def get(self, bucket: str, key: str) -> bytes | None:
        done = self.run("get", "--", bucket, key)
        assert done.code in (0, 4), done.stderr
        return done.stdout if done.code == 0 else None

    def info(self, bucket: str, key: str) -> Seen | None:
        shown = self._json("info", "--", bucket, key)
        if shown is None:
            return None
        return Seen(shown["chunks"], shown["sha256"], shown["description"] or "", shown["headers"] or {})

    def keys(self, bucket: str) -> list[str]:
        return self.run("ls", "-0", bucket).expect(0).text.split("\0")[:-1]

    def remove(self, bucket: str, key: str) -> None:
        self.run("rm", "--", bucket, key).expect(0)

    def bucket(self, bucket: str) -> Json:
        """All that `info --json` says about the bucket."""
        shown = self._json("info", bucket)
        assert shown is not None
        return shown

    def listed(self, bucket: str, *options: str) -> list[Json]:
        """The objects of `ls --json`."""
        return [json.loads(line) for line in self.run("ls", "--json", *options, bucket).expect(0).lines]

    def _json(self, *args: str) -> Json | None:
        done = self.run(args[0], "--json", *args[1:])
        assert done.code in (0, 4), done.stderr
        return json.loads(done.stdout) if done.code == 0 else None


class Go:
    """`nats object` of natscli, with a home of its own."""

    def __init__(self, binary: str, url: str, home: Path) -> None:
        self._binary = binary
        self._home = home
        self._env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "NATS_URL": url, "LANG": "C.UTF-8"}

    def add(self, bucket: str, like: SeenBucket) -> None:
        options = ["--description", like.description, "--ttl", f"{like.ttl}s", "--storage", like.storage]
        options += ["--max-bucket-size", str(like.max_bytes), "--replicas", str(like.replicas)]
        options += [f"--metadata={key}={value}" for key, value in like.metadata.items()]
        self._succeed("add", *options, bucket)

    def status(self, bucket: str) -> SeenBucket:
        shown = self._shown("info", bucket)
        assert shown is not None
        return SeenBucket(
            description=shown["Description"][0],
            ttl=_seconds(shown["TTL"][0]),
            max_bytes=_bytes(shown["Maximum Bucket Size"][0]),
            replicas=int(shown["Replicas"][0]),
            storage=shown["Storage"][0].lower(),
            metadata=dict(line.split(": ", 1) for line in shown["Metadata"]),
        )

    def put(
        self, bucket: str, key: str, data: bytes, *, description: str = "", headers: Headers | None = None
    ) -> None:
        options = [f"--description={description}"] if description else []
        options += [f"-H{name}:{value}" for name, values in (headers or {}).items() for value in values]
        source = self._home / "source"
        source.write_bytes(data)
        self._succeed("put", "-f", "--no-progress", f"--name={key}", *options, bucket, str(source))

    def get(self, bucket: str, key: str) -> bytes | None:
        target = self._home / "fetched"
        done = self._run("get", "-f", "--no-progress", f"--output={target}", "--", bucket, key)
        return target.read_bytes() if self._found(done) else None

    def info(self, bucket: str, key: str) -> Seen | None:
        shown = self._shown("info", "--", bucket, key)
        if shown is None:
            return None
        headers: dict[str, list[str]] = {}
        for line in shown.get("Headers", []):
            name, value = line.split(": ", 1)
            headers.setdefault(name, []).append(value)
        digest = shown["Digest"][0].removeprefix("SHA-256 ")
        return Seen(int(shown["Chunks"][0]), digest, shown.get("Description", [""])[0], headers)

    def keys(self, bucket: str) -> list[str]:
        """Read from a table, and therefore only for names without line breaks."""
        rows = self._succeed("ls", bucket).splitlines()
        cells = [row.split("│")[1].strip() for row in rows if row.startswith("│") and row.count("│") == 4]
        return cells[1:]

    def remove(self, bucket: str, key: str) -> None:
        self._succeed("del", "-f", "--", bucket, key)

    def add_plain(self, bucket: str, *options: str) -> None:
        """Make a bucket with nothing but these options."""
        self._succeed("add", *options, bucket)

    def buckets(self) -> list[str]:
        """The names of all buckets."""
        return self._succeed("ls", "--names").split()

    def put_piped(self, bucket: str, key: str, data: bytes) -> None:
        """Store from a pipe, of which it makes a chunk of whatever one read gives."""
        self._succeed("put", "-f", "--no-progress", f"--name={key}", bucket, input=data)

    def add_context(self, config_home: Path, name: str, *options: str) -> None:
        """Write and select a context where natsobj looks for contexts."""
        env = self._env | {"XDG_CONFIG_HOME": str(config_home)}
        command = [self._binary, "context", "add", name, "--select", *options]
        subprocess.run(command, input=b"", capture_output=True, env=env, timeout=TIMEOUT, check=True)

    def remove_bucket(self, bucket: str) -> None:
        """Delete the whole bucket."""
        self._succeed("del", "-f", bucket)

    def _run(self, *args: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:  # noqa: A002
        command = [self._binary, "object", *args]
        return subprocess.run(
            command,
            input=input,
            capture_output=True,
            env=self._env,
            cwd=self._home,
            timeout=TIMEOUT,
            check=False,
        )

    def _succeed(self, *args: str, input: bytes = b"") -> str:  # noqa: A002
        done = self._run(*args, input=input)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def _found(self, done: subprocess.CompletedProcess[bytes]) -> bool:
        missing = b"not found" in done.stderr
        assert missing or done.returncode == 0, done.stderr.decode()
        return not missing

    def _shown(self, *args: str) -> dict[str, list[str]] | None:
        """The `label: value` lines, each with the lines below it that have no label of their own."""
        done = self._run(*args)
        if not self._found(done):
            return None
        shown: dict[str, list[str]] = {}
        values: list[str] = []
        column = 0
        for line in done.stdout.decode().splitlines():
            labelled = re.match(r" *([A-Z][A-Za-z ]*): ", line)
            if labelled and column in (0, labelled.end()):
                column = labelled.end()
                values = shown.setdefault(labelled[1], [])
                values.append(line[column:])
            elif column and line.startswith(" " * column):
                values.append(line[column:])
        return shown


def _seconds(shown: str) -> int:
    """`1d0h0m0s` in seconds."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([dhms])", shown))


def _bytes(shown: str) -> int:
    """`10 MiB` in bytes."""
    number, unit = shown.split()
    return int(float(number) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(unit))


class Js:
    """@nats-io/obj, driven by client.mjs; it finds only names within ASCII under their ADR-20 subject."""

    def __init__(self, node: str, url: str) -> None:
        self._command = [node, str(Path(__file__).with_name("client.mjs")), url]

    def call(self, operation: str, **arguments: object) -> Any:
        """One operation of client.mjs."""
        request = json.dumps({"operation": operation, **arguments}).encode()
        done = subprocess.run(self._command, input=request, capture_output=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def add(self, bucket: str, like: SeenBucket) -> None:
        assert like.replicas == 1
        self.call(
            "add",
            bucket=bucket,
            description=like.description,
            ttl=like.ttl,
            maxBytes=like.max_bytes,
            storage=like.storage,
            metadata=like.metadata,
        )

    def status(self, bucket: str) -> SeenBucket:
        shown = self.call("status", bucket=bucket)
        return SeenBucket(
            description=shown["description"],
            ttl=shown["ttl"] // 1_000_000_000,
            max_bytes=shown["maxBytes"],
            replicas=shown["replicas"],
            storage=shown["storage"],
            metadata={key: value for key, value in shown["metadata"].items() if not key.startswith("_nats.")},
        )

    def put(
        self, bucket: str, key: str, data: bytes, *, description: str = "", headers: Headers | None = None
    ) -> None:
        content = base64.b64encode(data).decode()
        self.call("put", bucket=bucket, key=key, data=content, description=description, headers=headers or {})

    def get(self, bucket: str, key: str) -> bytes | None:
        found = self.call("get", bucket=bucket, key=key)
        return base64.b64decode(found) if found is not None else None

    def info(self, bucket: str, key: str) -> Seen | None:
        """What it says of a live object; its own answer for a tombstone is a record with `deleted`."""
        shown = self.call("info", bucket=bucket, key=key)
        if shown is None or shown["deleted"]:
            return None
        digest = base64.urlsafe_b64decode(shown["digest"].removeprefix("SHA-256=")).hex()
        return Seen(shown["chunks"], digest, shown["description"] or "", shown["headers"])

    def keys(self, bucket: str) -> list[str]:
        return [entry["name"] for entry in self.call("list", bucket=bucket)]

    def remove(self, bucket: str, key: str) -> None:
        self.call("remove", bucket=bucket, key=key)
