"""`natsobj cat`: write objects to standard output, one after the other."""

from __future__ import annotations

from natsobj.cli.arguments import grammar, options
from natsobj.cli.exits import UsageError
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Show an object", "natsobj cat notes todo.txt"),
    ("Put the parts of a backup together", "natsobj cat backups db.tar.1 db.tar.2 | tar x"),
)

app = grammar.new_app()


@app.command("cat", cls=grammar.Command)
@bridge
async def cat(session: Session, bucket: options.Bucket, keys: options.SomeKeys) -> int:
    """Write objects to standard output, one after the other."""
    from natsobj.cli.output.formats import count
    from natsobj.files.targets import open_stdout

    if session.json:
        raise UsageError("--json cannot be used here: standard output has the content")
    current, written = keys[0], 0

    def account(_: bool) -> str:
        part = f"a part of {bucket}/{current} at most"
        if len(keys) == 1:
            return f"standard output has {part}"
        return f"wrote {written:,} of {count(len(keys), 'object')}, and {part}"

    session.account(account)
    async with session.store() as store, open_stdout() as stdout:
        home = store.bucket(bucket)

        async def write(key: str) -> None:
            nonlocal current
            current = key
            info = await home.info(key, follow=True)
            with session.progress(beside_content=True) as progress:
                await home.get(info, into=progress.sink(stdout, info.name, info.size))

        def done(_: None) -> None:
            nonlocal written
            written += 1

        return await session.batch(keys, write, done)
