"""What the checks look at: the Applications in question, what validation finds, the remotes and the cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from argosy import git, kustomize
from argosy.argocd.matching import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, applied, is_cluster_scoped
from argosy.argocd.rendering import Progress, Render, silent
from argosy.argocd.sources import Kind, Source, inside, is_here, normalise, resolve
from argosy.argocd.view import ArgoApplication, View
from argosy.doctor import remotes
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.doctor.remotes import Remote
from argosy.documents import Document
from argosy.documents.fields import annotations_of, field, group_and_kind, mapping, sequence, text
from argosy.errors import ToolError, UsageError
from argosy.findings import Finding
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.manifests import Manifest
from argosy.names import did_you_mean
from argosy.reporting.wording import place
from argosy.repository import layout
from argosy.validation import pipeline

SKIP = "argocd.argoproj.io/skip-reconcile"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool takes for true."""
PAUSED = "reconciliation is not switched off"
"""The check that reports an Application that is left alone."""
ARGOCD = "argocd"
"""The namespace of an Application that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is to be examined, and how."""

    application: str = ""
    environment: str = ""
    context: str | None = None
    """The kubeconfig's context to ask, empty: its current one; None: no cluster is asked."""
    offline: bool = False
    progress: Progress = silent

    @property
    def command(self) -> str:
        """How to call the same again, with options to follow."""
        environment = f" --env {self.environment}" if self.environment else ""
        return f"argosy doctor{self.application and ' '}{self.application}{environment}"


@dataclass(frozen=True)
class Case:
    """A repository, and the Applications of it that are examined."""

    root: Path
    choice: Choice
    view: View
    applications: Sequence[ArgoApplication]
    renders: Sequence[Render]
    """Those of the Applications."""
    findings: Sequence[Finding]
    """Those about the Applications, and about what they share with others."""
    kubernetes_versions: Sequence[str]
    argocd: str
    """The version of Argo CD that the repository installs; empty where it does not say."""
    cluster: Cluster | None

    @cached_property
    def namespaces(self) -> Sequence[str]:
        """The namespaces of the cluster that the Applications deploy something to."""
        return sorted(frozenset[str]().union(*self._places.values()))

    def within(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the Applications that deploy something to a namespace."""
        return tuple(each.name for each in self.here if namespace in self._places[each.name])

    @cached_property
    def _places(self) -> Mapping[str, frozenset[str]]:
        return {each.name: self._namespaces_of(each) for each in self.here}

    def _namespaces_of(self, application: ArgoApplication) -> frozenset[str]:
        """Return the namespaces that an Application deploys to; its own where it is unknown what it deploys."""
        own = text(field(application.spec, "destination", "namespace"))
        documents = list(applied(application, self.view))
        found = {
            text(field(each.data, "metadata", "namespace")) or own
            for each in documents
            if not is_cluster_scoped(each.data, self.view)
        }
        return frozenset((found if documents else {own}) - {""})

    @cached_property
    def here(self) -> Sequence[ArgoApplication]:
        """The Applications that deploy to the cluster that is asked."""
        return [each for each in self.applications if self.cluster and is_in(each, self.cluster)]

    @cached_property
    def remotes(self) -> Mapping[str, Remote]:
        """The Git repositories that Applications name."""
        urls = {text(spec.get("repoURL")) for each in self.applications for _, spec in git_sources(each)}
        return remotes.read(self.root, sorted(urls), offline=self.choice.offline)

    def remote(self, source: Mapping[str, Any]) -> Remote:
        """Return the Git repository of a source."""
        return self.remotes.get(normalise(text(source.get("repoURL"))), Remote(""))

    def is_ours(self, source: Mapping[str, Any]) -> bool:
        """Return whether a source is of this repository."""
        return bool(self.remote(source).name) or is_here(text(source.get("repoURL")), self.view)

    def sources(self, application: ArgoApplication) -> Iterator[Source]:
        """Yield the sources of an Application that lie in this repository."""
        for source in resolve(application, self.view):
            if source.folder is not None and source.kind not in {Kind.REMOTE, Kind.VALUES}:
                yield source

    def reads(self, application: ArgoApplication) -> frozenset[str]:
        """Return the folders and files that an Application is made from, and its own, relative to the root."""
        found = {application.document.path}
        for source in self.sources(application):
            files = (
                kustomize.inputs(source.folder, self.root) if source.folder and source.kind is Kind.KUSTOMIZE else ()
            )
            for path in (source.folder, *source.files, *files):
                if path is not None and path.resolve().is_relative_to(self.root.resolve()):
                    found.add(path.resolve().relative_to(self.root.resolve()).as_posix())
        return frozenset(found)

    @cached_property
    def ignored(self) -> frozenset[str]:
        """The paths that git ignores, folders with a `/` at the end."""
        return git.ignored(self.root)

    def maker(self, document: Document) -> ArgoApplication | None:
        """Return the Application that applies a document, None where a person does."""
        wanted = group_and_kind(document.data), field(document.data, "metadata", "name")
        made = ((each, one.data) for each in self.view.applications for one in applied(each, self.view))
        return next(
            (each for each, data in made if (group_and_kind(data), field(data, "metadata", "name")) == wanted), None
        )

    def of_rules(self, *rules: str) -> list[Observation]:
        """Return the findings of rules; those that several Applications share are one."""
        return self.of_findings(lambda finding: finding.rule in rules)

    def of_findings(self, wanted: Callable[[Finding], bool]) -> list[Observation]:
        """Return the findings that are wanted; those that several Applications share are one."""
        return merged(
            problem(
                f"{place(each)}: {each.message} [{each.rule}]",
                each.hint,
                applications=self._named(each),
            )
            for each in self.findings
            if wanted(each)
        )

    def _named(self, finding: Finding) -> tuple[str, ...]:
        """Return the names of the Applications that a finding is about."""
        about = (finding.application, finding.environment)
        return tuple(each.name for each in self.applications if (each.application, each.environment) == about)

    def of_live(self, look: Callable[[Case, Cluster], Iterable[Observation]]) -> list[Observation]:
        """Return what is seen of the cluster; nothing where it has nothing to say, else why nothing is seen."""
        if self.cluster is None:
            return [unknown("No cluster was asked.", command=f"{self.choice.command} --live")]
        try:
            return list(look(self, self.cluster))
        except ToolError as error:
            return [refused(error)]


def check(id: str, title: str, observations: Iterable[Observation], otherwise: str) -> Check:
    """Return a check; where nothing was observed, it is all right, and `otherwise` says what that means."""
    return Check(id, title, merged(observations) or [ok(otherwise)])


def of_namespaces(case: Case, look: Callable[[str], Iterable[Observation]]) -> Iterator[Observation]:
    """Yield what is seen of each namespace that is deployed to, or why it is not."""
    for namespace in case.namespaces:
        try:
            yield from list(look(namespace))
        except ToolError as error:
            yield refused(error)


def refused(error: ToolError, applications: Sequence[str] = ()) -> Observation:
    """Return what a tool could not say, and why."""
    if error.hint.startswith(("kubectl ", "argosy ")):
        return unknown(error.message, command=error.hint, applications=applications)
    return unknown(error.message, error.hint, applications=applications)


def merged(observations: Iterable[Observation]) -> list[Observation]:
    """Return observations, those that differ in nothing but the Applications as one."""
    found: dict[Observation, dict[str, None]] = {}
    for each in observations:
        found.setdefault(replace(each, applications=()), {}).update(dict.fromkeys(each.applications))
    return [replace(each, applications=tuple(names)) for each, names in found.items()]


def git_sources(application: ArgoApplication) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield the sources of an Application that are Git repositories, each with its place."""
    for pointer, spec in application.sources:
        url = text(spec.get("repoURL"))
        if url and not spec.get("chart") and not url.startswith("oci://"):
            yield pointer, spec


def is_in(application: ArgoApplication, cluster: Cluster) -> bool:
    """Return whether an Application deploys to a cluster: Argo CD's own, or the one that the context reaches."""
    destination = mapping(application.spec.get("destination"))
    server, name = text(destination.get("server")).rstrip("/"), text(destination.get("name"))
    return server == IN_CLUSTER_SERVER or name == IN_CLUSTER_NAME or bool(server and server == cluster.server())


def is_rolled(application: ArgoApplication) -> bool:
    """Return whether an ApplicationSet syncs an Application step by step."""
    return text(field(application.document.data, "spec", "strategy", "type")) == "RollingSync"


def namespace_of(application: ArgoApplication) -> str:
    """Return the namespace that an Application itself is in."""
    return text(application.metadata.get("namespace")) or ARGOCD


def live(application: ArgoApplication, cluster: Cluster) -> Manifest | None:
    """Return an Application as the cluster has it, None where it has none."""
    return cluster.applications().get((namespace_of(application), application.name))


def is_paused(application: Mapping[str, Any] | None) -> bool:
    """Return whether an annotation has Argo CD leave an Application alone: no comparison, no sync, no deletion."""
    return text(annotations_of(application).get(SKIP)) in _TRUE


def syncing(application: Manifest) -> str:
    """Return what there is to say of a sync that is not at its end; empty where there is none."""
    state = mapping(field(application, "status", "operationState"))
    if state.get("phase") in {"Running", "Terminating"}:
        return f"A sync is running since {state.get('startedAt')}."
    # The controller takes the field away with the end of what it asks for.
    return "A sync was asked for, and has not begun." if application.get("operation") else ""


def take(root: Path, choice: Choice) -> Case:
    """Read a repository; raise UsageError where it has no such application or environment."""
    cluster = None if choice.context is None else Cluster(choice.context)
    if cluster is not None:
        cluster.check()
    options = pipeline.Options(changed=_restriction(root, choice.application), progress=choice.progress)
    found = pipeline.look(root, options)
    if not found.view.applications:
        hint = "Name the folder of a GitOps repository, or make one: argosy init, argosy add app."
        raise UsageError(f"There is no Argo CD Application in {root}.", hint)
    chosen = _chosen(found.view.applications, choice)
    if choice.application == chosen[0].name != chosen[0].application:
        choice = replace(choice, application=chosen[0].application, environment=chosen[0].environment)
    report = pipeline.check(found, options)
    case = Case(
        root=root,
        choice=choice,
        view=found.view,
        applications=chosen,
        renders=[each for each in found.renders if each.application in {*chosen}],
        findings=[each for finding in report.findings for each in _by_render(finding) if _is_about(each, choice)],
        kubernetes_versions=found.configured.kubernetes_versions,
        argocd=found.view.argocd,
        cluster=cluster,
    )
    if cluster is not None:
        cluster.namespace = namespace_of(chosen[0])
        cluster.prefetch(case.namespaces)
    return case


def _restriction(root: Path, application: str) -> frozenset[str]:
    """Return files that only the application's Applications are made from; none where that is unknown."""
    settings = layout.application_settings(application)
    if not application or not (root / settings).is_file():
        return frozenset()
    values = root.glob(layout.deployment("*", application))
    # A shared chart is others' too.
    own = {f"{each.relative_to(root).as_posix()}/{layout.VALUES}" for each in values}
    return frozenset({settings, f"{layout.chart(application)}/Chart.yaml", *own})


def _chosen(applications: Sequence[ArgoApplication], choice: Choice) -> Sequence[ArgoApplication]:
    named = [each for each in applications if choice.application in {"", each.application, each.name}]
    if choice.application and not named:
        known = sorted({name for each in applications for name in (each.application, each.name)})
        raise _no_such("application", choice.application, known)
    found = [each for each in named if choice.environment in {"", each.environment}]
    if choice.environment and not found:
        raise _no_such("environment", choice.environment, sorted({each.environment for each in named} - {""}))
    return found


def _no_such(what: str, name: str, known: Sequence[str]) -> UsageError:
    hint = did_you_mean(name, known) or f"There is {', '.join(known) or 'none'}."
    return UsageError(f"No Argo CD Application of this repository is of the {what} “{name}”.", hint)


def _by_render(finding: Finding) -> list[Finding]:
    """Return a finding, at the place to fix, once for each render that has it."""
    renders = {(each.application, each.environment): each for each in finding.places}
    return [
        replace(finding, application=application, environment=environment, also=())
        for application, environment in renders
        if application or environment or len(renders) == 1
    ]


def _is_about(finding: Finding, choice: Choice) -> bool:
    application = finding.application or layout.application_of(finding.path) or ""
    environment = finding.environment or layout.environment_of(finding.path) or ""
    return (not choice.application or application in {"", choice.application}) and (
        not choice.environment or environment in {"", choice.environment}
    )


def inside_repository(source: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Yield the paths that a source of this repository names, relative to its root: its folder and its value files."""
    path = text(source.get("path"))
    helm = mapping(source.get("helm"))
    own = inside(root, PurePosixPath(path)) if path else None
    if own is None or path.startswith("/"):
        return
    yield own.relative_to(root).as_posix()
    for name in sequence(helm.get("valueFiles")) if not helm.get("ignoreMissingValueFiles") else ():
        value = text(name)
        if value and not re.search(r"^https?://|^\$|[*?\[]", value):
            start = "" if value.startswith("/") else f"{own.relative_to(root).as_posix()}/"
            found = inside(root, PurePosixPath(start + value.lstrip("/")))
            if found is not None:
                yield found.relative_to(root).as_posix()


def kinds_of(case: Case, application: ArgoApplication) -> Sequence[tuple[str, str]]:
    """Return the groups and kinds of what an Application applies."""
    return sorted({group_and_kind(each.data) for each in applied(application, case.view)})


def elsewhere(case: Case, cluster: Cluster) -> Iterator[Observation]:
    """Yield what cannot be seen of Applications that deploy to another cluster than the one that is asked."""
    for application in case.applications:
        if not is_in(application, cluster):
            destination = mapping(application.spec.get("destination"))
            where = text(destination.get("server")) or text(destination.get("name")) or "another cluster"
            yield unknown(
                f"It deploys to {where}, which is not the cluster that was asked.",
                "Ask that one too.",
                f"{case.choice.command} --context NAME",
                (application.name,),
            )
