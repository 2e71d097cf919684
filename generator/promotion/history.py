"""Who promoted what, and when: read from Git alone, from the trailers of commit messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from generator import git


class Kind(StrEnum):
    """What a commit did with an application."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Step:
    """What a trailer says: a promotion from one environment to another, or a rollback of one."""

    kind: Kind
    application: str
    source: str
    """Where it came from; empty for a rollback."""
    target: str
    origin: str = ""
    """The id of the commit whose state was promoted or restored, where it is known."""

    @property
    def trailer(self) -> str:
        """How a commit's message says it."""
        if self.kind is Kind.ROLLBACK:
            return f"Argosy-Rollback: {self.application} {self.target} {self.origin}".rstrip()
        return f"Argosy-Promotion: {self.application} {self.source} -> {self.target} {self.origin}".rstrip()


@dataclass(frozen=True, slots=True)
class Record:
    """A step, and the commit that took it."""

    step: Step
    commit: str
    parent: str
    """The commit's first parent; empty for a first commit."""
    when: datetime
    who: str
    """Name <mail> of the author."""
    subject: str


# A host that squashes a pull request puts the messages of its commits into a list, indented.
_TRAILER = re.compile(
    r"^[ \t>*-]*Argosy-(?:Promotion:[ ]+(?P<application>\S+)[ ]+(?P<source>\S+)[ ]+->[ ]+(?P<target>\S+)"
    r"|Rollback:[ ]+(?P<undone>\S+)[ ]+(?P<place>\S+))(?:[ ]+(?P<origin>[0-9a-f]{7,64}))?[ \t]*$",
    re.MULTILINE,
)


def steps(message: str) -> list[Step]:
    """Return the steps that a commit's message, or a pull request's text, tells of."""
    found = []
    for match in _TRAILER.finditer(message.replace("\r", "")):
        origin = match["origin"] or ""
        if match["undone"]:
            found.append(Step(Kind.ROLLBACK, match["undone"], "", match["place"], origin))
        else:
            found.append(Step(Kind.PROMOTION, match["application"], match["source"], match["target"], origin))
    return list(dict.fromkeys(found))


def records(root: Path, revision: str = "HEAD") -> list[Record]:
    """Return what was promoted and rolled back in the history of a revision, the newest first.

    `revision` may be a range, such as `1a2b3c..HEAD`. What a merge tells of a commit that it merges counts once.
    """
    listed = git.run(
        root,
        *("-c", "log.showSignature=false", "log", "-z", "--date-order", "--encoding=UTF-8"),
        *("--extended-regexp", "--grep=Argosy-(Promotion|Rollback):", "--format=%H%n%P%n%aI%n%aN <%aE>%n%B"),
        *("--end-of-options", revision, "--"),
    )
    entries = [_Entry(*entry.lstrip("\n").split("\n", 4)) for entry in listed.split("\0") if entry.strip()]
    found = [(entry, step) for entry in entries for step in reversed(steps(entry.message))]
    merged = _merged(root, revision, found)
    return [_record(entry, step) for entry, step in found if (entry.commit, step) not in merged]


class _Entry(NamedTuple):
    """A commit, as git tells it."""

    commit: str
    parents: str
    when: str
    who: str
    message: str


def _record(entry: _Entry, step: Step) -> Record:
    subject = entry.message.partition("\n")[0]
    return Record(
        step, entry.commit, entry.parents.split(" ")[0], datetime.fromisoformat(entry.when), entry.who, subject
    )


def _merged(root: Path, revision: str, found: Sequence[tuple[_Entry, Step]]) -> set[tuple[str, Step]]:
    """Return the steps that merges tell of, and the commits that they merge as well."""
    merges = [(place, entry, step) for place, (entry, step) in enumerate(found) if " " in entry.parents]
    if not merges:
        return set()
    listed = git.run(root, "rev-list", "--first-parent", "--end-of-options", revision, "--").split()
    trunk = frozenset(listed)
    again = set()
    for place, entry, step in merges:
        older = next((each.commit for each, same in found[place + 1 :] if same == step), "")
        if older and entry.commit in trunk and older not in trunk:
            again.add((entry.commit, step))
    return again


def of(found: Sequence[Record], application: str, target: str) -> list[Record]:
    """Return the records of one application in one environment, the newest first."""
    return [each for each in found if each.step.application == application and each.step.target == target]


def in_force(root: Path, found: Sequence[Record], application: str, target: str) -> list[Record]:
    """Return the promotions of an application to an environment that were not rolled back since, the newest first."""
    standing: list[Record] = []
    for each in reversed(of(found, application, target)):
        if each.step.kind is Kind.PROMOTION:
            standing.append(each)
        else:
            # A rollback undoes what came after the state that it restores.
            while standing and not is_part(root, standing[-1].commit, each.step.origin):
                standing.pop()
    return standing[::-1]


def is_part(root: Path, commit: str, whole: str) -> bool:
    """Tell whether a commit is in the history of another one, or is that one."""
    return bool(whole) and not git.run(root, "rev-list", "--max-count=1", commit, f"^{whole}", "--").strip()
