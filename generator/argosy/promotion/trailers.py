"""Who promoted what, and when: read from Git alone, from the trailers of commit messages, or else their titles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from argosy import git
from argosy.promotion import deployment
from argosy.repository import layout


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
    reverted: str = ""
    """The commit that reverted this one, and holds itself; empty if none did."""
    by_title: bool = False
    """Whether the commit's title alone tells of it, which names no commit that it came from."""

    @property
    def both(self) -> tuple[str, str]:
        """The commits before and after the step."""
        return self.parent, self.commit

    @property
    def units(self) -> tuple[str, str]:
        """What promotion looked at of the deployment, which may have another name by now."""
        return deployment.units(self.step.application, self.step.target)


# A host that squashes a pull request puts the messages of its commits into a list, indented.
_START = r"^[ ]{0,3}(?:[*-][ ]+)?"
_TRAILER = re.compile(
    rf"(?:{_START}|^(?P<aside>[ \t>*-]+))"
    r"Argosy-(?:Promotion:[ ]+(?P<application>\S+)[ ]+(?P<source>\S+)[ ]+->[ ]+(?P<target>\S+)"
    r"|Rollback:[ ]+(?P<undone>\S+)[ ]+(?P<place>\S+))(?:[ ]+(?P<origin>[0-9a-f]{7,64}))?[ \t]*$",
    re.MULTILINE,
)
_WORD = r"[^\s,]+"
_WHAT = rf"\d+ applications|{_WORD}(?: and {_WORD})?"
_LEG = rf"from {_WORD}(?: over {_WORD})* to {_WORD}"
_TITLE = re.compile(
    rf"(?:Promote (?P<promoted>{_WHAT}) (?P<way>{_LEG}(?:, {_LEG})*)"
    rf"|Roll (?P<undone>{_WHAT}) back in (?P<place>{_WORD}))(?: \([^()]*\d\))?"
)
"""What report.title says, with the number of the pull request that hosts put behind it."""
_MANY = re.compile(r"(\d{1,9}) applications")
_REVERT = re.compile(
    _START + r"This reverts commit (?P<commit>[0-9a-f]{7,64})"
    r"(?:,[ ]reversing\s+changes made to (?P<onto>[0-9a-f]{7,64}))?",
    re.MULTILINE,
)


def steps(message: str) -> list[Step]:
    """Return the steps that a commit's message, or a pull request's text, tells of.

    What is quoted, or indented as code is, counts at the end alone: before other text, that is about it.
    """
    found = []
    text = message.replace("\r", "")
    for match in _TRAILER.finditer(text):
        if match["aside"] and (_REVERT.search(text) or _TRAILER.sub("", text[match.end() :]).strip(" \t\n>*-")):
            continue
        origin = match["origin"] or ""
        if match["undone"]:
            found.append(Step(Kind.ROLLBACK, match["undone"], "", match["place"], origin))
        else:
            found.append(Step(Kind.PROMOTION, match["application"], match["source"], match["target"], origin))
    return list(dict.fromkeys(found))


def of_title(title: str, changed: Collection[tuple[str, str]]) -> list[Step]:
    """Return the steps that a commit's title alone tells of, where `changed` bears it out; from where is not known.

    `changed` are the deployments that the commit changed: environment and application.
    """
    match = _TITLE.fullmatch(title)
    if not match:
        return []
    what = match["promoted"] or match["undone"]
    legs = [(Kind.ROLLBACK, "", match["place"])] if match["place"] else []
    for leg in match["way"].split(", ") if match["way"] else ():
        stops = re.split(" (?:from|over|to) ", f" {leg}")[1:]
        legs += [(Kind.PROMOTION, *ends) for ends in pairwise(stops)]
    found = [
        Step(kind, application, source, target)
        for kind, source, target in legs
        for environment, application in sorted(changed)
        if environment == target
    ]
    if many := _MANY.fullmatch(what):
        return found if len({each.application for each in found}) == int(many[1]) else []
    named = what.split(" and ")
    return [each for each in found if each.application in named]


def records(root: Path, revision: str = "HEAD") -> list[Record]:
    """Return what was promoted and rolled back in the history of a revision, the newest first.

    `revision` may be a range, such as `1a2b3c..HEAD`. What a merge tells of a commit that it merges counts once. What a
    commit reverted is among them, and says so, unless that commit was reverted itself.
    """
    listed = git.run(
        root,
        *("log", "-z", "--date-order", "--encoding=UTF-8"),
        *("--extended-regexp", "--grep=Argosy-(Promotion|Rollback):", "--grep=This reverts commit [0-9a-f]{7}"),
        *("--grep=^Promote .+ from .+ to ", "--grep=^Roll .+ back in "),
        "--format=%H%n%P%n%aI%n%aN <%aE>%n%B",
        *("--end-of-options", revision, "--"),
    )
    entries = [_Entry(*entry.lstrip("\n").split("\n", 4)) for entry in listed.split("\0") if entry.strip()]
    told = {entry.commit: steps(entry.message) for entry in entries}
    titled = _of_titles(root, [entry for entry in entries if not told[entry.commit]])
    told |= titled
    found = [(entry, step) for entry in entries for step in reversed(told[entry.commit])]
    merged = _merged(root, revision, found)
    reverted = _reverted(root, entries)
    return [
        Record(
            step,
            entry.commit,
            parent=entry.parents.split(" ")[0],
            when=datetime.fromisoformat(entry.when),
            who=entry.who,
            subject=entry.message.partition("\n")[0],
            reverted=reverted.get(entry.commit, ""),
            by_title=entry.commit in titled,
        )
        for entry, step in found
        if (entry.commit, step) not in merged
    ]


class _Entry(NamedTuple):
    """A commit, as git tells it."""

    commit: str
    parents: str
    when: str
    who: str
    message: str


def _of_titles(root: Path, entries: Sequence[_Entry]) -> Mapping[str, list[Step]]:
    """Return what commits tell by their titles alone: a host that squashes a pull request may drop the rest."""
    titles = {}
    for entry in entries:
        first, _, rest = entry.message.replace("\r", "").partition("\n")
        title = rest.strip().partition("\n")[0] if first.startswith("Merged in ") else first  # Bitbucket's.
        if " " not in entry.parents and _TITLE.fullmatch(title) and not _REVERT.search(entry.message):
            titles[entry.commit] = title
    changed = deployments(root, titles)
    return {commit: of_title(title, changed[commit]) for commit, title in titles.items()}


def deployments(root: Path, commits: Collection[str]) -> Mapping[str, Collection[tuple[str, str]]]:
    """Return which deployments each commit changed: environment and application."""
    if not commits:
        return {}
    listed = git.run(
        root,
        *("log", "-z", "--no-walk", "--root", "--no-renames", "--name-only"),
        *("--format=%x01%H", "--stdin"),
        stdin="".join(f"{each}\n" for each in commits).encode(),
    )
    changed: dict[str, set[tuple[str, str]]] = {each: set() for each in commits}
    commit = ""
    for part in listed.split("\0"):
        path = part.strip("\n")
        if path.startswith("\x01"):
            commit = path[1:]
        elif (environment := layout.environment_of(path)) and (application := layout.application_of(path)):
            changed[commit].add((environment, application))
    return changed


def _reverted(root: Path, entries: Sequence[_Entry]) -> Mapping[str, str]:
    """Return the commits that were reverted, each with the one that did it; `entries` are the newest first."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.commit not in found:  # Else it does nothing any more.
            for commit in _undone(root, entry, entries):
                found.setdefault(commit, entry.commit)
    return found


def _undone(root: Path, reverting: _Entry, entries: Sequence[_Entry]) -> Iterator[str]:
    """Yield the commits that one reverts: with a merge, all that came with it."""
    for match in _REVERT.finditer(reverting.message.replace("\r", "")):
        named = [each for each in entries if each.commit.startswith(match["commit"])]
        onto = match["onto"] or next((f"{each.commit}^1" for each in named if " " in each.parents), "")
        yield from (each.commit for each in named)
        if onto:
            merged = ("rev-list", match["commit"], f"^{onto}", "--")
            yield from git.run(root, *merged, accepted=(0, 128)).split()


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
