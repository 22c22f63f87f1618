"""The way in: `natsobj` and `python -m natsobj`."""

from __future__ import annotations

import gc
import os
import signal


def main() -> None:
    """Run the command; a signal while Python still imports it ends in silence: nothing was begun."""
    gc.set_threshold(50_000)  # imports make many objects and hardly any garbage: 7 % of the time of `info`
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: os._exit(128 + number))
    from natsobj.cli import main as command

    command()


if __name__ == "__main__":
    main()
