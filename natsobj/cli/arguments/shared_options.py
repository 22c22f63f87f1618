"""The options that every command takes: declared on the root command, accepted on either side."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from natsobj.cli.arguments import suggest

__all__ = [
    "ApiPrefix",
    "Color",
    "Context",
    "Creds",
    "Debug",
    "InboxPrefix",
    "JsDomain",
    "Json",
    "Local",
    "Nkey",
    "Password",
    "Progress",
    "Quiet",
    "Server",
    "Timeout",
    "TlsCa",
    "TlsCert",
    "TlsFirst",
    "TlsKey",
    "Token",
    "User",
    "Verbose",
]


def _connection(*names: str, metavar: str | None = None, text: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel="Connection")


def _output(*names: str, text: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel="Output")


# Which server, and as whom

Server = Annotated[
    str | None,
    _connection(
        "--server", "-s", metavar="URL", text="Server URL, or several separated by commas. [NATS_URL]"
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Context of the nats command, or a context file. [NATS_CONTEXT]",
        rich_help_panel="Connection",
        autocompletion=suggest.complete_context,
    ),
]
Creds = Annotated[str | None, _connection("--creds", metavar="FILE", text="Credentials file. [NATS_CREDS]")]
Nkey = Annotated[
    str | None, _connection("--nkey", metavar="FILE", text="File with a user's nkey seed. [NATS_NKEY]")
]
User = Annotated[
    str | None,
    _connection("--user", metavar="NAME", text="User name; a token if no password is given. [NATS_USER]"),
]
Password = Annotated[str | None, _connection("--password", metavar="TEXT", text="Password. [NATS_PASSWORD]")]
Token = Annotated[str | None, _connection("--token", metavar="TEXT", text="Token. [NATS_TOKEN]")]
TlsCert = Annotated[
    str | None, _connection("--tlscert", metavar="FILE", text="Client certificate. [NATS_CERT]")
]
TlsKey = Annotated[
    str | None, _connection("--tlskey", metavar="FILE", text="Key of the client certificate. [NATS_KEY]")
]
TlsCa = Annotated[
    str | None,
    _connection("--tlsca", metavar="FILE", text="CA certificates that verify the server. [NATS_CA]"),
]
TlsFirst = Annotated[bool, _connection("--tlsfirst", text="Start TLS before the server's INFO.")]
JsDomain = Annotated[str | None, _connection("--js-domain", metavar="NAME", text="JetStream domain.")]
ApiPrefix = Annotated[
    str | None,
    _connection(
        "--js-api-prefix", metavar="SUBJECT", text="Subject prefix of the JetStream API, for imports."
    ),
]
InboxPrefix = Annotated[
    str | None, _connection("--inbox-prefix", metavar="SUBJECT", text="Subject prefix for replies.")
]
Timeout = Annotated[
    str | None,
    _connection(
        "--timeout",
        metavar="DURATION",
        text="Silence after which a connection is replaced; "
        "a transfer ends after six times that without progress. [NATS_TIMEOUT; default 5s]",
    ),
]
Local = Annotated[
    bool,
    _connection("--local", text="Use a local server on this machine, started as needed. [NATSOBJ_LOCAL=1]"),
]
# What is said, and how

Json = Annotated[bool, _output("--json", text="Print results and errors as JSON, one object per line.")]
Quiet = Annotated[bool, _output("--quiet", "-q", text="No reports, notes or progress.")]
Verbose = Annotated[
    bool, _output("--verbose", "-v", text="Report more: the server that is used, then every step.")
]
Debug = Annotated[bool, _output("--debug", text="Log everything, and show tracebacks of errors.")]
Color = Annotated[
    Literal["auto", "always", "never"] | None,
    _output("--color", text="Colour; by default on a terminal, unless NO_COLOR is set."),
]
ProgressMode = Literal["auto", "bar", "plain", "none"]
Progress = Annotated[
    ProgressMode | None,
    _output("--progress", text="Progress of transfers; by default a bar on a terminal."),
]
