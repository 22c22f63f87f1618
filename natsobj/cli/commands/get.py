"""`natsobj get`: fetch an object to a file or a pipe."""

from __future__ import annotations

from typing import Annotated

import typer

from natsobj.cli import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.runtime import Session, bridge

EXAMPLES = (
    ("Fetch into a file", "natsobj get photos 2026/cat.jpg cat.jpg"),
    ("Fetch into a folder, as cat.jpg", "natsobj get photos 2026/cat.jpg pictures/"),
    ("Pass it on", "natsobj get builds build-42.tar | tar x"),
)

app = grammar.new_app()


@app.command("get", cls=grammar.Command)
@bridge
async def get(
    session: Session,
    bucket: options.Bucket,
    key: options.Key,
    file: options.TargetFile = None,
    *,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace FILE if it exists.")] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Keep FILE if it exists, and succeed.")
    ] = False,
) -> None:
    """Fetch an object to a file or standard output."""
    from natsobj.cli.render import fetched_line
    from natsobj.errors import FileExists
    from natsobj.files import STANDARD_STREAM, open_stdout, open_target, target_path

    options.exclusive({"--force": force, "--skip-existing": skip_existing})
    target = None if file is None or file == STANDARD_STREAM else target_path(file, key)
    if target is None and session.json:
        raise UsageError("--json needs a FILE, for standard output has the content")
    if file is None and session.stdout_is_terminal:
        raise UsageError("standard output is a terminal: name a FILE, or - to show the content here")
    if target is not None and not force and target.is_file():
        if skip_existing:
            session.report(f"kept {target}")
            return
        raise FileExists(str(target))
    in_folder = file is not None and file.endswith("/")
    async with session.store() as store:
        info = await store.bucket(bucket).info(key, follow=True)
        with session.progress(beside_content=target is None) as progress:
            opened = open_target(target, replace=force, make_folder=in_folder) if target else open_stdout()
            async with opened as sink:
                into = progress.sink(sink, info.name, info.size)
                info = await store.bucket(info.bucket).get(info, into=into)
        session.done(info, fetched_line(info, session.elapsed))
