"""`natsobj server`: the embedded server that `--local` uses."""

from __future__ import annotations

import os

from natsobj.cli import grammar
from natsobj.cli.exits import FAILED
from natsobj.cli.runtime import Session, bridge

EXAMPLES = (
    ("See whether it runs, and where", "natsobj server status"),
    ("Watch it work", "natsobj server run"),
)

app = grammar.new_app(grammar.Group, no_args_is_help=True)


@app.callback()
def server() -> None:
    """Run the private server of this machine."""


@app.command("run", cls=grammar.Command)
@bridge
def run(session: Session) -> None:
    """Run it in the foreground, on the same data."""
    from natsobj import local

    session.status = local.run(local.data_home(os.environ))


@app.command("start", cls=grammar.Command)
@bridge
def start(session: Session) -> None:
    """Start it in the background, unless it runs."""
    from natsobj import local
    from natsobj.cli.render import server_json

    running = local.start(local.data_home(os.environ), timeout=session.timeout)
    fields = server_json(pid=running.pid, url=running.url, data=running.data)
    session.tell(fields, f"local server runs at {running.url} (pid {running.pid})")


@app.command("stop", cls=grammar.Command)
@bridge
def stop(session: Session) -> None:
    """Stop it, if it runs."""
    from natsobj import local

    stopped = local.stop(local.data_home(os.environ), timeout=session.timeout)
    session.report("local server stopped" if stopped else "no local server runs")


@app.command("status", cls=grammar.Command)
@bridge
def status(session: Session) -> None:
    """Show whether it runs: exit code 0 if so, else 1."""
    from natsobj import local
    from natsobj.cli.render import server_detail, server_json

    running = local.status(local.data_home(os.environ))
    pid, url, data = (running.pid, running.url, running.data) if running else (None, None, None)
    fields = server_json(pid=pid, url=url, data=data)
    session.show_fields(fields, lambda: server_detail(pid=pid, url=url, data=data))
    session.status = 0 if running else FAILED
