"""Run argosy as often as one likes, and see all that a command leaves: its exit code, its words, its processes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.children import children

PATIENCE = 600
"""After how many seconds a command hangs: an engine may take 60, a command has several, and a machine is busy."""
TALK = 10_000_000
"""How many bytes of a command's words are read; none has a reason to print as many."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str
    seconds: float
    hung: bool = False
    calls: int = 0
    """How many calls of the system it made, where they were counted."""
    left: int = 0
    """How many of its processes did not end."""


class Running:
    """A command that runs."""

    def __init__(self, runner: Runner, process: int, out: Path, err: Path) -> None:
        self.process = process
        self._runner, self._out, self._err = runner, out, err
        self._start = time.monotonic()

    def send(self, number: int, *, group: bool = False) -> None:
        """Send it a signal, or the whole of its process group."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process, number)

    def finish(self) -> Ended:
        """Wait until it has ended, and all that it started; what has not by then is killed."""
        hung = not self._runner.answers(PATIENCE)
        if hung:
            self.send(signal.SIGKILL, group=True)
        code, seconds = int(self._runner.answer()), time.monotonic() - self._start
        left = self._runner.left()
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        out, err = (_start_of(each) for each in (self._out, self._err))
        counted = self._out.with_name(f"{self._out.name}.calls")
        calls = int(counted.read_text() or 0) if counted.exists() else 0
        counted.unlink(missing_ok=True)
        return Ended(code, out, err, seconds, hung, calls, len(left))


def _start_of(talk: Path) -> str:
    with talk.open("rb") as file:
        return file.read(TALK).decode("utf-8", "replace")


class Runner:
    """Runs one command after the other."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.reliability.forking"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": f"{root / 'generator'}{os.pathsep}{root}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        environment: Mapping[str, str],
        talk: Path,
        *,
        anew: bool = False,
        limit: int | None = None,
        signals: Mapping[int, int] | None = None,
        since: str = "",
    ) -> Running:
        """Start argosy in a folder.

        Its words go to files in another one. `anew`: in a Python of its own. `limit`: no file gets more bytes.
        `signals`: at which call of the system it gets which signal, a negative one with its whole group; with none its
        calls are counted. `since`: from the first call on that is about a path with this text in it.
        """
        out, err = talk / "out", talk / "err"
        task = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
            "out": str(out),
            "err": str(err),
            "anew": anew,
            "limit": limit,
            "counted": signals is not None,
            "signals": signals or {},
            "since": since,
        }
        assert self._process.stdin
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        return Running(self, int(self.answer()), out, err)

    def answers(self, seconds: float) -> bool:
        """Return whether there is an answer within some seconds."""
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def answer(self) -> str:
        """Return the next answer."""
        line = b""
        while not line.endswith(b"\n"):  # Unbuffered, so that `answers` sees all that is not read.
            assert self._process.stdout
            read = os.read(self._process.stdout.fileno(), 1)
            assert read, "the process that argosy is forked from has ended"
            line += read
        return line.decode()

    def left(self) -> list[int]:
        """Return the processes that the last command left and that do not end by themselves."""
        end = time.monotonic() + PATIENCE
        while found := [process for process, _ in children(self._process.pid)]:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        return found
