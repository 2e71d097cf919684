"""Read CODEOWNERS: who is to review a change of which files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pathspec import GitIgnoreSpec

_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?:\s+(?P<owners>.*))?")
"""GitLab's `[Name]`, `^[Name]`, `[Name][2] @default`."""
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    owners: tuple[str, ...]
    excludes: bool
    spec: GitIgnoreSpec

    def matches(self, path: str) -> bool:
        """Return whether the rule is about a path; unlike in .gitignore, `docs/*` is about the files in docs alone."""
        if not self.spec.match_file(path):
            return False
        shallow = self.pattern.endswith("/*") and not self.pattern.endswith("**/*")
        return not (shallow and self.spec.match_file(path.rpartition("/")[0]))


@dataclass(slots=True)
class _Section:
    owners: tuple[str, ...] = ()
    rules: list[_Rule] = field(default_factory=list)

    def owners_of(self, path: str) -> tuple[str, ...]:
        """Return whom the last rule about a path names; no one for a path that GitLab's `!pattern` excludes."""
        matching = [rule for rule in self.rules if rule.matches(path)]
        if not matching or any(rule.excludes for rule in matching):
            return ()
        return matching[-1].owners


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Return who owns any of the paths, as `@user`, `@org/team` or an e-mail address, in the order of the paths.

    As on GitHub, GitLab and Bitbucket: the last rule that matches a path counts, on GitLab in each section.
    https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
    https://docs.gitlab.com/user/project/codeowners/reference/
    """
    sections = list(_sections(text))
    found = (owner for path in paths for section in sections for owner in section.owners_of(path))
    return tuple(dict.fromkeys(found))


def _sections(text: str) -> Iterable[_Section]:
    sections = {"": _Section()}
    current = sections[""]
    for line in map(str.strip, text.splitlines()):
        if heading := _SECTION.fullmatch(line):
            # Sections of one name are one section.
            current = sections.setdefault(heading["name"].strip().casefold(), _Section())
            current.owners = tuple(_owners(heading["owners"] or "")) or current.owners
        elif line and not line.startswith("#"):
            current.rules.append(_rule(line, current.owners))
    return sections.values()


def _rule(line: str, default: tuple[str, ...]) -> _Rule:
    excludes = line.startswith("!")
    first = _WORD.match(line.removeprefix("!"))
    pattern = first.group() if first else ""
    rest = line.removeprefix("!")[len(pattern) :]
    spec = GitIgnoreSpec.from_lines([pattern])
    return _Rule(pattern, tuple(_owners(rest)) or default, excludes, spec)


def _owners(text: str) -> Iterator[str]:
    for word in text.split():
        if word.startswith("#"):
            return
        if "@" in word:
            yield word
