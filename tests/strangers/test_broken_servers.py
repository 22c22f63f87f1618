"""Servers that are none, break off, or never stop talking: one line, exit 5, little memory, no hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.program import Program
from tests.strangers.fake_server import INFO, FakeServer, Request, Session
from tests.strangers.lies import at


def info(**changes: object) -> dict[str, object]:
    """A good INFO with some fields changed; None leaves one out."""
    return {name: value for name, value in {**INFO, **changes}.items() if value is not None}


GREETINGS: dict[str, bytes | Mapping[str, object] | None] = {
    "a number": b"INFO 5\r\n",
    "a list": b"INFO []\r\n",
    "null": b"INFO null\r\n",
    "a string": b'INFO "x"\r\n',
    "no JSON": b"INFO {oops\r\n",
    "no UTF-8": b'INFO {"version":"\xff\xfe"}\r\n',
    "nesting": b"INFO " + b"[" * 60_000 + b"\r\n",
    "no fields": b"INFO {}\r\n",
    "a megabyte": info(padding="y" * 1_000_000),
    "a line without an end": b"x" * 3_000_000,
    "bytes": bytes(range(256)) * 300,
    "another protocol": b"220 mail.example.org ESMTP\r\n",
    "silence": None,
    "no messages": info(max_payload=0),
    "less than no messages": info(max_payload=-1),
    "a byte a message": info(max_payload=1),
    "messages of any size": info(max_payload=10**400),
    "messages of some size": info(max_payload="x"),
    "messages of an unknown size": info(max_payload=None),
    "fields of wrong types": {name: [1] for name in INFO},
    "strange neighbours": info(connect_urls=[5, None, "::::", "a:b:c", "[", "x:99999", "127.0.0.1:1", {}]),
    "a long version": info(version="9" * 5000 + ".1"),
    "an old version": info(version="2.9.1"),
}


@pytest.mark.parametrize("greeting", list(GREETINGS))
def test_a_greeting_that_makes_no_sense_is_one_line(bare_cli: Program, greeting: str) -> None:
    """Whatever comes in the place of INFO, or in it."""
    with FakeServer(GREETINGS[greeting]) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


async def test_an_info_that_comes_byte_by_byte_is_waited_for_no_longer(bare_cli: Program) -> None:
    """Bytes are no progress as long as they make no greeting."""

    async def drip(session: Session) -> None:
        for byte in b"INFO " + json.dumps(INFO).encode() + b"\r\n":
            session.say(bytes([byte]))
            await asyncio.sleep(0.05)

    with FakeServer(greet=drip) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


async def test_a_server_that_hangs_up_on_everybody_is_given_up(bare_cli: Program) -> None:
    """Right behind CONNECT, each time."""

    async def hang_up(session: Session) -> None:
        session.say(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
        await session.reader.readline()
        session.writer.transport.abort()

    with FakeServer(greet=hang_up) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


async def welcome(session: Session) -> None:
    """Greet as a server does, CONNECT and PING included."""
    session.say(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
    await session.reader.readline()
    await session.reader.readline()
    session.say(b"PONG\r\n")


PHRASES = {
    "a message of 3 GB": b"MSG a 1 3000000000\r\n" + bytes(30_000_000),
    "a message of 60 MB": b"MSG a 1 60000000\r\n" + bytes(60_000_000),
    "a message of a negative size": b"MSG a 1 -5\r\n",
    "a message of no size": b"MSG a 1 abc\r\n",
    "a message of nothing": b"MSG a\r\n",
    "a size of many digits": b"MSG a 1 " + b"9" * 5000 + b"\r\n",
    "headers larger than their message": b"HMSG a 1 50 10\r\n" + b"x" * 20,
    "more than was said": b"MSG a 1 3\r\nabcdef\r\n",
    "a long line": b"x" * 100_000,
    "an unknown word": b"HELLO\r\n",
    "an error without a text": b"-ERR\r\n",
    "an error that is no text": b"-ERR '\xff\x00'\r\n",
    "an INFO that is none": b"INFO 5\r\nINFO [[[\r\nINFO \r\n",
}


@pytest.mark.parametrize("phrase", list(PHRASES))
def test_what_is_not_the_protocol_ends_the_connection(bare_cli: Program, phrase: str) -> None:
    """A message that no server sends is not waited for, and none of it is kept."""

    async def speak(session: Session) -> None:
        await welcome(session)
        session.say(PHRASES[phrase])

    with FakeServer(greet=speak) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


FLOODS = {
    "pings": b"PING\r\n",
    "errors": b"-ERR 'Nothing'\r\n",
    "violations": b"-ERR 'Permissions Violation for Publish to \"x\"'\r\n",
    "greetings": b"INFO {}\r\n",
    "neighbours": b"INFO "
    + json.dumps(info(connect_urls=[f"h{n}:1" for n in range(3000)])).encode()
    + b"\r\n",
    "yes": b"+OK\r\n",
    "messages for nobody": b"MSG a 99 3\r\nabc\r\n",
    "messages under no name": b"MSG a 1 3\r\nabc\r\n",
    "large messages for nobody": b"MSG a 99 1000000\r\n" + bytes(1_000_000) + b"\r\n",
}


@pytest.mark.parametrize("flood", list(FLOODS))
@pytest.mark.unmeasured
def test_a_flood_is_no_progress(bare_cli: Program, flood: str) -> None:
    """A server that talks for ever and never answers is given up as one that is silent."""

    async def talk(session: Session) -> None:
        await welcome(session)
        much = FLOODS[flood] * (1 + 50_000 // len(FLOODS[flood]))
        while True:
            session.say(much)
            await session.writer.drain()

    with FakeServer(greet=talk) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


def test_an_answer_that_comes_byte_by_byte_is_no_progress(bare_cli: Program) -> None:
    """A server that begins to answer and never comes to an end is given up as one that is silent."""

    def drip(session: Session, request: Request) -> None:
        async def say() -> None:
            session.say(
                b"MSG %s %s 100000\r\n" % (request.reply.encode(), session.listener(request.reply).encode())
            )
            while True:
                session.say(b"x")
                await asyncio.sleep(0.02)

        session.tasks.append(asyncio.get_running_loop().create_task(say()))

    with FakeServer(handle=drip) as server:
        at(bare_cli, server.url, "ls", "b").foreseen(5)


def test_answers_to_something_else_are_no_progress(bare_cli: Program, tmp_path: Path) -> None:
    """Acknowledgements of another stream, without an end, while those of a put are missing."""
    config = {
        "name": "OBJ_b",
        "subjects": ["$O.b.C.>", "$O.b.M.>"],
        "allow_rollup_hdrs": True,
        "discard": "new",
    }
    state = {"messages": 0, "bytes": 0, "first_seq": 1, "last_seq": 1, "consumer_count": 0}
    info = {"config": config | {"retention": "limits"}, "state": state, "created": "2026-01-01T00:00:00Z"}

    def handle(session: Session, request: Request) -> None:
        async def say() -> None:
            while True:
                session.answer(request.reply, {"stream": "OBJ_c", "seq": 1})
                await asyncio.sleep(0.02)

        if "STREAM.INFO" in request.subject:
            session.answer(request.reply, info)
        elif "MSG.GET" in request.subject:
            session.answer(request.reply, {"error": {"code": 404, "err_code": 10037, "description": "none"}})
        elif "DIRECT.GET" in request.subject:
            session.answer(request.reply, b"", "NATS/1.0 404 Message Not Found")
        elif request.subject.startswith("$O.b.C."):
            session.tasks.append(asyncio.get_running_loop().create_task(say()))

    source = tmp_path / "source"
    source.write_bytes(bytes(1_000_000))
    with FakeServer(handle=handle) as server:
        ended = at(bare_cli, server.url, "put", "b", "k", source)
    assert (ended.code, "Traceback" in ended.said) == (5, False), ended
    assert b"$O.b.C." in server.received
