"""Rules of AppProjects: what Argo CD refuses in them, what they deny, and what they permit beyond need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple
from zoneinfo import available_timezones

from argosy.argocd.inventory import everything
from argosy.argocd.matching import (
    GO_DURATION,
    IN_CLUSTER_SERVER,
    MADE_BY,
    applied,
    cluster,
    glob_matches,
    is_argocd,
    is_cluster_scoped,
    namespace_of,
    sync_options,
)
from argosy.argocd.projects import (
    destination_permitted,
    kind_permitted,
    project_name,
    source_permitted,
    source_urls,
    virtual_spec,
)
from argosy.argocd.sources import normalise
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, group_and_kind, integer, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.names import one_of
from argosy.repository import layout
from argosy.repository.model import BASELINE, Kind
from argosy.rules.examples import DEPLOYED, PROJECT
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
_MODES = ("head", "strict", "none")
_SIGNED = (
    "  sourceIntegrity:\n    git:\n      policies:\n        - repos: [{url: '*'}]\n"
    "          gpg: {mode: %s, keys: [0123456789ABCDEF]}\n"
)


def _entries(document: Document, *names: str) -> Iterator[tuple[Pointer, JSON]]:
    """Yield each entry of the lists of those names in an AppProject's spec, with its place."""
    for name in names if is_argocd(document, "AppProject") else ():
        for index, entry in enumerate(sequence(field(document.data, "spec", name))):
            yield ("spec", name, index), entry


@rule(
    "project-duplicate",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An AppProject has a duplicate entry, or denies everything.",
    explanation="Argo CD rejects an AppProject with a duplicate source repository, source namespace or destination, "
    "and the pattern `!*`, which would deny everything. All Applications of the project then fail.",
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
                f"The {what} “!*” denies everything. Argo CD rejects it.",
                at,
                "Remove it: everything without an entry is denied.",
            )
        if (str(at[1]), *values) in seen:
            yield Problem(f"The {what} “{' / '.join(values)}” is listed twice.", at, "Remove one of the two.")
        elif any(values):
            seen.add((str(at[1]), *values))


@rule(
    "project-role-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A role of an AppProject has an invalid name, policy or group.",
    explanation="A role's name consists of letters, digits, `-` and `_`. A policy has six fields, `p, "
    "proj:<project>:<role>, <resource>, <action>, <project>/<object>, <allow or deny>`: its subject is the role "
    "itself, and its object is in the role's own project. If one is invalid, Argo CD rejects the whole AppProject.",
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
            yield Problem(f"“{name}” is not a valid name of a role.", (*at, "name"), hint)
        if name and name in names:
            yield Problem(f"Two roles are named “{name}”.", (*at, "name"), "Merge them, or rename one.")
        names.append(name)
        for listed, checked in (
            ("policies", lambda each, name=name: _policy_fault(each, project, name)),
            ("groups", _group_fault),
        ):
            values = [text(each) for each in sequence(role.get(listed))]
            for index, value in enumerate(values):
                if value in values[:index]:
                    yield Problem(
                        f"“{value}” is listed twice in the role “{name}”.",
                        (*at, listed, index),
                        "Remove one of the two.",
                    )
                elif fault := checked(value):
                    yield Problem(fault[0], (*at, listed, index), fault[1])


def _policy_fault(policy: str, project: str, role: str) -> tuple[str, str] | None:
    """Return what is wrong with a role's policy, and the next step. Source: validatePolicy in Argo CD's types.go."""
    own = f"proj:{project}:{role}"
    parts = [part.strip(" ") for part in policy.split(",")]
    if len(parts) != 6 or parts[0] != "p":
        hint = f"Write “p, {own}, applications, get, {project}/*, allow”."
        return f"The policy “{policy}” does not have six fields.", hint
    _, subject, resource, action, target, effect = parts
    known_action = action in POLICY_ACTIONS or re.search("(action|update|delete)/", action)
    inside = re.fullmatch(rf"{re.escape(project)}(/[*\w.-]+)?/[*\w.-]+", target, re.ASCII)
    faults = (
        (subject != own, f"has the subject “{subject}” instead of its own role", f"Write {own}."),
        (resource not in POLICY_RESOURCES, f"has the unknown resource “{resource}”", one_of(POLICY_RESOURCES)),
        (not known_action, f"has the unknown action “{action}”", one_of((*POLICY_ACTIONS, "action/<name>"))),
        (
            not inside,
            f"has the object “{target}” outside the project",
            f"Write {project}/* or {project}/<name>.",
        ),
        (effect not in {"allow", "deny"}, f"has the unknown effect “{effect}”", one_of(("allow", "deny"))),
    )
    return next(((f"The policy “{policy}” {fault}.", hint) for wrong, fault, hint in faults if wrong), None)


def _group_fault(group: str) -> tuple[str, str] | None:
    bare = group.strip()
    quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
    inner = bare[1:-1] if quoted else bare
    if not inner or re.search(r'["\n\r\t]', inner) or bare != group:
        return (
            f"“{group}” is not a valid name of a group.",
            "Write it without surrounding spaces, quotes, tabs and line breaks.",
        )
    if "," in inner and not quoted:
        return f"The group “{group}” contains a comma and must be quoted.", f"Write '\"{group}\"'."
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


_CRON_NUMBER = re.compile(r"[0-9]{1,9}")


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
    if slash and not ((integer(step) or 0) > 0):
        return f"“{step}” is not a step"
    if span in {"*", "?"}:
        return ""
    bounds = [_cron_number(each, about) for each in span.split("-")]
    if len(bounds) > 2:
        return f"“{span}” is not a range"
    if any(bound is None or not about.lowest <= bound <= about.highest for bound in bounds):
        return f"“{span}” is out of range"
    first, last = bounds[0], bounds[-1]
    return f"“{span}” ends before it begins" if first is not None and last is not None and first > last else ""


def _cron_number(written: str, about: _CronField) -> int | None:
    word = written.lower()
    if word in about.words:
        return about.words.index(word) + about.lowest
    return integer(word)


@rule(
    "source-integrity-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An AppProject asks for signed commits in a way that no commit meets, or that does nothing.",
    explanation="From Argo CD 3.5 on, `sourceIntegrity` says which keys must have signed the commits of which "
    "repositories; `signatureKeys`, which older versions know, is deprecated and ignored beside it. `mode` is `head`, "
    "`strict` or `none`: with any other, and where two policies match a repository or no key is named, no commit of it "
    "is synced.",
    bad=_LEAST + _SIGNED % "first",
    good=_LEAST + _SIGNED % "head",
)
def source_integrity_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find policies that let nothing through, and keys that are ignored."""
    spec = mapping(field(document.data, "spec")) if is_argocd(document, "AppProject") else {}
    if sequence(spec.get("signatureKeys")) and field(spec, "sourceIntegrity", "git"):
        hint = "Remove them: from Argo CD 3.5 on, sourceIntegrity says all. Older versions do not know it."
        yield Problem("Beside sourceIntegrity, signatureKeys are ignored.", ("spec", "signatureKeys"), hint)
    seen: set[str] = set()
    for index, policy in enumerate(sequence(field(spec, "sourceIntegrity", "git", "policies"))):
        at = ("spec", "sourceIntegrity", "git", "policies", index)
        mode = text(field(policy, "gpg", "mode"))
        if mode and mode not in _MODES:
            yield Problem(f"“{mode}” is not a mode of verification.", (*at, "gpg", "mode"), one_of(_MODES))
        elif mode in _MODES[:2] and not sequence(field(policy, "gpg", "keys")):
            yield Problem("A policy without keys lets no commit through.", (*at, "gpg", "keys"), "Name the keys' ids.")
        urls = {text(field(each, "url")) for each in sequence(field(policy, "repos"))}
        for url in sorted(urls & seen):
            hint = "Only one policy may match a repository: exclude it from the other by `!` and its URL."
            yield Problem(f"Two policies match “{url}”, so none of its commits is synced.", (*at, "repos"), hint)
        seen |= {url for url in urls if not url.startswith("!")}


@rule(
    "sync-window-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A sync window is invalid, or uses an unknown time zone.",
    explanation="A window needs a kind (`allow` or `deny`), a cron schedule with five fields, a Go duration, and "
    "applications, namespaces or clusters. Otherwise Argo CD rejects the AppProject. With an unknown time zone, the "
    "window silently opens in UTC; one of no or a negative duration never opens, and one on a day that there is not, "
    "such as 30 February, is always open.",
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
            yield Problem("The sync window is listed twice.", at, "Remove one of the two.")
        seen.append(identity)
        yield from (Problem(message, (*at, name), hint) for name, message, hint in _window_faults(window))
        if not any(sequence(window.get(each)) for each in ("applications", "namespaces", "clusters")):
            yield Problem(
                "The sync window has no applications, namespaces or clusters.",
                at,
                "Add one of them, such as `applications: ['*']`.",
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
            f"The schedule “{schedule}” is invalid: {fault}.",
            "Write a cron schedule such as '0 22 * * 1-5'; Sunday is 0.",
        )
    seconds = _seconds(duration)
    if seconds is None:
        yield (
            "duration",
            f"The duration “{duration}” is not a Go duration.",
            "Write numbers with units, such as 8h or 1h30m.",
        )
    elif seconds <= 0:
        message = f"The sync window lasts {duration}, so it never opens."
        yield "duration", message, "Write how long it is open, such as 8h or 1h30m."
    if not fault and (impossible := _impossible(schedule)):
        message = f"{impossible}, which Argo CD takes for a window that is always open."
        yield "schedule", message, "Choose a day that there is."
    if len(text(window.get("description")).encode()) > LONGEST_DESCRIPTION:
        message = f"The description has more than {LONGEST_DESCRIPTION} bytes, so Argo CD refuses the AppProject."
        yield "description", message, "Shorten it."
    if zone and _time_zones() and zone not in _time_zones():
        yield (
            "timeZone",
            f"The time zone “{zone}” is unknown, so the window opens in UTC.",
            "Write one such as Europe/Vienna.",
        )


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_LONGEST_DURATION = 2**63 / 1e9
"""Seconds: Go counts nanoseconds in 64 bits."""
LONGEST_DESCRIPTION = 255


def _seconds(duration: str) -> float | None:
    """Return how long a Go duration is, None for what is none."""
    if not GO_DURATION.fullmatch(duration):
        return None
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", duration)
    found = sum(float(number) * _UNITS[unit] for number, unit in parts) * (-1 if duration.startswith("-") else 1)
    return found if abs(found) < _LONGEST_DURATION else None


def _impossible(schedule: str) -> str:
    """Return that a valid schedule names no day that there is, such as 31 February; or nothing."""
    _, _, days, months, weekdays = re.sub(r"^(CRON_)?TZ=\S*\s+", "", schedule).split()
    if weekdays not in {"*", "?"}:
        return ""  # Days of the week count as well.
    lengths = [_MONTH_LENGTHS[each - 1] for each in _cron_values(months, _CRON[3])]
    first = min(_cron_values(days, _CRON[2]))
    return f"There is no day {first} in the months of “{schedule}”" if first > max(lengths) else ""


_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _cron_values(part: str, about: _CronField) -> Iterator[int]:
    """Yield the numbers that a field of a valid schedule means."""
    for each in part.split(","):
        span, slash, step = each.partition("/")
        bounds = [_cron_number(bound, about) for bound in span.split("-")]
        first = about.lowest if bounds[0] is None else bounds[0]
        last = bounds[-1] if bounds[0] is not None and (len(bounds) > 1 or not slash) else about.highest
        yield from range(first, (last or about.highest) + 1, (integer(step) or 1) if slash else 1)


@cache
def _time_zones() -> frozenset[str]:
    """Return the known time zones; empty on a system that has no database of them."""
    known = frozenset(available_timezones())
    return known and known | {"UTC", "Local"}


@rule(
    "project-permits-everything",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An AppProject permits everything.",
    explanation="An AppProject limits which repositories its Applications read, where they deploy to, and which "
    "kinds they contain. With `*` for the repositories and for the destinations or cluster-scoped kinds, anyone who "
    "can write an Application controls every cluster that Argo CD manages.",
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
            "List the repositories, namespaces and kinds that the project's Applications need.",
        )


_TEAM = DEPLOYED.replace("project: default", "project: team")
_SOURCES = "  sourceRepos: ['https://git.example.com/team/*']\n"
_DESTINATIONS = "  destinations: [{server: https://kubernetes.default.svc, namespace: my-app}]\n"
_PERMITTED = PROJECT + _SOURCES + _DESTINATIONS + _TEAM
_CREATES = "  syncPolicy: {syncOptions: [CreateNamespace=true]}\n"


def _project(application: ArgoApplication, repository: View) -> Document | None:
    return repository.project_of(application, project_name(application))


def _spec(project: Document) -> Mapping[str, JSON]:
    return mapping(field(project.data, "spec"))


@rule(
    "project-unknown",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application belongs to an AppProject that does not exist.",
    explanation="Argo CD does not sync the Application and reports an InvalidSpecError. Only the project `default` "
    "exists without a manifest. It may be declared in another repository; in one of argosy's own layout, which "
    "declares all of its projects, it is an error.",
    bad=_TEAM,
    good=_PERMITTED,
)
def project_unknown(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find Applications of projects that are not declared."""
    name = project_name(application)
    if name != "default" and name not in repository.projects:
        known = ", ".join(sorted({"default", *repository.projects}))
        yield Problem(
            f"The AppProject “{name}” does not exist in this repository.",
            application.at("spec", "project"),
            f"Add it, or use one of {known}.",
            cause=name,
            severity=Severity.ERROR if repository.environments else None,
        )


@rule(
    "project-denies-source",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit the repository of a source.",
    explanation="`sourceRepos` are globs in which `*` does not match `/`: `https://host/*` does not match "
    "`https://host/team/repository`. URLs are compared in lower case and without `.git`; an entry that begins with "
    "`!` denies what it matches. Argo CD rejects the Application with an InvalidSpecError.",
    bad=(PROJECT + _SOURCES + _DESTINATIONS).replace("/team/*", "/*") + _TEAM,
    good=_PERMITTED,
)
def project_denies_source(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find sources whose repository the project does not permit."""
    project = _project(application, repository)
    if project is None:
        return
    patterns = [text(each) for each in sequence(virtual_spec(project, repository).get("sourceRepos"))]
    for at, url in source_urls(application):
        if not source_permitted(patterns, url):
            yield Problem(
                f"The AppProject “{project_name(application)}” does not permit the repository {url}.",
                application.at(*at, "repoURL"),
                f"Add it to sourceRepos in {project.path}, which permits {', '.join(patterns) or 'none'}.",
                cause=f"{project_name(application)} {url}",
            )


@rule(
    "project-denies-destination",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit an Application's destination, or the namespace of one of its resources.",
    explanation="A destination of an AppProject matches the cluster, by server or name, and the namespace. Both are "
    "globs; an entry that begins with `!` denies what it matches. Argo CD rejects the Application, and a sync fails "
    "on a resource with an explicit namespace that the project does not permit. With "
    "`permitOnlyProjectScopedClusters`, only clusters whose Secret names the project are permitted besides: not Argo "
    "CD's own, which has none.",
    bad=_PERMITTED.replace("metadata: {name: my-app}\n", "metadata: {name: my-app, namespace: kube-system}\n"),
    good=_PERMITTED,
)
def project_denies_destination(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find namespaces that the project does not permit, those of rendered resources included."""
    project = _project(application, repository)
    if project is None:
        return
    destinations = [mapping(each) for each in sequence(virtual_spec(project, repository).get("destinations"))]
    name, hint = project_name(application), f"Add it to destinations in {project.path}"
    server, cluster_name = cluster(application, repository)
    if (server or cluster_name) and (
        destination_permitted(destinations, server, cluster_name, namespace_of(application)) is False
    ):
        place = f"the namespace “{namespace_of(application)}” of {server or cluster_name}"
        yield Problem(
            f"The AppProject “{name}” does not permit {place}.",
            application.at("spec", "destination"),
            f"{hint}.",
            cause=f"{name} {place}",
        )
        return
    if mapping(field(project.data, "spec")).get("permitOnlyProjectScopedClusters") is True and (
        why := _not_scoped(name, server, cluster_name, repository)
    ):
        yield Problem(
            f"The AppProject “{name}” permits only clusters of its own, and {server or cluster_name} {why}.",
            application.at("spec", "destination"),
            f"Set `project: {name}` in the cluster's Secret, or remove permitOnlyProjectScopedClusters.",
            cause=f"{name} {server or cluster_name}",
        )
        return
    for namespace, resource in _own_namespaces(application, repository).items():
        if destination_permitted(destinations, server, cluster_name, namespace) is False:
            yield Problem(
                f"{resource} is in the namespace “{namespace}”, which the AppProject “{name}” does not permit.",
                application.at("spec", "project"),
                f"{hint}, or remove the resource's namespace to deploy it to “{namespace_of(application)}”.",
                cause=f"{name} {namespace} of {server or cluster_name}",
            )


def _not_scoped(project: str, server: str | None, name: str | None, repository: View) -> str:
    """Return why a cluster is not of a project's own, as far as Secrets of clusters here tell; or nothing."""
    known = [
        each
        for each in repository.clusters.secrets
        if each.server is None or each.name is None or each.server.rstrip("/") == server or each.name == name
    ]
    if any(each.project == project or each.server is None or each.name is None for each in known):
        return ""
    if known:
        return f"belongs to {'the project ' + known[0].project if known[0].project else 'no project'}"
    return "has no Secret, so it belongs to no project" if server == IN_CLUSTER_SERVER else ""


def _own_namespaces(application: ArgoApplication, repository: View) -> Mapping[str, str]:
    """Return the namespaces that rendered resources name themselves, each with the first such resource."""
    found: dict[str, str] = {}
    for document in applied(application, repository):
        namespace = text(field(document.data, "metadata", "namespace"))
        if namespace and namespace != namespace_of(application) and not is_cluster_scoped(document.data, repository):
            found.setdefault(namespace, _resource(document))
    return found


def _resource(document: Document) -> str:
    kind, name = group_and_kind(document.data)[1], text(field(document.data, "metadata", "name"))
    return f"{kind}/{name} ({document.path})"


@rule(
    "project-denies-kind",
    Severity.ERROR,
    Scope.APPLICATION,
    "An AppProject does not permit a kind that an Application deploys.",
    explanation="A cluster-scoped kind must be in `clusterResourceWhitelist`; if that is missing or empty, all are "
    "denied. Namespaced kinds are permitted unless there is a `namespaceResourceWhitelist`; `[]` denies all. "
    "Blacklists take precedence. The sync option `CreateNamespace=true` requires the kind Namespace (argo-cd issue "
    "22869). The sync fails on a kind that is not permitted.",
    bad=_PERMITTED + _CREATES,
    good=PROJECT
    + _SOURCES
    + _DESTINATIONS
    + "  clusterResourceWhitelist: [{group: '', kind: Namespace}]\n"
    + _TEAM
    + _CREATES,
)
def project_denies_kind(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find rendered kinds that the project does not permit."""
    project = _project(application, repository)
    if project is None:
        return
    spec = virtual_spec(project, repository)
    denied: dict[tuple[str, str, bool], str] = {}
    for document in applied(application, repository):
        group, kind = group_and_kind(document.data)
        wide = is_cluster_scoped(document.data, repository)
        name = text(field(document.data, "metadata", "name"))
        if kind and not kind_permitted(spec, group, kind, name if wide else None):
            denied.setdefault((group, kind, wide), _resource(document))
    if "CreateNamespace=true" in sync_options(application) and (
        not kind_permitted(spec, "", "Namespace", namespace_of(application))
    ):
        denied.setdefault(("", "Namespace", True), "Namespace of CreateNamespace=true")
    for (group, kind, wide), resource in denied.items():
        scope = "clusterResource" if wide else "namespaceResource"
        yield Problem(
            f"{resource}: the AppProject “{project_name(application)}” does not permit the kind {kind}.",
            application.at("spec", "project"),
            f"{_adding(project, application)} {{group: '{group}', kind: {kind}}} to {scope}Whitelist in "
            f"{project.path}, and check {scope}Blacklist.",
            cause=f"{project_name(application)} {group}/{kind}",
        )


def _adding(project: Document, application: ArgoApplication) -> str:
    """Return how to begin to say that a kind is to be added: argosy adds those of the projects that it keeps itself."""
    return "Run argosy apply, or add" if _is_kept(project, project_name(application)) else "Add"


def _is_kept(project: Document, name: str) -> bool:
    """Return whether argosy keeps a project to what is used: that of an environment, or of a team in one."""
    environment = layout.environment_of(project.path) or ""
    team = name.removeprefix(f"{environment}-") if name != environment else ""
    return bool(environment) and project.path == layout.project(environment, team)


Where = tuple[str | None, str | None, str]
"""A namespace: the server and the name of its cluster, and its own name."""

_USED = """\
  sourceRepos: ['https://git.example.com/team/*']
  destinations: [{server: https://kubernetes.default.svc, namespace: my-app}]
  namespaceResourceWhitelist:
    - {group: '', kind: ConfigMap}
"""


@dataclass(frozen=True)
class _Projects:
    """The AppProjects of a repository."""

    view: View

    def known(self) -> Iterator[_Project]:
        """Yield the projects of which all Applications are known."""
        open_ones = {
            text(field(each.data, "spec", "template", "spec", "project")) or "default" for each in self.view.unlisted
        }
        if any("{{" in each for each in open_ones):
            return
        for name, document in self.view.projects.items():
            if name in self.applications and name not in open_ones:
                yield _Project(name, document, self.applications[name], self)

    @cached_property
    def applications(self) -> Mapping[str, Sequence[ArgoApplication]]:
        """The Applications of each project."""
        found: dict[str, list[ArgoApplication]] = {}
        for application in self.view.applications:
            found.setdefault(project_name(application), []).append(application)
        return found

    @cached_property
    def revisions(self) -> Mapping[tuple[str, int], str]:
        """The revision that each project is deployed from, by path and index."""
        return {
            (document.path, document.index): _revision(source)
            for application in self.view.applications
            for _, source in application.sources[:1]
            for document in self.view.rendered.get(key(application), ())
            if is_argocd(document, "AppProject")
        }

    @cached_property
    def landing(self) -> Mapping[str, frozenset[Where]]:
        """Where the Applications of each project deploy something."""
        return {name: _places(each, self.view, named=False) for name, each in self.applications.items()}


@dataclass(frozen=True)
class _Project:
    """An AppProject, and the Applications that belong to it: at least one."""

    name: str
    document: Document
    applications: Sequence[ArgoApplication]
    among: _Projects

    @property
    def view(self) -> View:
        return self.among.view

    @cached_property
    def spec(self) -> Mapping[str, JSON]:
        return mapping(field(self.document.data, "spec"))

    @property
    def is_components(self) -> bool:
        """Whether it is of vendors' charts, which need what nobody knows offline."""
        return self.name.startswith(f"{layout.COMPONENTS}-")

    @cached_property
    def baseline(self) -> Collection[Kind]:
        """The kinds that it permits whether they are used or not: those of an environment that others promote from."""
        sources = {text(field(each.data, "promotesFrom")) for each in self.view.environments.values()}
        is_ours = _is_kept(self.document, self.name) and layout.environment_of(self.document.path) in sources
        return BASELINE if is_ours and not self.view.least_privilege else ()

    @cached_property
    def is_known(self) -> bool:
        """Whether all manifests of its Applications are known, and are of the revision that the project is of."""
        revision = self.among.revisions.get((self.document.path, self.document.index), "")
        return not any(key(each) in self.view.partial or _follows_another(each, revision) for each in self.applications)

    @cached_property
    def deployed(self) -> Sequence[tuple[Document, bool]]:
        """What its Applications deploy, each with whether it has no namespace."""
        return [
            (document, is_cluster_scoped(document.data, self.view))
            for application in self.applications
            for document in applied(application, self.view)
        ]

    @cached_property
    def destinations(self) -> frozenset[Where]:
        """Where its Applications deploy to, be it nothing yet."""
        return _places(self.applications, self.view, named=True)

    @cached_property
    def landing_of_others(self) -> Sequence[tuple[str, Where]]:
        """Where the Applications of other projects deploy something and its own do not, each with the project."""
        return [
            (name, place)
            for name, places in self.among.landing.items()
            for place in sorted(places - self.destinations, key=lambda each: each[2])
            if name != self.name
        ]

    def used(self, *, wide: bool) -> set[tuple[str, str]]:
        """Return group and kind of what is deployed, and of what is made of it."""
        kinds = {group_and_kind(document.data) for document, is_wide in self.deployed if is_wide is wide}
        if not wide:
            return kinds.union(*(MADE_BY.get(each, ()) for each in kinds))
        return kinds | ({("", "Namespace")} if any(map(_creates_namespace, self.applications)) else set())


@rule(
    "project-permits-more",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An AppProject permits more than its Applications use.",
    explanation="An AppProject should permit what its Applications need, and nothing else: anyone who can write one "
    "of these Applications, and anything that they include, can use the rest. Kinds are checked only if all manifests "
    "are known, so not for charts from a registry; ReplicaSets, Pods and Jobs count as used if their owners are; so do "
    "harmless kinds in the projects that argosy keeps outside production, unless `leastPrivilege` is set. A "
    "namespace pattern is too wide if Applications of other projects deploy into a matching namespace. An entry that "
    "begins with `!` permits everything else.",
    bad=PROJECT + _USED + "    - {group: rbac.authorization.k8s.io, kind: RoleBinding}\n" + _TEAM,
    good=PROJECT + _USED + _TEAM,
)
def project_permits_more(repository: View) -> Iterator[Problem]:
    """Find what AppProjects permit and none of their Applications uses."""
    if repository.wanted is not everything:
        return  # The other Applications are not there to be asked.
    for project in _Projects(repository).known():
        yield from _kinds(project)
        yield from _sources(project, repository)
        yield from _destinations(project)


def _revision(source: Mapping[str, JSON]) -> str:
    return text(source.get("targetRevision")) or "HEAD"


def _follows_another(application: ArgoApplication, revision: str) -> bool:
    """Return whether an Application is of another revision than its project, where it may deploy something else."""
    sources = [source for _, source in application.sources if not source.get("chart")]
    return bool(revision) and any(_revision(each) not in {revision, "HEAD"} for each in sources)


# Kinds


def _kinds(project: _Project) -> Iterator[Problem]:
    if project.is_components or not project.is_known or project.document.path == layout.ROOT_APPLICATION:
        return  # The root's project says what may be declared, not what is.
    for listed, wide in (("namespaceResourceWhitelist", False), ("clusterResourceWhitelist", True)):
        used = project.used(wide=wide)
        for index, entry in enumerate(map(mapping, sequence(project.spec.get(listed)))):
            group, kind = text(entry.get("group")), text(entry.get("kind"))
            everything = group == kind == "*"
            if not wide and Kind(group, kind) in project.baseline:
                continue
            if everything or not any(_covers(group, kind, each) for each in used):
                what = (
                    "every kind"
                    if everything
                    else f"the kind {_named(group, kind)}, which its Applications do not deploy"
                )
                yield Problem(
                    f"The AppProject “{project.name}” permits {what}.",
                    ("spec", listed, index),
                    _narrowing(project, used if everything else ()),
                    project.document,
                )


def _narrowing(project: _Project, used: Iterable[tuple[str, str]]) -> str:
    """Return how to permit fewer kinds."""
    if _is_kept(project.document, project.name):
        return "Run argosy apply --least-privilege once Argo CD has pruned the resources of that kind."
    if used:
        return f"List the deployed kinds: {', '.join(_named(*each) for each in sorted(used))}."
    return "Remove it once Argo CD has pruned the resources of that kind."


def _named(group: str, kind: str) -> str:
    return f"{group}/{kind}" if group else kind


def _covers(group: str, kind: str, used: tuple[str, str]) -> bool:
    return glob_matches(group, used[0], "/") and glob_matches(kind, used[1], "/")


# Sources


def _sources(project: _Project, repository: View) -> Iterator[Problem]:
    urls = sorted({url for each in project.applications for _, url in source_urls(each)})
    for index, pattern in enumerate(map(text, sequence(project.spec.get("sourceRepos")))):
        everywhere = pattern in {"*", "**"} or pattern.startswith("!")
        if urls and normalise(pattern) in repository.urls:
            continue  # What comes from elsewhere today has its settings here.
        if everywhere or not any(source_permitted([pattern], url) for url in urls):
            yield Problem(
                f"The AppProject “{project.name}” permits "
                + (
                    f"{_every('repository', pattern)}."
                    if everywhere
                    else f"{pattern}, which none of its Applications uses."
                ),
                ("spec", "sourceRepos", index),
                f"List the repositories in use: {', '.join(urls) or 'none'}." if everywhere else "Remove it.",
                project.document,
            )


# Destinations


def _destinations(project: _Project) -> Iterator[Problem]:
    for index, entry in enumerate(map(mapping, sequence(project.spec.get("destinations")))):
        if fault := _width(project, entry) or _unused(project, entry):
            message = f"The AppProject “{project.name}” permits {fault[0]}."
            yield Problem(message, ("spec", "destinations", index), fault[1], project.document)


def _width(project: _Project, entry: Mapping[str, JSON]) -> tuple[str, str] | None:
    """Return in what a destination is too wide, and the next step."""
    namespace = text(entry.get("namespace"))
    for each in (text(entry.get("server")), text(entry.get("name"))):
        if each == "*" or each.startswith("!"):
            return _every("cluster", each), "List the clusters that its Applications deploy to."
    if project.spec.get("namespaceResourceWhitelist") == []:
        return None  # Nothing that it permits lies in a namespace.
    own = sorted({each[2] for each in project.destinations})
    hint = f"List the namespaces that its Applications deploy to: {', '.join(own)}."
    if namespace in {"*", "**"} or namespace.startswith("!"):
        return f"{_every('namespace', namespace)} of a cluster", hint
    if not set(namespace) & set("*?[{"):
        return None
    for name, place in project.landing_of_others:
        if destination_permitted([entry], *place):
            return f"the namespaces “{namespace}”, including “{place[2]}”, which the project “{name}” deploys to", hint
    return None


def _every(what: str, pattern: str) -> str:
    """Return what a pattern permits; one that denies permits all else."""
    return f"every {what}{f' except {pattern[1:]}' if pattern.startswith('!') else ''}"


def _unused(project: _Project, entry: Mapping[str, JSON]) -> tuple[str, str] | None:
    """Return a destination that nothing goes to, and the next step."""
    if (
        project.is_components
        or any(key(each) in project.view.partial for each in project.applications)
        or any(destination_permitted([entry], *place) is not False for place in project.destinations)
    ):
        return None
    where, namespace = text(entry.get("server")) or text(entry.get("name")), text(entry.get("namespace"))
    return f"the namespace “{namespace}” of {where}, which none of its Applications deploys to", "Remove it."


def _places(applications: Sequence[ArgoApplication], view: View, *, named: bool) -> frozenset[Where]:
    """Return where Applications deploy something; with `named`, also what is their destination all the same."""
    found: set[Where] = set()
    for application in applications:
        server, name = cluster(application, view)
        own = namespace_of(application)
        namespaces = {
            text(field(document.data, "metadata", "namespace")) or own
            for document in applied(application, view)
            if not is_cluster_scoped(document.data, view)
        }
        if named or key(application) in view.partial or _creates_namespace(application):
            namespaces.add(own)
        found |= {(server, name, each) for each in namespaces if each}
    return frozenset(found)


def _creates_namespace(application: ArgoApplication) -> bool:
    """Return whether an Application creates its namespace; another rule reports a misspelt option."""
    return any(text(option).casefold() == "createnamespace=true" for option in sync_options(application))
