"""`natsobj server`: the local server that `--local` uses."""

from __future__ import annotations

import os

from natsobj.cli.arguments import grammar, target
from natsobj.cli.exits import DONE, FAILED
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("See whether and where it is running", "natsobj server status"),
    ("Watch it work", "natsobj server run"),
)

app = grammar.new_app(grammar.Group, no_args_is_help=True)


@app.callback()
def server() -> None:
    """Run a local server on this machine."""


@app.command("run", cls=grammar.Command)
@bridge
def run(session: Session) -> int:  # noqa: ARG001  # every command has one
    """Run it in the foreground, with the same data."""
    from natsobj import local_server

    return local_server.run(target.local_home(os.environ))


@app.command("start", cls=grammar.Command)
@bridge
def start(session: Session) -> int:
    """Start it in the background, unless it is running."""
    from natsobj import local_server
    from natsobj.cli.output.account import server_json

    running = local_server.start(target.local_home(os.environ), timeout=session.timeout)
    fields = server_json(pid=running.pid, url=running.url, data=running.data)
    session.tell(fields, f"local server running at {running.url} (pid {running.pid})")
    return DONE


@app.command("stop", cls=grammar.Command)
@bridge
def stop(session: Session) -> int:
    """Stop it, if it is running."""
    from natsobj import local_server

    stopped = local_server.stop(target.local_home(os.environ), timeout=session.timeout)
    session.report("local server stopped" if stopped else "no local server is running")
    return DONE


@app.command("status", cls=grammar.Command)
@bridge
def status(session: Session) -> int:
    """Show whether it is running: exit code 0 if so, else 1."""
    from natsobj import local_server
    from natsobj.cli.output.account import server_detail, server_json

    running = local_server.status(target.local_home(os.environ))
    pid, url, data = (running.pid, running.url, running.data) if running else (None, None, None)
    fields = server_json(pid=pid, url=url, data=data)
    session.show_fields(fields, lambda: server_detail(pid=pid, url=url, data=data))
    return DONE if running else FAILED
