"""Records that nobody meant: good ones, golden ones and odd ones, broken in every way that comes to mind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from natsobj.adr20.names import check_key, key_subjects
from natsobj.errors import InvalidKey
from tests.golden import HELLO_DIGEST, MESSAGES

NAMES = (
    "k",
    "photos/cat.jpg",
    "für.txt",
    "f?r.txt",
    "日本/語.txt",
    "🎉",
    "file.txt~",
    "a b",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a/../b",
    "a//b",
    "a/",
    "-rf",
    "--help",
    "*",
    ">",
    "C:\\con",
    "a\tb\nc\\d",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b[2J\x9b31m",
    "\u202egnp.exe",
    "[bold]:smile:[/x]",
    "\0",
    "a\0b",
    "x" * 2900,
    "x" * 2901,
    "x" * 5000,
    "",
    "\ud800",
    "a\udcff",
)
"""Names that were meant, and names that were not."""

NUMBERS = (
    "0 -0 1 -1 3.0 1e3 1E400 -1e400 0.1 9223372036854775807 9223372036854775808 18446744073709551616".split()
)
CONSTANTS = ("null", "true", "false", "NaN", "Infinity", "-Infinity", '""', "[]", "{}")
TAILS = "aw== aw Zm9v ZsO8ci50eHQ= ZvxyLnR4dA== 8J+OiQ== my_file_txt a.b.c ü a*".split()
LINKS = ('{"bucket":"b","name":"k"}', '{"bucket":"no such!","name":""}', '{"bucket":"b"}', "null")
FIELDS = (
    *("name", "description", "headers", "metadata", "options", "bucket", "nuid", "size", "chunks", "digest"),
    *("deleted", "mtime", "link", "max_chunk_size", "new"),
)


class Fuzz(random.Random):
    """The dice of one record: the same seed gives the same record."""

    def record(self) -> bytes:
        """A record of any kind."""
        kinds: tuple[tuple[Callable[[], bytes], int], ...] = (
            (self._with_odd_fields, 10),
            (self._golden, 2),
            (self._bent, 6),
            (self._doubled, 2),
            (self._nested, 1),
            (self._in_another_encoding, 1),
            (self._noise, 1),
        )
        (make,) = self.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        return make()

    def subject(self, bucket: str, record: bytes = b"") -> str:
        """A subject for a record: one where a client looks for its name, one of another name, or any."""
        if (name := _name_in(record)) and self.random() < 0.6:
            return self.choice(key_subjects(bucket, name))
        tail = self.choice(TAILS) if self.random() < 0.2 else f"{self.getrandbits(40):x}"
        return f"$O.{bucket}.M.{tail}"

    def _with_odd_fields(self) -> bytes:
        """A good record, some of whose fields are anything."""
        fields = self._good()
        for name in self.sample(FIELDS, self.randrange(4)):
            fields[name] = self._value(3)
        return self._written(fields)

    def _good(self) -> dict[str, str]:
        """The fields of a good record, as JSON."""
        name = self.choice(NAMES[:20]) + self.choice(("", f"-{self.randrange(100)}"))
        size = self.choice(("0", "5", "131072", "400000"))
        fields = {
            "name": json.dumps(name, ensure_ascii=self.random() < 0.5),
            "nuid": json.dumps(f"{self.getrandbits(130):022d}"[:22]),
            "size": size,
            "chunks": str(-(-int(size) // 131072)),
            "digest": json.dumps(HELLO_DIGEST),
            "options": f'{{"link":{self.choice(LINKS)},"max_chunk_size":131072}}',
            "headers": self.choice(('{"X":["a"]}', '{"inner":{"X":[{"inner":"a"}]}}', "null", '{"X":"a"}')),
        }
        return {name: value for name, value in fields.items() if self.random() < 0.95}

    def _written(self, fields: dict[str, str]) -> bytes:
        between = self.choice((",", ", ", " ,\n\t"))
        text = "{" + between.join(f'"{name}":{value}' for name, value in fields.items()) + "}"
        return text.encode(errors="surrogatepass")

    def _value(self, depth: int) -> str:
        """Any JSON, and some that is none."""
        kind = self.randrange(7 if depth else 4)
        if kind == 0:
            return self.choice(NUMBERS)
        if kind == 1:
            return self.choice(CONSTANTS)
        if kind == 2:
            return json.dumps(self.choice(NAMES), ensure_ascii=self.random() < 0.7)
        if kind == 3:
            return self.choice("123456789") * self.choice((20, 400, 4299, 4301, 100_000))
        values = [self._value(depth - 1) for _ in range(self.randrange(4))]
        if kind == 4:
            return f"[{','.join(values)}]"
        names = (json.dumps(self.choice((*FIELDS, *NAMES))) for _ in values)
        return "{" + ",".join(f"{name}:{value}" for name, value in zip(names, values, strict=True)) + "}"

    def _golden(self) -> bytes:
        """A record of a real client, as it is."""
        message: dict[str, Any] = self.choice(MESSAGES)[1]
        return str(message["body"]).encode()

    def _bent(self) -> bytes:
        """A record with some bytes lost, doubled or changed."""
        data = bytearray(self._golden() if self.random() < 0.5 else self._with_odd_fields())
        for _ in range(self.choice((1, 1, 2, 8))):
            start = self.randrange(len(data) + 1)
            end = min(len(data), start + self.choice((0, 1, 1, 4, 100)))
            data[start:end] = self.choice(
                (b"", self.randbytes(1), data[start:end] * 2, b'"', b"\\", b"\\ud800", b"\0")
            )
        return bytes(data[: self.choice((None, None, None, self.randrange(len(data) + 1)))])

    def _doubled(self) -> bytes:
        """Every field twice, the second time another one."""
        first, second = self._with_odd_fields().strip(), self._with_odd_fields().strip()
        return first[:-1] + b"," + second[1:]

    def _nested(self) -> bytes:
        """A good record with something deep in it."""
        depth = self.choice((10, 100, 900, 990, 1000, 2000, 10_000, 100_000))
        opening, closing = self.choice((("[", "]"), ('{"a":', "}")))
        end = closing * depth if self.random() < 0.8 else ""
        return self._written(self._good() | {self.choice(FIELDS): opening * depth + "1" + end})

    def _in_another_encoding(self) -> bytes:
        """A good record for an editor of another kind."""
        encoding = self.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "utf-7"))
        return self._written(self._good()).decode().encode(encoding, errors="replace")

    def _noise(self) -> bytes:
        """What no program would call JSON."""
        known = (b"", b"\0", b"null", b"{}", b"[]", b"5", b'"k"', b" ", b"NATS/1.0\r\n\r\n", b"\xff" * 100)
        return self.choice((*known, self.randbytes(self.randrange(300))))


def _name_in(record: bytes) -> str:
    """The name in a record, if there is one that can be a key."""
    try:
        return check_key(json.loads(record)["name"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidKey):
        return ""
