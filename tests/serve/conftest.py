"""The site as a process of its own, and a client that sends exactly what it is told to."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

from natsobj import Bucket
from tests.program import TIMEOUT, Argument, Program


@dataclass(frozen=True, slots=True)
class Reply:
    """What the site answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The lines of a list."""
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def page(self) -> Page:
        """What a browser makes of it."""
        page = Page()
        page.feed(self.body.decode())
        return page


class Page(HTMLParser):
    """The links of a page with their texts, and all tags that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[tuple[str, str]] = []
        """Where each leads, and what stands there."""
        self.text = ""
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "a":
            self.links.append((dict(attrs)["href"] or "", ""))
            self._in_link = True

    def handle_endtag(self, tag: str) -> None:
        """See a link end."""
        self._in_link = self._in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data
        if self._in_link:
            address, text = self.links[-1]
            self.links[-1] = (address, text + data)

    @property
    def rows(self) -> list[str]:
        """The names in the table, in their order."""
        return [text for address, text in self.links if "sort=" not in address and address != "/"]


class Running:
    """A site that runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        while line.startswith("natsobj: connected"):
            line = process.stderr.readline().decode()
        found = re.fullmatch(r"serving (\S+) at http://(\S+)/\n", line)
        assert found is not None, line + process.stderr.read().decode()
        self.host = found[2]
        self.url = f"http://{self.host}/"

    def connection(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPConnection(self.host, timeout=TIMEOUT)

    def __call__(self, address: str = "/", method: str = "GET", **headers: str) -> Reply:
        """Ask; the names of headers are written with `_` for `-`."""
        connection = self.connection()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, address, headers=named)
            answer = connection.getresponse()
            given = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, given, answer.read())
        finally:
            connection.close()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Send a signal; return the exit status and what was said since the address."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, said.decode()


Start = Callable[..., Running]


@pytest.fixture
def start(cli: Program) -> Iterator[Start]:
    """Start sites: `start("bucket", "--no-index")`, or with another program that knows its server."""
    with ExitStack() as stack:

        def run(*args: Argument, program: Program = cli) -> Running:
            process = stack.enter_context(program.running("serve", "--port", "0", *args))
            stack.callback(process.wait, TIMEOUT)
            stack.callback(process.terminate)  # not killed: what it has run is counted at its end
            return Running(process)

        yield run


@pytest.fixture
def site(start: Start, bucket: Bucket) -> Running:
    """The fresh bucket as a site."""
    return start(bucket.name)
