"""A real server whose answers are changed on their way: nothing is believed that makes no sense."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chance import Chance
from tests.program import Program
from tests.servers import PLAIN, NatsServer
from tests.strangers.fake_server import Meddle, Meddler
from tests.strangers.lies import Ended, at

SMALL = bytes(range(256)) * 1000
BIG = bytes(range(256)) * 4096 * 12

_TOTALS = itertools.count(1000)

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def server_of_one_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server with a bucket that keeps a large object."""
    server = NatsServer(tmp_path_factory.mktemp("honest"), PLAIN)
    server.start()
    cli = Program(tmp_path_factory.mktemp("home"), server.url)
    cli("add", "b").expect(0)
    cli("put", "-q", "b", "big", "-", input=BIG).expect(0)
    yield server
    server.stop()


@pytest.fixture
def home(server_of_one_bucket: NatsServer, bare_cli: Program, tmp_path: Path) -> NatsServer:
    """The same with a small object as well, whose bytes stand in `source`."""
    source = tmp_path / "source"
    source.write_bytes(SMALL)
    bare_cli("put", "-q", "-s", server_of_one_bucket.url, "b", "k", source).expect(0)
    return server_of_one_bucket


def lying(cli: Program, server: NatsServer, meddle: Meddle, *command: str | Path) -> Ended:
    """Run a command with a server whose answers are changed."""
    with Meddler(server.port, meddle) as between:
        return at(cli, between.url, *command, seconds=0.3)


def answering(api: str, change: Change) -> Meddle:
    """Change the JSON of all answers to one call, in place or by what is returned."""

    def meddle(asked: str, headers: bytes, payload: bytes) -> tuple[bytes, bytes]:
        if api not in asked or not payload:
            return headers, payload
        answer = json.loads(payload)
        changed = change(answer)
        return headers, json.dumps(answer if changed is None else changed).encode()

    return meddle


def with_headers(api: str, pattern: bytes, new: bytes) -> Meddle:
    """Change the headers of all answers to one call."""

    def meddle(asked: str, headers: bytes, payload: bytes) -> tuple[bytes, bytes]:
        return (re.sub(pattern, new, headers) if api in asked else headers), payload

    return meddle


def growing(answer: dict[str, Any], pages: list[dict[str, Any]] = []) -> dict[str, Any]:  # noqa: B006
    """The first page again and again, of more streams each time."""
    pages.append(answer)
    return {**pages[0], "total": 1000 + len(pages)}


def endless_subjects(answer: dict[str, Any]) -> None:
    """More subjects each time, and never a whole page of them."""
    answer["total"] = next(_TOTALS)
    answer["state"]["subjects"] = {f"$O.b.C.{answer['total']}": 1}


def set_to(*path: str, value: object) -> Change:
    """Give one field another value."""

    def change(answer: dict[str, Any]) -> None:
        for name in path[:-1]:
            answer = answer[name]
        answer[path[-1]] = value

    return change


_GET, _GET_BIG = ("get", "b", "k", "out"), ("get", "b", "big", "out")

LIES: dict[str, tuple[Meddle, tuple[str, ...]]] = {
    "buckets without an end": (answering("STREAM.LIST", growing), ("ls",)),
    "subjects without an end": (answering("STREAM.INFO", endless_subjects), ("gc", "b", "-n")),
    "another stream": (answering("STREAM.INFO", set_to("config", "name", value="OBJ_c")), ("ls", "b")),
    "a stream without a state": (answering("STREAM.INFO", set_to("state", value=None)), ("ls", "b")),
    "a negative sequence": (answering("STREAM.INFO", set_to("state", "last_seq", value=-1)), ("ls", "b")),
    "an answer that is no JSON": (lambda _, headers, __: (headers, b"{oops"), ("info", "b")),
    "an answer that is no object": (answering("STREAM", lambda _: [1]), ("info", "b")),
    "nesting": (lambda _, headers, __: (headers, b"[" * 200_000), ("ls", "b")),
    "an error that is none": (answering("STREAM", set_to("error", value=5)), ("rm", "b", "k")),
    "another record": (answering("MSG.GET", set_to("message", "subject", value="$O.b.M.YQ==")), _GET),
    "a record at sequence 0": (answering("MSG.GET", set_to("message", "seq", value=0)), _GET),
    "a record that is no base64": (answering("MSG.GET", set_to("message", "data", value="*")), _GET),
    "always more": (with_headers("DIRECT.GET", rb"(Num-Pending): \d+", rb"\1: 9"), _GET),
    "less than none": (with_headers("DIRECT.GET", rb"(Num-Pending): \d+", rb"\1: -1"), ("ls", "b")),
    "a number that is none": (with_headers("DIRECT.GET", rb"(Nats-Sequence): \d+", rb"\1: x"), ("ls", "b")),
    "one sequence for all": (with_headers("DIRECT.GET", rb"(Nats-Sequence): \d+", rb"\1: 7"), ("ls", "b")),
    "another subject": (with_headers("DIRECT.GET", rb"(Nats-Subject): \S+", rb"\1: $O.b.C.x"), ("ls", "b")),
    "a time that is none": (with_headers("DIRECT.GET", rb"(Time-Stamp): \S+", rb"\1: soon"), ("ls", "b")),
    "the last chunk for ever": (with_headers("DIRECT.GET", rb"(Num-Pending): \d+", rb"\1: 0"), _GET),
    "a consumer of more": (answering("CONSUMER.CREATE", set_to("num_pending", value=5)), _GET_BIG),
    "a consumer of none": (answering("CONSUMER.CREATE", set_to("num_pending", value=-1)), _GET_BIG),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_an_answer_that_makes_no_sense_is_not_believed(
    bare_cli: Program, home: NatsServer, tmp_path: Path, lie: str
) -> None:
    """One line and exit 5; or it is of no weight, and what was asked for is done as it should be."""
    meddle, command = LIES[lie]
    out = tmp_path / "out"
    ended = lying(bare_cli, home, meddle, *[str(out) if part == "out" else part for part in command])
    ended.foreseen(0, 5)
    if command[0] == "get":
        wanted = {"k": SMALL, "big": BIG}[command[2]]
        assert (out.read_bytes() if out.exists() else None) == (wanted if ended.code == 0 else None)
    else:
        assert ended.code == 5


ACKS: dict[str, Change] = {
    "nowhere": set_to("seq", value=0),
    "below nothing": set_to("seq", value=-5),
    "by a word": set_to("seq", value="12"),
    "at the first place": set_to("seq", value=1),
    "in another stream": set_to("stream", value="OBJ_c"),
    "in no stream": set_to("stream", value=None),
    "by a list": lambda _: [],
    "with an error that is none": set_to("error", value="no"),
    "with an error of no number": set_to("error", value={"err_code": "x", "description": 5}),
    "too late for good": set_to("error", value={"code": 400, "err_code": 10071, "description": "wrong"}),
}


@pytest.mark.parametrize("ack", list(ACKS))
@pytest.mark.parametrize("of", ["$O.b.C.", "$O.b.M."], ids=["chunks", "record"])
def test_an_ack_that_makes_no_sense_is_none(
    bare_cli: Program, home: NatsServer, tmp_path: Path, ack: str, of: str
) -> None:
    """The put ends with an error; what is under the key is whole, the old or the new."""
    new = tmp_path / "new"
    new.write_bytes(SMALL[::-1])
    lying(bare_cli, home, answering(of, ACKS[ack]), "put", "-q", "b", "k", new)
    bare_cli("get", "-s", home.url, "-f", "b", "k", tmp_path / "out").expect(0)
    assert (tmp_path / "out").read_bytes() in (SMALL, SMALL[::-1])


JUNK: tuple[object, ...] = (
    *(None, 5, -1, 0, "x", "", [], {}, [1], {"a": 1}, True, 10**400, 2**63, 1.5, "\ud800"),
    *("9" * 5000, "-1", {"name": 5}, [[]] * 3),
)
COMMANDS = (
    *(("ls",), ("ls", "b"), ("info",), ("info", "b"), ("info", "b", "k"), ("verify", "b"), ("gc", "b", "-n")),
    *(("get", "-f", "b", "k", "out"), ("get", "-f", "b", "big", "out"), ("put", "b", "k", "source")),
    *(("rm", "b", "k"), ("add", "c"), ("get", "-f", "--offset", "1000", "--length", "10", "b", "big", "out")),
)


def test_any_field_may_be_anything(
    bare_cli: Program, home: NatsServer, tmp_path: Path, chance: Chance
) -> None:
    """Documented exit codes only, no traceback, no hang, little memory; and a get is right or an error."""
    for _ in range(12):
        bare_cli("put", "-q", "-s", home.url, "b", "k", tmp_path / "source").expect(0)
        command = [
            str(tmp_path / part) if part in {"out", "source"} else part for part in chance.choice(COMMANDS)
        ]
        api = chance.choice(("", "STREAM", "INFO", "DIRECT", "MSG.GET", "CONSUMER", "$O."))

        def meddle(asked: str, headers: bytes, payload: bytes, api: str = api) -> tuple[bytes, bytes]:
            if api not in asked or chance.random() < 0.3:
                return headers, payload
            if payload.startswith(b"{"):
                answer = json.loads(payload)
                return headers, json.dumps(_spoil(chance, answer)).encode()
            names = re.findall(rb"\r\n([\w-]+):", headers)
            if not names:
                return headers, payload
            value = chance.choice((b"-1", b"x", b"", b"0", b"1", b"9" * 400, b"\xff\xfe"))
            name = chance.choice(names)
            return re.sub(rb"(\r\n" + name + rb":)[^\r]*", rb"\1 " + value, headers), payload

        ended = lying(bare_cli, home, meddle, *command)
        assert "Traceback" not in ended.said, (command, ended)
        assert 0 <= ended.code <= 8, (command, ended)
        assert ended.peak < 80 * 1024 * 1024
        if command[0] == "get" and ended.code == 0:
            right = SMALL if "k" in command else BIG[1000:1010] if "--offset" in command else BIG
            assert (tmp_path / "out").read_bytes() == right


def _spoil(chance: Chance, value: Any) -> Any:
    """Change one field somewhere in an answer, or take it out."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        if chance.random() < 0.1:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: _spoil(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        return [_spoil(chance, value[0]), *value[1:]]
    return chance.choice(JUNK)
