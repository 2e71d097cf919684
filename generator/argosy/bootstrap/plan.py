"""The plan of a bootstrap: what was checked, the steps with what is there of each, and how to carry them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from argosy.bootstrap import checks, existing, installation, login, pushed, readiness, roots
from argosy.bootstrap.credential import SECRET, Credential
from argosy.bootstrap.existing import ArgoCD
from argosy.bootstrap.finding import Finding, Level
from argosy.bootstrap.installation import Installation
from argosy.bootstrap.login import Login
from argosy.bootstrap.roots import Handover
from argosy.bootstrap.steps import Apply, Inspection, State, Status, Step, Wait
from argosy.errors import ArgosyError, InterruptedByUserError, ToolError
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.kubectl import KubectlError
from argosy.kubernetes.manifests import Manifest
from argosy.repository import layout
from argosy.repository.model import Environment, Repository

_APPLY = ("apply", "--server-side", "--force-conflicts")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    root: Path
    repository: Repository
    environment: Environment | None
    """The one environment of a cluster that has an Argo CD of its own; None for one Argo CD for all."""
    install: Path | None
    """The kustomization that installs Argo CD; None: it is there, and stays as it is."""
    credential: Credential | None
    seconds: float
    """How long each wait may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found, and what is to be done."""

    cluster: Cluster
    version: str
    """Argo CD's; "" where it is not known."""
    findings: Sequence[Finding]
    steps: Sequence[Step]
    statuses: Sequence[Status]
    login: Login

    @property
    def errors(self) -> Sequence[Finding]:
        """What prevents carrying it out."""
        return [each for each in self.findings if each.level is Level.ERROR]

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to do."""
        return all(each.state is State.THERE for each in self.statuses)


class StepError(ArgosyError):
    """Report the step that failed, or that was interrupted."""

    def __init__(self, step: Step, error: ArgosyError) -> None:
        super().__init__(f"{step.title}: {error.message}", error.hint)
        self.exit_code = error.exit_code
        self.step = step
        self.status = Status(State.FAILED, error.message)


def prepare(wanted: Wanted, context: str, report: Callable[[str], None]) -> Plan:
    """Check, and look at what is there of each step, changing nothing.

    What prevents it is among the findings; raise ArgosyError where there is not even a plan.
    """
    handover = roots.of(wanted.root, wanted.repository, wanted.environment)
    secret = wanted.credential.secret(handover.sources[0][0], handover.namespace) if wanted.credential else None
    cluster = Cluster.of(context, handover.namespace)
    found, private = pushed.check(wanted.root, handover)
    reached = list(_reached(cluster, wanted.repository))
    can_ask = not any(each.level is Level.ERROR for each in reached)
    installed, problems = Installation((), (), ()), list[Finding]()
    if wanted.install is not None:
        installed, problems = _installed(wanted.install, cluster if can_ask else None, cluster.namespace)
    there, unseen = _there(cluster) if can_ask else ([], [])
    needed = [*installed.all, *handover.projects, *handover.roots, *([secret] if secret else [])]
    site = _Site(cluster, wanted, handover, installed, secret, there, Inspection(cluster, needed))
    findings = [*reached, *found, *problems, *unseen, *(_asked(site, private) if can_ask else ())]
    installing = () if wanted.install is None else _installing(site, wanted.install, report)
    steps = [*installing, *_granting(site), *_handing_over(site, report)]
    can_look = can_ask and not problems
    statuses = [each.look() if can_look else Status(State.UNKNOWN, "not looked at") for each in steps]
    if wanted.install is not None:
        return Plan(cluster, installed.version, findings, steps, statuses, login.of(cluster, installed))
    own = site.own
    version, server = (own.version, own.server) if own else ("", "")
    return Plan(cluster, version, findings, steps, statuses, login.of_existing(cluster, server))


def carry_out(plan: Plan) -> Iterator[tuple[Step, Status]]:
    """Carry out what is left to do, and yield each step when it is done; raise StepError at the one that fails."""
    changed = False
    for step, status in zip(plan.steps, plan.statuses, strict=True):
        if status.state is State.THERE and not changed:
            yield step, status
            continue
        try:
            done = step.carry_out()
        except KeyboardInterrupt:
            interrupted = InterruptedByUserError("interrupted. The steps before it are done.")
            raise StepError(step, interrupted) from None
        except ArgosyError as error:
            raise StepError(step, error) from error
        changed = changed or done.state is State.DONE
        yield step, done


def _reached(cluster: Cluster, repository: Repository) -> Iterator[Finding]:
    try:
        yield from checks.versions(cluster, repository)
        cluster.kinds()
    except KubectlError as error:
        yield checks.unreachable(error)


def _installed(folder: Path, cluster: Cluster | None, namespace: str) -> tuple[Installation, list[Finding]]:
    try:
        return installation.arranged(folder, installation.build(folder), cluster, namespace), []
    except ToolError as error:
        # A plan can be shown all the same.
        return Installation((), (), ()), [Finding(Level.ERROR, error.message, error.hint)]


def _there(cluster: Cluster) -> tuple[Sequence[ArgoCD], list[Finding]]:
    try:
        return existing.find(cluster), []
    except KubectlError as error:
        message = f"Whether an Argo CD is there already could not be checked. {error.message}"
        return [], [Finding(Level.WARNING, message, error.hint)]


@dataclass(frozen=True, slots=True)
class _Site:
    """What is to be done, and where."""

    cluster: Cluster
    wanted: Wanted
    handover: Handover
    installed: Installation
    secret: Manifest | None
    there: Sequence[ArgoCD]
    seen: Inspection
    """What the cluster has of all that is to be applied."""

    @property
    def own(self) -> ArgoCD | None:
        """The Argo CD that is there, in the repository's namespace."""
        return next((each for each in self.there if each.namespace == self.cluster.namespace), None)


def _asked(site: _Site, private: bool | None) -> Iterator[Finding]:
    cluster, handover, installed = site.cluster, site.handover, site.installed
    yield from checks.rights(cluster, site.seen.wanted)
    try:
        if site.wanted.install is None:
            yield from existing.unsuited(site.seen, handover, site.wanted.repository, site.there)
        else:
            yield from existing.beside(cluster, site.there)
        yield from checks.takeover(site.seen, handover, installed.rest)
        yield from checks.access(cluster, handover, private=private, given=site.secret is not None)
        single, repository = site.wanted.environment is not None, site.wanted.repository
        yield from checks.clusters(cluster, repository, handover.environments, single=single)
    except KubectlError as error:
        yield Finding(Level.WARNING, f"Not everything could be checked. {error.message}", error.hint)
    yield from checks.deferred(installed.later)


def _installing(site: _Site, folder: Path, report: Callable[[str], None]) -> Iterator[Step]:
    cluster, wanted, installed = site.cluster, site.wanted, site.installed
    install = cluster.command(*_APPLY, "--kustomize", str(folder))
    limit = f"--timeout={wanted.seconds:g}s"
    within = ("--namespace", cluster.namespace)
    yield Apply(
        site.seen,
        "namespace",
        f"Namespace {cluster.namespace}",
        cluster.command("create", "namespace", cluster.namespace),
        installed.namespaces,
    )
    yield Apply(site.seen, "definitions", "Argo CD's definitions", install, installed.definitions)
    names = [f"crd/{each['metadata']['name']}" for each in installed.definitions]
    yield Wait(
        "established",
        "Argo CD's CRDs are established",
        cluster.command("wait", "--for=condition=Established", limit, *names),
        partial(readiness.definitions, cluster, installed.definitions),
        wanted.seconds,
        report,
        cluster.forget,
    )
    yield Apply(site.seen, "install", f"Argo CD {installed.version}".strip(), install, installed.rest)
    names = [f"{each['kind'].lower()}/{each['metadata']['name']}" for each in installed.workloads]
    yield Wait(
        "rollout",
        "Argo CD is rolled out",
        cluster.command("rollout", "status", *within, limit, *names),
        partial(readiness.workloads, cluster, installed.workloads),
        wanted.seconds,
        report,
    )


def _granting(site: _Site) -> Iterator[Step]:
    cluster, handover, credential = site.cluster, site.handover, site.wanted.credential
    paths = roots.paths_of_projects(site.wanted.repository, handover.environments)
    files = [f"--filename={each}" for each in paths]
    names = ", ".join(each["metadata"]["name"] for each in handover.projects)
    yield Apply(site.seen, "projects", f"AppProjects {names}", cluster.command(*_APPLY, *files), handover.projects)
    if site.secret is not None and credential is not None:
        yield Apply(
            site.seen,
            "credential",
            f"Secret {SECRET}, from {credential.source}",
            f"{cluster.command(*_APPLY, '--filename=-')}  # the Secret",
            [site.secret],
            credential,
        )


def _handing_over(site: _Site, report: Callable[[str], None]) -> Iterator[Step]:
    cluster, wanted, handover = site.cluster, site.wanted, site.handover
    applications = [each["metadata"]["name"] for each in handover.roots if each["kind"] == "Application"]
    named = ", ".join(f"{each['kind']} {each['metadata']['name']}" for each in handover.roots)
    if wanted.environment is None:
        command = cluster.command(*_APPLY, f"--filename={layout.ROOT_APPLICATION}")
    else:
        command = (
            f"{cluster.command(*_APPLY, '--filename=-')}  # {layout.ROOT_APPLICATION} for {wanted.environment.name}"
        )
    yield Apply(site.seen, "root", named, command, handover.roots)
    conditions = [f"--for=jsonpath={{.status.{each}" for each in ("sync.status}=Synced", "health.status}=Healthy")]
    yield Wait(
        "synced",
        f"{', '.join(f'Application {each}' for each in applications)} synced and healthy",
        " && ".join(
            cluster.command(
                *("wait", "--namespace", cluster.namespace, f"--timeout={wanted.seconds:g}s", condition),
                *(f"application/{each}" for each in applications),
            )
            for condition in conditions
        ),
        partial(readiness.applications, cluster, applications),
        wanted.seconds,
        report,
        partial(readiness.refresh, cluster, applications),
    )
