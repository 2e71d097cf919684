"""What the page shows, as data: one tree of values, which becomes JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from argosy.terminal import printable, without_logins


@dataclass(frozen=True, slots=True)
class Environment:
    """A column of the matrix."""

    name: str
    source: str = ""
    """The environment that it is promoted from."""
    revision: str = ""
    """What is read of it: a branch, or what is checked out."""
    commit: str = ""
    note: str = ""
    elsewhere: bool = False
    """Whether Applications alone name it, in a repository that lists its environments."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said of a deployment besides its version, and what that means to a person."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """An application in an environment."""

    environment: str
    version: str = ""
    remarks: Sequence[Remark] = ()
    states: Sequence[str] = ()
    """Which of the filters it falls under: behind, set by hand, undecided, unknown, out of sync, unhealthy."""
    facts: Sequence[str] = ()
    """Images, the chart, the last promotion, what Argo CD complains of."""


@dataclass(frozen=True, slots=True)
class Row:
    """An application."""

    name: str
    cells: Sequence[Cell] = ()
    chunk: int = 0
    """Where its details are."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What an Application applies."""

    kind: str
    name: str
    namespace: str = ""
    phase: str = "Sync"
    wave: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """An Application of Argo CD, and what it renders to."""

    name: str
    environment: str = ""
    cluster: str = ""
    namespace: str = ""
    project: str = ""
    sources: Sequence[str] = ()
    problems: Sequence[str] = ()
    """Why what it renders to is not all known."""
    resources: Sequence[Resource] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A setting that is not the same in two environments."""

    name: str
    source: str
    target: str
    expected: bool = False
    """Whether promotion takes it for the environment's own."""
    verdict: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between an environment and the one that it is promoted from."""

    source: str
    target: str
    keys: Sequence[Key] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A promotion or a rollback."""

    when: str
    what: str
    source: str
    target: str
    version: str
    who: str
    commit: str
    undone: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What there is to say of one application."""

    name: str
    applied: Sequence[Applied] = ()
    differences: Sequence[Difference] = ()
    history: Sequence[Event] = ()
    history_note: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding shows besides."""

    path: str
    line: int = 0
    application: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What validation found."""

    rule: str
    severity: str
    message: str
    path: str
    line: int = 0
    hint: str = ""
    application: str = ""
    environment: str = ""
    resource: str = ""
    also: Sequence[Place] = ()
    known: bool = False
    """Whether the baseline has it, so that it counts for nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is about."""

    id: str
    severity: str
    summary: str
    explanation: str
    bad: str
    good: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents were judged, and to what end."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unreached: int = 0
    renders: int = 0
    title: str = ""
    """Of which part of the repository it is; empty for all of it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not judged, and why."""

    reason: str
    paths: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and what goes to it."""

    name: str
    server: str = ""
    labels: Sequence[str] = ()
    path: str = ""
    """Where it is declared; empty where nothing declares it."""
    applications: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """Who may do what in a project."""

    name: str
    description: str = ""
    groups: Sequence[str] = ()
    policies: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """An AppProject: what it permits, and to whom."""

    name: str
    path: str
    description: str = ""
    sources: Sequence[str] = ()
    destinations: Sequence[str] = ()
    cluster_kinds: Sequence[str] = ()
    kinds: Sequence[str] = ()
    denied: Sequence[str] = ()
    windows: Sequence[str] = ()
    roles: Sequence[Role] = ()
    applications: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the tree from the roots to the resources."""

    kind: str
    name: str
    where: str = ""
    path: str = ""
    application: str = ""
    reason: str = ""
    wave: int = 0
    repeated: bool = False
    children: Sequence[Node] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree, and what nothing leads to."""

    roots: Sequence[Node] = ()
    unreached: Sequence[Skipped] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows at first; details of applications and the tree come when they are asked for."""

    title: str
    version: str
    """argosy's own."""
    made: str = ""
    """When it was made, in ISO 8601."""
    branch: str = ""
    commit: str = ""
    has_health: bool = False
    notes: Sequence[str] = ()
    summary: str = ""
    environments: Sequence[Environment] = ()
    rows: Sequence[Row] = ()
    count: Count = field(default_factory=Count)
    findings: Sequence[Finding] = ()
    rules: Sequence[Rule] = ()
    skipped: Sequence[Skipped] = ()
    clusters: Sequence[Cluster] = ()
    projects: Sequence[Project] = ()
    access: Sequence[str] = ()
    """The lines of argocd-rbac-cm."""


@dataclass(frozen=True, slots=True)
class Everything:
    """A page with all of its parts."""

    page: Page
    details: Sequence[Details]
    tree: Tree
    pictures: Mapping[str, str]
    """SVG by title."""


def plain(value: Any) -> Any:
    """Return a value as JSON has it; fields that hold what they hold by default are left out.

    Other people's text is shown, and never obeyed: what is not seen, or turns the direction of text, is written out.
    URLs name no user.
    """
    if is_dataclass(value) and not isinstance(value, type):
        held = [(each, getattr(value, each.name)) for each in fields(value)]
        shown = {each.name: plain(this) for each, this in held if this != each.default}
        return {name: this for name, this in shown.items() if this not in ([], {})}
    if isinstance(value, str):
        return printable(without_logins(value) if "@" in value else value)
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    return value
