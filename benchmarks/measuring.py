"""Run whole commands in turns, and keep their times and their peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FRESH = "{fresh}"
"""Stands, among a command's arguments, for a path at which nothing is, another one at each run."""


_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Whoever has installed argosy has it compiled: each run that has not takes half a second more."""


class BenchmarkError(Exception):
    """Report a command that fails: what it takes is no figure."""


class MissingError(BenchmarkError):
    """Report a program that is not on this machine, and where to get it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and the folder that it runs in."""

    arguments: Sequence[str | Path]
    folder: Path
    before: str = ""
    """A shell command that makes the folder ready for each run, and is not measured."""
    cache: Path | None = None
    """Where argosy keeps renders: nowhere, so that each run does all of the work."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A command's runs: wall-clock seconds, the peak memory of its largest process in megabytes (10^6 bytes), and the
    seconds of CPU of all its processes.
    """

    seconds: tuple[float, ...]
    megabytes: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)


def in_turns(commands: Mapping[str, Command], runs: int, say: Callable[[str], None]) -> dict[str, Measured]:
    """Run each command once to warm up, then all of them in turns: A B A B. Raise BenchmarkError where one fails."""
    kept: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            seconds, megabytes, cpu = once(command)
            say(f"  {name}: {seconds:.3f} s, {megabytes:.0f} MB{'' if turn else ' (warm-up)'}")
            if turn:
                kept[name].append((seconds, megabytes, cpu))
    made = {}
    for name, each in kept.items():
        seconds_, megabytes_, cpu_ = zip(*each, strict=True)
        made[name] = Measured(seconds_, megabytes_, cpu_)
    return made


def once(command: Command) -> tuple[float, float, float]:
    """Run a command, and return what `Measured` keeps of one run. Raise BenchmarkError where it fails."""
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as folder, tempfile.TemporaryFile() as output:
        arguments = [str(each).replace(FRESH, f"{folder}/gitops") for each in command.arguments]
        if command.before:
            subprocess.run(["bash", "-euc", command.before], cwd=command.folder, check=True, stdout=subprocess.DEVNULL)
        begin = time.perf_counter()
        process = subprocess.Popen(
            arguments,
            cwd=command.folder,
            env={**_ENVIRONMENT, "ARGOSY_CACHE": str(command.cache or "")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()[-5:]
            raise BenchmarkError(f"`{' '.join(arguments)[:200]}` ended with {process.returncode}:\n" + "\n".join(said))
    megabytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return seconds, megabytes, usage.ru_utime + usage.ru_stime
