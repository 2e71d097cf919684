"""The process that argosy is forked from: it has loaded all of it, which takes longer than most commands.

It reads a task in JSON as a line, and answers with two: the process that it started, and how that ended. It adopts what
its processes leave behind, so that its children are what is left of them.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ADOPT_ORPHANS = 36
"""PR_SET_CHILD_SUBREAPER of Linux."""
_EVENTS = ("os.", "open", "shutil.", "subprocess.", "tempfile.")
"""What Python tells its audit hooks of the calls that a system has."""


def main() -> None:
    """Start a process for each task of standard input."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)
    # As argosy.__main__ has it; a shell starts what it puts into the background deaf to Ctrl-C, and nohup to SIGHUP.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    _load()
    for line in iter(sys.stdin.buffer.readline, b""):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        process = os.fork()
        if not process:
            _run(json.loads(line))
            return
        os.write(1, b"%d\n" % process)
        _, status = os.waitpid(process, 0)
        with contextlib.suppress(BrokenPipeError):  # Whoever asked has ended.
            os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))


def _load() -> None:
    import argosy

    for module in pkgutil.walk_packages(argosy.__path__, "argosy."):
        if not module.name.startswith("argosy.mcp."):
            importlib.import_module(module.name)


def _run(task: Mapping[str, Any]) -> None:
    """Become what the task asks for: argosy in a session of its own."""
    os.setsid()
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["environment"])
    tempfile.tempdir = None  # The one of the new environment is looked up.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(task[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if task["limit"] is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (task["limit"],) * 2)
    if task["anew"]:
        os.execv(sys.executable, [sys.executable, "-m", "argosy", *task["arguments"]])
    if task["counted"]:
        _count(Path(task["out"] + ".calls"), task["signals"], task["since"])
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    sys.argv = ["argosy", *task["arguments"]]
    from argosy.__main__ import main as argosy

    argosy()


def _count(told: Path, signals: Mapping[str, int], since: str) -> None:
    """Count the calls of the system, tell how many there were, and send the signals at the calls that they are for.

    They are counted since the first that is told of a path with a text in it.
    """
    calls, begun = 0, not since

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal calls, begun
        if event.startswith(_EVENTS):
            begun = begun or any(since in str(each) for each in arguments)
            calls += begun
            if number := signals.get(str(calls)) if begun else None:
                (os.killpg if number < 0 else os.kill)(os.getpid(), abs(number))

    atexit.register(lambda: told.write_text(str(calls)))
    sys.addaudithook(heard)


if __name__ == "__main__":
    main()
