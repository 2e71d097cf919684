"""Rules of AppProjects as they are written: what Argo CD refuses in them, and what leaves them without effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

from argosy.argocd.matching import GO_DURATION, is_argocd
from argosy.argocd.view import View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.rules.examples import PROJECT
from argosy.rules.registry import Scope, rule

ROLE_NAME = re.compile(r"[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?")
POLICY_RESOURCES = ("applications", "applicationsets", "clusters", "exec", "logs", "repositories")
POLICY_ACTIONS = ("get", "create", "update", "delete", "sync", "override", "rollback", "*")

_LEAST = PROJECT + (
    "  sourceRepos: ['https://git.example.com/team/*']\n"
    "  destinations: [{server: https://kubernetes.default.svc, namespace: 'my-app-*'}]\n"
)
_WINDOW = "  syncWindows: [{kind: deny, schedule: '%s', duration: 2h, applications: ['*'], timeZone: Europe/Vienna}]\n"
_POLICIES = "  roles:\n    - name: deploy\n      policies: ['p, proj:team:deploy, applications, sync, %s, allow']\n"


def _entries(document: Document, *names: str) -> Iterator[tuple[Pointer, JSON]]:
    """Yield each entry of the lists of those names in an AppProject's spec, with its place."""
    for name in names if is_argocd(document, "AppProject") else ():
        for index, entry in enumerate(sequence(field(document.data, "spec", name))):
            yield ("spec", name, index), entry


@rule(
    "project-duplicate",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An AppProject lists something twice, or denies everything.",
    explanation="Argo CD refuses an AppProject that lists a source repository, a source namespace or a destination "
    "twice, and the pattern `!*`, which would deny all. Every Application of the project then stops with "
    "an error.",
    bad=PROJECT + "  sourceRepos: ['https://git.example.com/team/*', 'https://git.example.com/team/*']\n",
    good=_LEAST,
)
def project_duplicate(document: Document, _repository: View) -> Iterator[Problem]:
    """Find entries of AppProjects that stand twice or deny all."""
    seen: set[tuple[str, ...]] = set()
    for at, entry in _entries(document, "sourceRepos", "sourceNamespaces", "destinations"):
        what = {"sourceRepos": "source repository", "sourceNamespaces": "source namespace"}.get(
            str(at[1]), "destination"
        )
        target = mapping(entry)
        server_or_name = text(target.get("server")) or text(target.get("name"))
        values = (server_or_name, text(target.get("namespace"))) if target else (text(entry),)
        denied = [*target.values()] if target else [entry] if what == "source repository" else []
        if "!*" in denied:
            yield Problem(
                f"The {what} “!*” denies everything, and Argo CD refuses it.",
                at,
                "Remove it: what no entry allows is denied.",
            )
        if (str(at[1]), *values) in seen:
            yield Problem(f"The {what} “{' / '.join(values)}” is listed twice.", at, "Remove one of the two.")
        elif any(values):
            seen.add((str(at[1]), *values))


@rule(
    "project-role-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A role of an AppProject has a name, policy or group that Argo CD refuses.",
    explanation="A role's name consists of letters, digits, `-` and `_`. A policy is a line of six fields, `p, "
    "proj:<project>:<role>, <resource>, <action>, <project>/<object>, <allow or deny>`: a role acts for "
    "itself, and on its own project alone. One that is wrong makes Argo CD refuse the whole AppProject.",
    bad=_LEAST + _POLICIES % "other/*",
    good=_LEAST + _POLICIES % "team/*",
)
def project_role_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find names, policies and groups of roles that are of the wrong form, and those that stand twice."""
    project = text(field(document.data, "metadata", "name"))
    names: list[str] = []
    for at, entry in _entries(document, "roles"):
        role = mapping(entry)
        name = text(role.get("name"))
        if name and not ROLE_NAME.fullmatch(name):
            hint = "Use letters, digits, - and _ and begin and end with a letter or a digit."
            yield Problem(f"“{name}” cannot be a role's name.", (*at, "name"), hint)
        if name and name in names:
            yield Problem(f"Two roles are named “{name}”.", (*at, "name"), "Merge them, or rename one.")
        names.append(name)
        for key, checked in (
            ("policies", lambda each, name=name: _policy_fault(each, project, name)),
            ("groups", _group_fault),
        ):
            listed = [text(each) for each in sequence(role.get(key))]
            for index, value in enumerate(listed):
                if value in listed[:index]:
                    yield Problem(
                        f"“{value}” stands twice in the role “{name}”.", (*at, key, index), "Remove one of the two."
                    )
                elif fault := checked(value):
                    yield Problem(fault[0], (*at, key, index), fault[1])


def _policy_fault(policy: str, project: str, role: str) -> tuple[str, str] | None:
    """Return what is wrong with a role's policy, and the next step. Source: validatePolicy in Argo CD's types.go."""
    own = f"proj:{project}:{role}"
    parts = [part.strip(" ") for part in policy.split(",")]
    if len(parts) != 6 or parts[0] != "p":
        hint = f"Write “p, {own}, applications, get, {project}/*, allow”."
        return f"The policy “{policy}” has not the six fields of a policy.", hint
    _, subject, resource, action, target, effect = parts
    known_action = action in POLICY_ACTIONS or re.search("(action|update|delete)/", action)
    inside = re.fullmatch(rf"{re.escape(project)}(/[*\w.-]+)?/[*\w.-]+", target, re.ASCII)
    faults = (
        (subject != own, f"is about “{subject}”, but a role's policies are about itself", f"Write {own}."),
        (resource not in POLICY_RESOURCES, f"names no resource, but “{resource}”", _one_of(POLICY_RESOURCES)),
        (not known_action, f"names no action, but “{action}”", _one_of((*POLICY_ACTIONS, "action/<name>"))),
        (
            not inside,
            f"reaches for “{target}”, outside the project",
            f"Write {project}/* or {project}/<name>.",
        ),
        (effect not in {"allow", "deny"}, f"ends with “{effect}”", _one_of(("allow", "deny"))),
    )
    return next(((f"The policy “{policy}” {fault}.", hint) for wrong, fault, hint in faults if wrong), None)


def _one_of(values: Iterable[str]) -> str:
    return f"Use one of {', '.join(values)}."


def _group_fault(group: str) -> tuple[str, str] | None:
    bare = group.strip()
    quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
    inner = bare[1:-1] if quoted else bare
    if not inner or re.search(r'["\n\r\t]', inner) or bare != group:
        return (
            f"“{group}” cannot be a group's name.",
            "Write it without surrounding spaces, quotes, tabs and line breaks.",
        )
    if "," in inner and not quoted:
        return f"The group “{group}” has a comma, so it has to be quoted.", f"Write '\"{group}\"'."
    return None


class _CronField(NamedTuple):
    name: str
    lowest: int
    highest: int
    words: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = (
    _CronField("minute", 0, 59),
    _CronField("hour", 0, 23),
    _CronField("day of the month", 1, 31),
    _CronField("month", 1, 12, _MONTHS),
    _CronField("day of the week", 0, 6, _DAYS),
)


def cron_fault(schedule: str) -> str:
    """Return what is wrong with a cron schedule, empty where nothing is.

    It has five fields, as github.com/robfig/cron reads them: Sunday is 0 and not 7, and there is no `@daily`.
    """
    parts = re.sub(r"^(CRON_)?TZ=\S*\s+", "", schedule).split()
    if len(parts) != len(_CRON):
        return f"it has {len(parts)} fields instead of 5 (minute, hour, day of the month, month, day of the week)"
    for part, about in zip(parts, _CRON, strict=True):
        if fault := next(filter(None, (_cron_range_fault(each, about) for each in part.split(","))), ""):
            return f"{fault} (the {about.name} is {about.lowest} to {about.highest})"
    return ""


def _cron_range_fault(written: str, about: _CronField) -> str:
    span, slash, step = written.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return f"“{step}” is no step"
    if span in {"*", "?"}:
        return ""
    bounds = [_cron_number(each, about) for each in span.split("-")]
    if len(bounds) > 2:
        return f"“{span}” is no range"
    if any(bound is None or not about.lowest <= bound <= about.highest for bound in bounds):
        return f"“{span}” is out of range"
    first, last = bounds[0], bounds[-1]
    return f"“{span}” ends before it begins" if first is not None and last is not None and first > last else ""


def _cron_number(written: str, about: _CronField) -> int | None:
    word = written.lower()
    if word in about.words:
        return about.words.index(word) + about.lowest
    return int(word) if word.isdecimal() and word.isascii() else None


@rule(
    "sync-window-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A sync window that Argo CD refuses, or that opens at another time than it says.",
    explanation="A window needs a kind (`allow` or `deny`), a cron schedule of five fields, a Go duration and "
    "something that it applies to: applications, namespaces or clusters. Argo CD refuses the AppProject "
    "otherwise. A time zone that it does not know is worse: the window silently opens in UTC.",
    bad=_LEAST + _WINDOW % "0 22 * * 7",
    good=_LEAST + _WINDOW % "0 22 * * 0",
)
def sync_window_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find sync windows that never open, or not when they should."""
    seen: list[list[JSON]] = []
    for at, entry in _entries(document, "syncWindows"):
        window = mapping(entry)
        identity = [window.get(each) for each in _WINDOW_IDENTITY]
        if identity in seen:
            yield Problem("The sync window stands twice.", at, "Remove one of the two.")
        seen.append(identity)
        yield from (Problem(message, (*at, name), hint) for name, message, hint in _window_faults(window))
        if not any(sequence(window.get(each)) for each in ("applications", "namespaces", "clusters")):
            yield Problem(
                "The sync window applies to nothing.",
                at,
                "Add applications, namespaces or clusters, such as `applications: ['*']`.",
            )


_WINDOW_IDENTITY = (
    *("kind", "schedule", "duration", "applications", "namespaces", "clusters", "timeZone", "andOperator"),
)


def _window_faults(window: Mapping[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Yield the field, what is wrong with it, and the next step."""
    kind, schedule, duration, zone = (text(window.get(each)) for each in ("kind", "schedule", "duration", "timeZone"))
    if kind not in {"allow", "deny"}:
        yield "kind", f"The sync window's kind is “{kind}”.", "Write allow or deny."
    if fault := cron_fault(schedule):
        yield (
            "schedule",
            f"The schedule “{schedule}” cannot be read: {fault}.",
            "Write it as in '0 22 * * 1-5'; Sunday is 0.",
        )
    if not GO_DURATION.fullmatch(duration):
        yield (
            "duration",
            f"The duration “{duration}” is no Go duration.",
            "Write numbers with units, such as 8h or 1h30m.",
        )
    if zone and _time_zones() and zone not in _time_zones():
        yield (
            "timeZone",
            f"The time zone “{zone}” is unknown, so the window opens in UTC.",
            "Write one such as Europe/Vienna.",
        )


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    """Return the known time zones; empty on a system that has no database of them."""
    known = frozenset(available_timezones())
    return known and known | {"UTC", "Local"}


@rule(
    "project-permits-everything",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An AppProject permits everything, so it protects nothing.",
    explanation="An AppProject is the border that an Application cannot cross: which repositories it is read from, "
    "where it is deployed to, and which kinds it may hold. With `*` for the repositories and for the "
    "destinations or the cluster's kinds, whoever can write an Application owns every cluster that Argo "
    "CD reaches.",
    bad=PROJECT + "  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]\n",
    good=_LEAST,
)
def project_permits_everything(document: Document, _repository: View) -> Iterator[Problem]:
    """Find AppProjects that are no border."""
    everywhere = next((at for at, repository in _entries(document, "sourceRepos") if repository == "*"), None)
    destinations = [mapping(entry) for _, entry in _entries(document, "destinations")]
    kinds = [mapping(entry) for _, entry in _entries(document, "clusterResourceWhitelist")]
    permitted = []
    if any("*" in (each.get("server"), each.get("name")) and each.get("namespace") == "*" for each in destinations):
        permitted.append("every namespace of every cluster")
    if any(each.get("group") == each.get("kind") == "*" and each.get("name") in ("*", "", None) for each in kinds):
        permitted.append("every cluster-wide kind")
    if everywhere and permitted:
        yield Problem(
            f"The project permits every repository and {' and '.join(permitted)}.",
            everywhere,
            "Name the repositories, and the namespaces and kinds that the project's Applications need.",
        )
