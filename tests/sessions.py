"""Pages that people follow: their commands, run as they are printed, and what these print."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import shared
from tests.conftest import Result, in_process

SKIPPED = "…"
"""A line that stands for any number of lines."""
_BLOCK = re.compile(r"(?ms)^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?")
_DATE = "2026-03-02T09:00:00Z"


class Session:
    """A shell in a new folder: argosy runs in this process, all else in bash, and `cd` lasts."""

    def __init__(self, root: Path | None = None, **environment: str) -> None:
        self._root = None if root else tempfile.TemporaryDirectory(prefix="session-")
        self._home = Path(self._root.name if self._root else str(root))
        self.folder = self._home / "work"
        self.folder.mkdir()
        self._environment = {
            **{f"GIT_{role}_DATE": _DATE for role in ("AUTHOR", "COMMITTER")},
            **environment,
        }

    def run(self, command: str) -> Result:
        """Run a command, and return what came of it."""
        with shared.home(self._home), contextlib.chdir(self.folder), pytest.MonkeyPatch.context() as patch:
            for name, value in self._environment.items():
                patch.setenv(name, value)
            if command.startswith("argosy "):
                return in_process(*shlex.split(command.replace("\\\n", " "), comments=True)[1:])
            done = subprocess.run(
                ["bash", "-uc", f"{command}\ncode=$?; pwd > {shlex.quote(str(self._home / 'folder'))}; exit $code"],
                capture_output=True,
                text=True,
                check=False,
            )
            self.folder = Path((self._home / "folder").read_text().rstrip("\n"))
            return Result(done.returncode, done.stdout, done.stderr)

    def printed(self, command: str) -> str:
        """Run a command that ends well, or finds what it looks for, and return what it prints."""
        result = self.run(command)
        assert result.code == (1 if "error: " in result.out else 0), (command, result)
        return result.out


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block: a line each, but for lines that go on, and what is handed to one until END."""
    lines = iter(re.split(r"(?<!\\)\n", block.rstrip("\n")))
    for line in lines:
        text = [line]
        while "<<'END'" in line and text[-1] != "END":
            text.append(next(lines))
        yield "\n".join(text)


def blocks(page: str) -> Iterator[tuple[str, str | None]]:
    """Yield the commands of each block of a page, and what it says that they print, if it does."""
    yield from ((found[1], found[2]) for found in _BLOCK.finditer(page))


def fits(said: str, printed: str) -> bool:
    """Return whether what was printed is what a page says, which leaves lines out where it says so."""
    pattern = "".join("(?:.*\n)*" if line == SKIPPED else f"{re.escape(line)} *\n" for line in said.splitlines())
    return re.fullmatch(pattern, printed) is not None


class Pasting:
    """A session whose commands, and what they print, cog puts into a page."""

    def __init__(self, cog: Any) -> None:
        self._cog, self.session = cog, Session()

    def show(self, block: str, *kept: str, prints: bool = True) -> None:
        """Run a block and show it, with the lines that it prints: those that hold one of the texts, or else all."""
        block = block.strip("\n")
        printed = "".join(self.session.printed(each) for each in commands(block))
        self._cog.out(f"```sh\n{block}\n```\n")
        if prints:
            self._cog.out(f"\n```text\n{shortened(printed, kept)}```\n")


def shortened(printed: str, kept: Sequence[str]) -> str:
    """Return the lines that hold one of some texts, with a sign wherever others are left out."""
    lines: list[str] = []
    for line in printed.rstrip("\n").splitlines():
        if not kept or any(each in line for each in kept):
            lines.append(line.rstrip())
        elif lines[-1:] != [SKIPPED]:
            lines.append(SKIPPED)
    return "".join(f"{line}\n" for line in lines)
