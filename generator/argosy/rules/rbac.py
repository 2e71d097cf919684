"""Rules of who may do what in Argo CD: the ConfigMap argocd-rbac-cm."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from argosy.argocd.matching import glob_matches
from argosy.argocd.view import ACCESS, View, config_map_name
from argosy.documents import Document, Pointer
from argosy.documents.fields import mapping, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean, one_of
from argosy.rules.config_maps import entries, example
from argosy.rules.examples import PROJECT
from argosy.rules.registry import Scope, rule

_MANAGED = frozenset({"get", "create", "update", "delete"})
ACTIONS: Mapping[str, frozenset[str]] = {
    "accounts": frozenset({"get", "create", "update"}),
    "applications": _MANAGED | {"sync", "action", "override"},
    "applicationsets": _MANAGED,
    "certificates": _MANAGED,
    "clusters": _MANAGED,
    "exec": frozenset({"create"}),
    "extensions": frozenset({"invoke"}),
    "gpgkeys": frozenset({"get", "create", "delete"}),
    "logs": frozenset({"get"}),
    "projects": _MANAGED,
    "repositories": _MANAGED,
    "write-repositories": _MANAGED,
}
"""What can be done with each resource. Source: Argo CD's docs/operator-manual/rbac.md, util/rbac/rbac.go."""

_OF_PROJECTS = frozenset({"applications", "applicationsets", "logs", "exec"})
_FIELD = r'\s*(?:"(?:[^"]|"")*"|[^\s",][^",]*)?'
_CSV = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
"""Go's CSV, which unlike Python's refuses a quote where none begins or ends a field."""
_BUILTIN = frozenset({"role:admin", "role:readonly"})
_POLICY = example(ACCESS, "  policy.csv: |\n    {line}\n")


class _Line(NamedTuple):
    at: Pointer
    text: str
    fields: tuple[str, ...]
    fault: str
    hint: str
    by_regex: bool


def _lines(document: Document) -> Iterator[_Line]:
    """Yield each line of a policy. Source: loadPolicyLine in Argo CD's util/rbac/rbac.go."""
    by_regex = mapping(document.data.get("data")).get("policy.matchMode") == "regex"
    for at, key, value in entries(document, ACCESS):
        if key.startswith("policy.") and key.endswith(".csv"):
            for line in map(str.strip, value.splitlines()):
                if line and not line.startswith("#"):
                    yield _line(at, line, by_regex)


def _line(at: Pointer, line: str, by_regex: bool) -> _Line:
    try:
        fields = tuple(next(csv.reader([line], skipinitialspace=True)))
    except csv.Error as error:
        return _Line(at, line, (), f"cannot be read: {error}", "Shorten it.", by_regex)
    kind = fields[0]
    if not _CSV.fullmatch(line):
        fault, hint = "has a quote inside a field", 'Write "…" around the whole field, and "" for a quote in it.'
    elif kind not in {"p", "g"}:
        fault, hint = f"begins with “{kind}”", "Begin a policy with p, and a role assignment with g."
    elif len(fields) != (6 if kind == "p" else 3):
        form = "p, <role>, <resource>, <action>, <object>, <effect>" if kind == "p" else "g, <group or user>, <role>"
        fault, hint = f"has {len(fields)} fields", f"Write “{form}”."
    else:
        fault, hint = "", ""
    return _Line(at, line, fields, fault, hint, by_regex)


def _policy_fault(line: _Line) -> tuple[str, str] | None:
    """Return what is wrong with a line, and the next step."""
    if line.fault or line.fields[0] == "g":
        return (line.fault, line.hint) if line.fault else None
    _, _, resource, action, _, effect = line.fields
    if effect not in {"allow", "deny"}:
        return f"has the unknown effect “{effect}”", one_of(("allow", "deny"))
    resources = [each for each in ACTIONS if line.by_regex or glob_matches(resource, each)]
    if not resources:
        return f"has the unknown resource “{resource}”", did_you_mean(resource, ACTIONS) or one_of(ACTIONS)
    known = sorted(frozenset().union(*(ACTIONS[each] for each in resources)))
    # update/*, delete/*, action/apps/Deployment/restart: about what an Application holds.
    first, slash, _ = action.partition("/")
    within = slash and first in {"update", "delete", "action"}.intersection(known)
    if line.by_regex or within or any(glob_matches(action, each) for each in known):
        return None
    return f"has the action “{action}”, which “{resource}” does not support", one_of(known)


@rule(
    "rbac-policy-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A policy in argocd-rbac-cm is invalid, or refers to an unknown resource or action.",
    explanation="A policy has six fields, `p, <role>, <resource>, <action>, <object>, <allow or deny>`; `g, <group "
    "or user>, <role>` grants a role. If Argo CD cannot parse one line, it rejects the whole policy and keeps the "
    "previous one, or has none. It silently ignores an unknown resource, action or effect.",
    bad=_POLICY.format(line="p, role:developer, application, sync, dev/*, allow"),
    good=_POLICY.format(line="p, role:developer, applications, sync, dev/*, allow"),
)
def rbac_policy_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find lines of a policy that do nothing, or that spoil the others."""
    for line in _lines(document):
        if fault := _policy_fault(line):
            yield Problem(f"The policy “{line.text}” {fault[0]}.", line.at, fault[1])


@rule(
    "rbac-policy-unknown",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A policy refers to an AppProject or role that is not defined.",
    explanation="Argo CD does not report a policy for a project that does not exist, or a group with a role without "
    "permissions: users just lack the permission. Known are the AppProjects of this repository, `default`, the roles "
    "in all policies, and the built-in role:admin and role:readonly.",
    bad=PROJECT + "  sourceRepos: []\n" + _POLICY.format(line="p, role:developer, applications, sync, teem/*, allow"),
    good=PROJECT + "  sourceRepos: []\n" + _POLICY.format(line="p, role:developer, applications, sync, team/*, allow"),
)
def rbac_policy_unknown(repository: View) -> Iterator[Problem]:
    """Find policies about projects and roles that are not there."""
    found = [
        (document, line) for document in repository.config_maps(ACCESS) for line in _lines(document) if not line.fault
    ]
    projects = {"default", *repository.projects}
    roles = _BUILTIN | {line.fields[1] for _, line in found}
    for document, line in found:
        if line.fields[0] == "g":
            role = line.fields[2]
            if role.startswith("role:") and role not in roles:
                yield Problem(
                    f"“{line.text}” grants the role {role}, which has no permissions.",
                    line.at,
                    did_you_mean(role, roles) or f"Add a line “p, {role}, …”.",
                    document,
                )
            continue
        project, slash, _ = line.fields[4].partition("/")
        of_project = line.fields[2] in _OF_PROJECTS and slash
        if not of_project or line.by_regex or not repository.projects:
            continue
        if not any(glob_matches(project, each) for each in projects):
            yield Problem(
                f"“{line.text}” refers to the AppProject “{project}”, which does not exist in this repository.",
                line.at,
                did_you_mean(project, projects) or f"The projects are {', '.join(sorted(projects))}.",
                document,
            )


@rule(
    "rbac-default-open",
    Severity.WARNING,
    Scope.DOCUMENT,
    "Every user who can log in may change everything.",
    explanation="Every authenticated user has the permissions of `policy.default`, and a deny policy does not revoke "
    "them. With anonymous access, this applies to everyone. Use `policy.default: ''` or, to allow reading, "
    "`role:readonly`, and grant roles to groups.",
    bad=example(ACCESS, "  policy.default: role:admin\n"),
    good=example(ACCESS, "  policy.default: role:readonly\n"),
)
def rbac_default_open(document: Document, _repository: View) -> Iterator[Problem]:
    """Find default roles that may do everything."""
    default = (
        text(mapping(document.data.get("data")).get("policy.default")) if config_map_name(document) == ACCESS else ""
    )
    if not default:
        return
    lines = [line.fields for line in _lines(document) if not line.fault]
    may, known = {default}, 0
    while known < len(may):
        known = len(may)
        may |= {fields[2] for fields in lines if fields[0] == "g" and fields[1] in may}
    everything = any(
        fields[0] == "p"
        and fields[1] in may
        and fields[3] == "*"
        and fields[4] in {"*", "*/*"}
        and fields[5] == "allow"
        for fields in lines
    )
    if "role:admin" in may or everything:
        yield Problem(
            f"The default role {default} lets every user who can log in change everything.",
            ("data", "policy.default"),
            "Set policy.default: '' and grant the role to a group: g, <group>, " + default,
        )
