"""The register of rules: one rule, one function, one id.

A rule is a generator function of one of three scopes, which looks at one thing and yields a `Problem` for each thing
that is wrong with it:

- `document`: `def rule(document: Document, repository: View) -> Iterator[Problem]`, for each manifest, written or
  rendered;
- `application`: `def rule(application: ArgoApplication, repository: View) -> Iterator[Problem]`, for each Argo CD
  Application, written, made by an ApplicationSet or rendered by another Application;
- `repository`:  `def rule(repository: View) -> Iterator[Problem]`, once.

Findings that the pipeline itself makes (a file that cannot be parsed, a schema's errors, a failed render) have rules
too, registered with `declare`, so that every finding's id can be listed, explained and suppressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from argosy.findings import Problem, Severity

if TYPE_CHECKING:
    pass


class Scope(StrEnum):
    """What a rule is called with."""

    DOCUMENT = "document"
    APPLICATION = "application"
    REPOSITORY = "repository"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, what it means, and a tiny wrong repository and a right one.

    An example is a text of files, each introduced by a line `# file: PATH`; without such a line it is one file
    `manifest.yaml`. A line `# link: PATH -> TARGET` stands for a symbolic link, and `# git: BRANCH` says that the
    repository is under Git, on that branch; `# branch: BRANCH without PATH` that another one lacks a path, and
    `# gone: PATH` that this one does; `# edited: PATH OLD NEW` that its last commit changed a text. Tests run both
    examples of every rule; docs/rules.md shows them.
    """

    id: str
    severity: Severity
    scope: Scope
    summary: str
    explanation: str
    bad: str
    good: str
    check: Callable[..., Iterator[Problem]] | None = None
    instead_of: str = ""
    """The rule that says the same of a field, and less of it: where this one has a finding, the other one has none."""
    asks_cluster: bool = False
    """Whether only a cluster can say so: the examples say nothing by themselves."""


RULES: dict[str, Rule] = {}
"""All rules by id, filled by importing the modules that hold them: see `argosy.rules.catalogue`."""


def known(id: str) -> Rule | None:
    """Return the rule of an id, None if there is none; a policy of the repository's own has that of all of them."""
    family, slash, _ = id.partition("/")
    rule = RULES.get(family)
    return replace(rule, id=id) if slash and rule and family == POLICY else RULES.get(id)


POLICY = "policy"
"""The rule of the repository's own policies, each of which has an id of its own: policy/NAME."""


def declare(
    id: str,
    severity: Severity,
    summary: str,
    *,
    explanation: str,
    bad: str,
    good: str,
    instead_of: str = "",
    asks_cluster: bool = False,
) -> Rule:
    """Register a rule whose findings the pipeline makes, and return it."""
    return _register(
        Rule(id, severity, Scope.PIPELINE, summary, explanation, bad, good, None, instead_of, asks_cluster)
    )


def rule(
    id: str,
    severity: Severity,
    scope: Scope,
    summary: str,
    *,
    explanation: str,
    bad: str,
    good: str,
    instead_of: str = "",
) -> Callable[[Callable[..., Iterator[Problem]]], Callable[..., Iterator[Problem]]]:
    """Register the decorated function as a rule."""

    def decorate(check: Callable[..., Iterator[Problem]]) -> Callable[..., Iterator[Problem]]:
        _register(Rule(id, severity, scope, summary, explanation, bad, good, check, instead_of))
        return check

    return decorate


def _register(new: Rule) -> Rule:
    if new.id in RULES:
        raise ValueError(f"the rule {new.id} is declared twice")
    RULES[new.id] = new
    return new


def files_of(example: str) -> dict[str, str]:
    """Return an example's files: path -> text."""
    files: dict[str, list[str]] = {}
    path = "manifest.yaml"
    for line in example.strip("\n").splitlines(keepends=True):
        if line.startswith("# file: "):
            path = line.removeprefix("# file: ").strip()
            files[path] = []
        elif not line.startswith(("# link: ", "# git: ", "# branch: ", "# gone: ", "# edited: ")):
            files.setdefault(path, []).append(line)
    return {path: "".join(lines).rstrip("\n") + "\n" for path, lines in files.items()}
