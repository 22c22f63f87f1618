"""`natsobj serve`: show a bucket in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli.arguments import grammar, options, values
from natsobj.cli.output import console
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.serve.app import Entry

EXAMPLES = (
    ("Show a bucket in a browser", "natsobj serve photos"),
    ("Let others in the network see it who have a token", "natsobj serve docs --host 0.0.0.0 --token s3cret"),
    ("Learn the address from a program", "natsobj serve photos --port 0 --json"),
)

app = grammar.new_app()


@app.command("serve", cls=grammar.Command)
@bridge
async def serve(
    session: Session,
    bucket: options.Bucket,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on, such as 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port to listen on; 0: a free one.")
    ] = 8000,
    page_token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            parser=values.secret,
            help="Answer only those who have it: a bearer token, or a password with any user name. The token "
            "of the NATS server stands before the command then: natsobj --token TEXT serve.",
        ),
    ] = None,
    no_index: Annotated[
        bool, typer.Option("--no-index", help="List a folder also where its index.html is.")
    ] = False,
) -> int:
    """Show a bucket in a browser, and to curl; read-only."""
    from natsobj.cli.output.account import site_json
    from natsobj.cli.output.formats import count, format_size, printable
    from natsobj.serve import check_installed

    check_installed()
    from natsobj.serve.access import is_local
    from natsobj.serve.app import Offer, Site
    from natsobj.serve.pages import Words
    from natsobj.serve.server import listen, serve_site

    listening = listen(host, port)
    async with session.store() as store:
        home = store.bucket(bucket)
        await home.stream.state()
        site = Site(
            Offer(
                home,
                Words(format_size, printable, count),
                _line,
                say=session.fail,
                log=console.say if session.verbose else None,
                index=not no_index,
                token=page_token,
                local_names_only=is_local(host),
            )
        )
        session.account(lambda _: f"no longer serving {bucket}")
        await serve_site(
            site,
            listening,
            lambda url: session.tell(site_json(bucket, url), f"serving {bucket} at {url}"),
        )
    return session.status


def _line(entry: Entry) -> str:
    """Write an entry of a list as `ls --folders --json` does, and an error as all commands do."""
    from natsobj.cli import exits
    from natsobj.cli.output.diagnostics import error_line
    from natsobj.cli.output.folders import level_json
    from natsobj.cli.output.formats import json_line

    if isinstance(entry, Exception):
        return error_line(entry, exits.message(entry), exits.hint(entry))
    return json_line(level_json(entry))
