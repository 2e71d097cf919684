"""The user's pager: what is longer than their terminal is read page by page, as with Git."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from argosy import programs, terminal


def page(text: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Show text by the user's pager, and return whether that was done; else it is left to print.

    That is where standard output is a terminal with fewer lines. ARGOSY_PAGER comes before PAGER, and `less` is the
    last resort; empty or `cat` is none. Nothing in a repository can name one.
    """
    command = _command(environment)
    if not command or not sys.stdout.isatty() or environment.get("TERM") == "dumb":
        return False
    # A line may wrap, and the last one is the prompt's.
    size = shutil.get_terminal_size()
    if sum(1 + len(line) // size.columns for line in text.splitlines()) < size.lines:
        return False
    sys.stdout.flush()
    defaults = {"LESS": "FRX", "LV": "-c"}
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env={**defaults, **environment, "PATH": programs.path()}
        )
    except (OSError, ValueError):
        return False
    with _interrupts_left_to_it():
        try:
            process.communicate(terminal.harmless(text).encode(errors="replace"))
        except OSError:  # It closed early, on Windows.
            process.wait()
    # One that could not show anything says so by its exit code; one that a signal ended was ended by the user.
    return process.returncode <= 0


def _command(environment: Mapping[str, str]) -> Sequence[str]:
    """Return the pager's program, found on the PATH, and its arguments; nothing where there is none."""
    wanted = environment.get("ARGOSY_PAGER", environment.get("PAGER", "less"))
    try:
        words = shlex.split(wanted, posix=os.name != "nt")
    except ValueError:
        return ()
    if not words or words == ["cat"]:
        return ()
    program = programs.named(words[0])
    if program is None:
        return ()
    if program.stem == "less" and len(words) == 1:
        words.append("-R")
    return (str(program), *words[1:])


@contextmanager
def _interrupts_left_to_it() -> Iterator[None]:
    """Leave Ctrl-C to the pager, for which it is a command."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
