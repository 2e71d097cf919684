"""Where a result goes, and who is told of it on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from argosy.errors import UsageError

if TYPE_CHECKING:
    from argosy.difference import Veil
    from argosy.findings import Report

TAKES_AWAY = "This deletes what people wrote, and there is no terminal to confirm it."


class Result(Protocol):
    """What came of a command, in the end or up to where it stopped."""

    @property
    def kind(self) -> str:
        """Which schema of `schemas/data/output/` its document has."""

    @property
    def document(self) -> dict[str, Any]:
        """It as data."""

    @property
    def diff(self) -> str | None:
        """What would change, as a unified diff; None where it was not only tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where a result goes: to the work tree, unless something else is said. Nobody hears of it, and nobody is asked."""

    repository: Path | None
    dry_run: bool = False
    commit: bool = False
    branch: str | None = None
    """A new branch to commit to; "" for one with a name of argosy's."""
    pull_request: bool = False
    message: str | None = None
    validate: bool = True

    def __post_init__(self) -> None:
        if self.dry_run and (self.commit or self.branch is not None):
            raise UsageError("--dry-run writes nothing, so there is nothing to commit.", "Give one of them.")
        if self.commit and self.on_branch:
            raise UsageError(
                "--commit is for the current branch.", "Give one of --commit, --branch and --pull-request."
            )
        if self.message is not None and not self.is_committed:
            raise UsageError("--message is for a commit.", "Add --commit, --branch or --pull-request.")

    @property
    def on_branch(self) -> bool:
        """Whether the result goes to a branch of its own."""
        return self.branch is not None or self.pull_request

    @property
    def is_committed(self) -> bool:
        """Whether the result is committed, wherever: then it goes to branches that environments follow as well."""
        return self.commit or self.on_branch

    @property
    def root(self) -> Path:
        """The repository's root."""
        if self.repository is None:
            raise UsageError("No repository was named.", "Name its root.")
        return self.repository

    @property
    def command(self) -> str:
        """The command line that asks for the same, without what says where the result goes."""
        return "argosy"

    @property
    def has_colour(self) -> bool:
        """Whether what is shown may have colour."""
        return False

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked what to do about a key."""
        return False

    @property
    def is_terse(self) -> bool:
        """Whether no table was shown of what has to be decided, so that it is to be listed."""
        return True

    @property
    def veil(self) -> Veil | None:
        """What of a manifest is shown in differences; None: all but what a Secret holds."""
        return None

    def quietly(self) -> Self:
        """Return the same of which nobody hears, but for what has to be known."""
        return self

    def say(self, text: str) -> None:
        """Hear something for people, beside the result."""

    def warn(self, text: str) -> None:
        """Hear what a person has to know, also one who wants to hear nothing else."""
        self.say(text)

    def show(self, text: str) -> None:
        """Hear a part of the result, as text for people."""

    def listed(self, text: str) -> None:
        """Hear which files change, which the result has as well."""

    def result(self, result: Result) -> None:
        """Take the result."""

    def judged(self, report: Report, *, in_tree: bool) -> None:
        """Hear what validation found wrong; `in_tree`: in the work tree, where it is written already."""

    def confirm(self, yes: bool, question: str, why: str = TAKES_AWAY) -> None:  # noqa: ARG002 - for those who can ask
        """Ask, unless the answer was given; raise UsageError with the reason where nobody can answer."""
        if not yes:
            raise UsageError(why, "Confirm with --yes.")

    def choose(self, question: str, choices: Sequence[str]) -> str:
        """Ask which it is to be, where `is_interactive`."""
        raise NotImplementedError

    def watch(self, description: str, total: int) -> AbstractContextManager[Callable[[], None]]:  # noqa: ARG002
        """Hear how far a long step is: what is returned gives a function to call after each of `total` steps."""
        return nullcontext(lambda: None)
