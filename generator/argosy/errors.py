"""The one family of errors that argosy raises on purpose.

Every error carries the exit code of the process that it ends, and one message that says what is wrong and, in
`hint`, what to do next. `argosy.cli.main` is the one place that turns them, and the errors of libraries, into exits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class ArgosyError(Exception):
    """Report a refusal: nothing was written, exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ArgosyError):
    """Report input that cannot be meant: nothing was written, exit code 2."""

    exit_code = 2


class IncompleteError(ArgosyError):
    """Report that not everything could be compared: what could is shown, exit code 2, as of `kubectl diff`."""

    exit_code = 2


class ShallowError(ArgosyError):
    """Report that the history of a shallow clone ends too early, whose root is `root`."""

    def __init__(self, root: Path, message: str) -> None:
        super().__init__(message, "Fetch the whole history: git fetch --unshallow.")
        self.root = root


class InterruptedByUserError(ArgosyError):
    """Report what Ctrl-C left: exit code 130, as of a shell."""

    exit_code = 130


class ToolError(ArgosyError):
    """Report a tool (git, Helm, Kustomize) that is missing or failed."""


LONGEST_FAULT = 2000
"""How many characters of what an engine says are repeated."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why an engine gave no manifests."""

    message: str
    path: Path | None = None
    """The file to mend, where it is known: a template, a values file, a kustomization."""
    line: int | None = None
    hint: str = ""
    stopped: bool = False
    """Whether the engine had to be stopped, and so would have to be again."""
    about: Path | None = None
    """The file that is wrong, where `path` only names it."""

    def __post_init__(self) -> None:
        """Cut what nobody reads: an engine repeats whole files, or dumps its own state."""
        if len(self.message) > LONGEST_FAULT:
            object.__setattr__(self, "message", f"{self.message[:LONGEST_FAULT]} …")

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:{self.line}: " if self.line else f"{self.path}: "
        return place + self.message


class RenderError(ToolError):
    """Report that Helm or Kustomize refused its input; each fault stands for itself."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)), next((fault.hint for fault in faults if fault.hint), ""))
        self.faults = tuple(faults)


class OfflineError(RenderError):
    """Report input that needs the network: what cannot be judged here, rather than what is wrong."""
