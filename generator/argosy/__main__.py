"""`argosy`, and `python -m argosy`."""

import atexit
import gc
import os
import signal
import sys
import threading
from typing import NoReturn

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until a command begins there is nothing to take back, and Python would show where it was.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from argosy import cli, signals


def main() -> NoReturn:
    """Run argosy, and let no signal change what it has come to while it stops what it started."""
    # What a command makes it mostly keeps: to look for garbage after each 700 objects takes a twentieth of its time.
    gc.set_threshold(50_000, 20, 100)
    # Who has an answer of an engine is to give it the next question soon, whatever the other threads are judging.
    sys.setswitchinterval(0.0005)
    try:
        cli.main()
    except SystemExit as end:
        signals.ignore()
        if isinstance(end.code, int):
            _leave(end.code)
        raise
    finally:
        signals.ignore()


def _leave(code: int) -> None:
    """End with all that is to be done at the end, but for freeing what was read: that takes a tenth of a command."""
    others = (each for each in threading.enumerate() if each is not threading.current_thread())
    if sys.gettrace() or sys.getprofile() or not all(each.daemon for each in others):
        return
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # Python tells of it as it does.
    os._exit(code)


if __name__ == "__main__":
    main()
