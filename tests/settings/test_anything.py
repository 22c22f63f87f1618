"""Whatever flags, variables, contexts and homes hold: settings, or an error that names what is wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from natsobj.errors import InvalidArgument
from natsobj.settings import Settings, resolve
from natsobj.settings.layers import NAMES

ODD = (
    *("", " ", "x", "é", ".", "..", "~", "*", ">", "a.b", "a\nb", "\x1b]52;c;eA==\x07", "\u202e", "\udcff"),
    *("nats://h", "nats://h,b", "ws://h", "wss://h/p", "[::1]", "::1", "http://h", "h:99999", "nats://a..b"),
    *(
        "nats://ann@h",
        "tls://ann:p@h",
        "nats://" + "a" * 70,
        "nats://ü.example",
        "nats://[v1.x]",
        "nats://h?",
    ),
    *("env://SET", "env://UNSET", "data:;base64,eA==", "data:;base64,/w==", "data:", "nsc://a/b", "op://x"),
    *("file:///dev/null", "FILE://~/x", "/dev/zero", "/etc/passwd", "~/x", "$HOME/x", "$UNSET", "/" * 5000),
    *("5s", "0", "nan", "-1", "9" * 5000, "x" * 300, '{"a":1}', "-----BEGIN x", "eyJh.b.c", "SU" + "A2" * 28),
)
ODDER: tuple[object, ...] = ("\x00", chr(0xD800), 1, None, [], {}, True, 1e400)
"""What only JSON can hold."""


@pytest.mark.parametrize("seed", range(10))
def test_anything_gives_settings_or_an_error_that_names_it(seed: int, tmp_path: Path) -> None:
    """No other error, and nothing that could not be sent."""
    choose = random.Random(seed)

    def some(names: list[str], values: tuple[object, ...], share: float) -> dict[str, object]:
        return {name: choose.choice(values) for name in names if choose.random() < share}

    (tmp_path / "nats" / "context").mkdir(parents=True)
    fields = [field for _, field in NAMES.values() if field]
    variables = [variable for variable, _ in NAMES.values() if variable]
    for _ in range(200):
        context = some(fields, ODD, 0.2) | some(fields, ODDER, 0.02)
        (tmp_path / "nats" / "context" / "c.json").write_text(json.dumps(context))
        (tmp_path / "nats" / "context.txt").write_text(choose.choice(("", "c", "gone")))
        flags = some([*NAMES], ODD, 0.1) | some(["context"], ("c", *ODD), 0.2)
        env = some(variables, ODD, 0.1) | some(["NATS_CONTEXT"], ("c", *ODD), 0.1) | {"SET": "x"}
        env |= some(["HOME"], ("", ".", "~", "/nonexistent", str(tmp_path)), 0.7)
        outcome = resolved(flags, env, choose.choice((tmp_path, tmp_path, None)))
        if isinstance(outcome, OSError):
            assert outcome.filename
        elif isinstance(outcome, Settings):
            assert all(text is None or text.encode() for text in texts_of(outcome))


def resolved(
    flags: dict[str, object], env: dict[str, object], home: Path | None
) -> Settings | InvalidArgument | OSError:
    """The settings, or the error that says why there are none; any other is raised."""
    try:
        return resolve(
            {name: str(value) for name, value in flags.items()},
            {name: str(value) for name, value in env.items()},
            home,
        )
    except (InvalidArgument, OSError) as error:
        return error


def texts_of(settings: Settings) -> tuple[str | None, ...]:
    """All that is sent to a server, or looked up."""
    secrets = (settings.user, settings.password, settings.token, settings.jwt, settings.seed)
    return (*settings.servers, settings.api_prefix, settings.inbox_prefix, *secrets)
