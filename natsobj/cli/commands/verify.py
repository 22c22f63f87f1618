"""`natsobj verify`: read objects back, and say which are broken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar, options
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

if TYPE_CHECKING:
    from natsobj.cli.output.checks import Tally
    from natsobj.cli.output.meters import Whole
    from natsobj.models import Verdict

EXAMPLES = (
    ("Read everything in a bucket back", "natsobj verify photos"),
    ("Read one object back", "natsobj verify photos 2026/cat.jpg"),
    ("Look for lost chunks without reading", "natsobj verify photos --quick"),
    ("List what is broken", "natsobj verify photos --json | jq -r 'select(.ok | not) | .name'"),
)

app = grammar.new_app()


@app.command("verify", cls=grammar.Command)
@bridge
async def verify(
    session: Session,
    bucket: options.Bucket,
    key: options.OptionalKey = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare only the number of chunks, without reading them.")
    ] = False,
) -> int:
    """Read objects back and say which are broken."""
    from natsobj.checks import verify as checks
    from natsobj.cli.output.checks import VERDICTS, Tally
    from natsobj.cli.output.formats import count
    from natsobj.cli.output.progress import Progress

    what, tally = (bucket if key is None else f"{bucket}/{key}"), Tally()
    in_table = session.stdout_is_terminal and not session.json
    session.account(lambda _: f"verified nothing of {what}")
    async with session.store() as store:
        surveyed = await checks.survey(store.bucket(bucket), key)
        nothing_moves = nullcontext(Progress(shown=False))
        with nothing_moves if quick else session.progress(beside_content=session.json) as progress:
            whole = progress.whole(what, "object")
            whole.expect(surveyed.objects, surveyed.size)
            session.account(lambda _: f"verified {tally.objects:,} of {count(surveyed.objects, 'object')}")
            found = checks.verify(surveyed, quick=quick, into=lambda info: whole.sink(checks.nowhere(info)))
            verdicts = _counted(found, tally, whole, all_of_them=not (in_table or session.quiet))
            broken = [each async for each in verdicts] if in_table else []
            if not in_table:
                await session.show_all(verdicts, VERDICTS, promptly=not quick)
        if in_table:  # below the bar, which is gone
            await session.show_all(_each(broken), VERDICTS)
    session.report(tally.line(what, session.elapsed, quick=quick))
    return exits.BROKEN if tally.broken else exits.TEMPORARY if tally.changed else exits.DONE


async def _counted(
    verdicts: AsyncGenerator[Verdict, None], tally: Tally, whole: Whole, *, all_of_them: bool
) -> AsyncGenerator[Verdict, None]:
    """Count each, and give all or those that are not whole."""
    async with aclosing(verdicts):
        async for verdict in verdicts:
            tally.add(verdict)
            whole.settle()
            if all_of_them or not verdict.ok:
                yield verdict


async def _each(verdicts: Sequence[Verdict]) -> AsyncGenerator[Verdict, None]:
    for verdict in verdicts:
        yield verdict
