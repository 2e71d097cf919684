"""Run argosy as often as one likes, and see all that a command leaves: its exit code, its words, its processes."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.children import children
from tests.forked import Forked

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
        heard, self._tell = os.pipe()
        self._told, said = os.pipe()
        code = "from tests.reliability import forking; forking.main()"
        self._process = Forked([], code=code, cwd=Path(__file__).parents[2], stdin=heard, stdout=said, stderr=2)
        for each in (heard, said):
            os.close(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._tell)
        self._process.wait()
        os.close(self._told)

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
        with open(self._tell, "wb", closefd=False) as tell:
            tell.write(json.dumps(task).encode() + b"\n")
        return Running(self, int(self.answer()), out, err)

    def answers(self, seconds: float) -> bool:
        """Return whether there is an answer within some seconds."""
        return bool(select.select([self._told], [], [], seconds)[0])

    def answer(self) -> str:
        """Return the next answer."""
        line = b""
        while not line.endswith(b"\n"):  # Unbuffered, so that `answers` sees all that is not read.
            read = os.read(self._told, 1)
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
