"""The processes that Helm runs in: started when they are needed, used again, and ended with argosy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from threading import Condition
from time import monotonic
from typing import Any

from argosy.errors import ToolError
from argosy.supervisor import Limits, Program

_WORKER = Path(__file__).with_name("worker.py")
_START = 0.1
"""How many seconds a start may take: a worker is added when others have been waited for as long in all."""


class _Workers:
    def __init__(self) -> None:
        self._freed = Condition()
        self._idle: list[Program] = []
        self._busy = 0
        self._waited = 0.0

    @contextmanager
    def one(self) -> Iterator[Program]:
        """Yield a worker that nobody else asks meanwhile."""
        worker = self._take()
        try:
            worker = worker or _started()
            yield worker
        finally:
            with self._freed:
                self._busy -= 1
                if worker and worker.runs:
                    self._idle.append(worker)
                self._freed.notify()

    def _take(self) -> Program | None:
        """Return a worker that is free, or becomes so soon; None where one is to be started."""
        with self._freed:
            while not self._idle and self._busy and self._waited < _START:
                begin = monotonic()
                self._freed.wait(_START - self._waited)
                self._waited += monotonic() - begin
            self._busy += 1
            while self._idle:
                if (worker := self._idle.pop()).runs:
                    return worker
                worker.stop()
            self._waited = 0.0
            return None


_WORKERS = _Workers()


def ask(task: str, **arguments: Any) -> dict[str, Any]:
    """Have a worker do one of its tasks; raise StoppedError where that ends the worker."""
    with _WORKERS.one() as worker:
        return _answer(worker, task, arguments)


def ask_alone(task: str, environment: Mapping[str, str], given: Limits, **arguments: Any) -> dict[str, Any]:
    """Have a worker do a task that no other has anything to do with: with an environment and limits of its own."""
    worker = _started(environment, given)
    try:
        return _answer(worker, task, arguments)
    finally:
        worker.stop()


def _answer(worker: Program, task: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    line = worker.ask(json.dumps({"task": task, **arguments}).encode() + b"\n")
    answer: dict[str, Any] = json.loads(line)
    return answer


def package() -> Path | None:
    """Return the folder that holds helm_python, None where that has no build for this platform."""
    found = find_spec("helm_python")
    return Path(found.origin).parents[1] if found and found.origin else None


@cache
def version() -> Sequence[str]:
    """Return what decides what a worker answers, besides what it is asked."""
    return version_of("helm-python-sdk") if package() else "", _WORKER.read_text(encoding="utf-8")


_HELMS = {"0.2.2": "4.2.3"}
"""The versions of Helm in those of helm-python-sdk, which a worker would have to be started for to ask."""


@cache
def helm() -> str:
    """Return the version of Helm in helm_python."""
    return _HELMS.get(version()[0]) or str(ask("version")["version"])


def _started(environment: Mapping[str, str] | None = None, given: Limits | None = None) -> Program:
    if (folder := package()) is None:
        raise ToolError("The package helm-python-sdk is gone.", "Install argosy again.")
    return Program(command(folder), environment, given)


def command(package: Path) -> Sequence[str]:
    """Return what starts a worker, with the folder that holds helm_python."""
    # Isolated: neither the current folder nor the environment decides what is imported.
    return [sys.executable, "-I", "-S", "-X", "utf8", str(_WORKER), str(package)]
