"""Render and judge a repository before and after an upgrade, and find what the guides warn of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from argosy import temporary
from argosy.argocd import deployed, versions
from argosy.argocd.deployments import Deployments
from argosy.argocd.rendering import Progress, silent
from argosy.difference.comparison import Difference, compare
from argosy.documents.fields import field, mapping
from argosy.engines import Engine
from argosy.findings import Finding, Report
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.kubernetes.manifests import Manifest
from argosy.upgrade.checks import CHECKS
from argosy.upgrade.guides import Notice
from argosy.validation import pipeline

_PART_OF = {"app.kubernetes.io/part-of": "argocd"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A state of the repository, and what it deploys."""

    snapshot: Snapshot
    found: Deployments


@dataclass(frozen=True, slots=True)
class State:
    """What a state of the repository applies, and what is said of it."""

    applied: Mapping[str, deployed.Deployed]
    report: Report

    @property
    def manifests(self) -> Iterator[Manifest]:
        """All that is applied."""
        for each in self.applied.values():
            yield from each.manifests.values()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an upgrade does."""

    before: State
    after: State
    difference: Difference
    found: Sequence[Finding]
    """What is found after, and was not before."""
    notices: Sequence[tuple[Notice, Sequence[str]]] = ()
    """What the guides warn of, and where that is about the repository."""
    unseen: Sequence[Notice] = ()
    """What they warn of besides, which Git does not tell."""

    @property
    def has_argocd(self) -> bool:
        """Whether Argo CD's own manifests were rendered, before and after."""
        return all(
            any(_PART_OF.items() <= mapping(field(each, "metadata", "labels")).items() for each in one.manifests)
            for one in (self.before, self.after)
        )

    @property
    def engines(self) -> Sequence[tuple[Engine, Engine]]:
        """What rendered before and after, where that is not the same."""
        were = {each.tool: each for each in self.before.report.engines}
        pairs = ((were.get(each.tool), each) for each in self.after.report.engines)
        return [(was, now) for was, now in pairs if was and (was.version, was.wanted) != (now.version, now.wanted)]


@contextmanager
def rendered(state: Snapshot, progress: Progress = silent) -> Iterator[Rendered]:
    """Yield a state with what it deploys, written to a folder that is there as long."""
    with temporary.folder("upgrade") as folder:
        deployed.write(folder, *state.measured(lambda _: True))
        yield Rendered(state, deployed.find(folder, state.root, progress))


def rehearse(
    before: Rendered,
    written: Mapping[str, Blob],
    notices: Sequence[Notice] = (),
    kubernetes: tuple[Sequence[str], Sequence[str]] = ((), ()),
    progress: Progress = silent,
) -> Rehearsal:
    """Judge a state, and what it is with other files; `kubernetes` are the versions for each of the two."""
    old, new = kubernetes
    was = _judged(before, old, progress)
    about = {each.id: [*dict.fromkeys(CHECKS[each.id](before.found))] for each in notices if each.id in CHECKS}
    with rendered(before.snapshot.with_files(written), progress) as after:
        now = _judged(after, new, progress)
    known = Counter(map(_known_by, was.report.findings))
    fresh = []
    for each in now.report.findings:
        if known[_known_by(each)]:
            known[_known_by(each)] -= 1
        else:
            fresh.append(each)
    return Rehearsal(
        was,
        now,
        compare(was.applied, now.applied),
        fresh,
        [(each, about[each.id]) for each in notices if about.get(each.id)],
        [each for each in notices if each.id not in CHECKS],
    )


def _judged(state: Rendered, kubernetes: Sequence[str], progress: Progress) -> State:
    options = pipeline.Options(repository=state.snapshot.root, kubernetes_versions=kubernetes, progress=progress)
    report = pipeline.check(state.found, options)
    return State(deployed.of_deployments(state.found), _without(report, str(state.found.view.root)))


def _without(report: Report, folder: str) -> Report:
    told = [replace(each, message=each.message.replace(f"{folder}/", "")) for each in report.findings]
    return replace(report, findings=told)


def _known_by(finding: Finding) -> tuple[str, ...]:
    where = (finding.path, finding.application, finding.environment, finding.resource)
    return (finding.rule, finding.message, *where)


def of_kubernetes(argocd: str, wanted: str) -> str:
    """Return what is to be said of a Kubernetes that Argo CD is not tested with; nothing where it is."""
    known = versions.version(argocd)
    if known is None:
        return ""
    oldest, newest = known.kubernetes
    if versions.numbers(oldest) <= versions.numbers(wanted)[:2] <= versions.numbers(newest):
        return ""
    return f"Argo CD {known.minor} is tested with Kubernetes {oldest} to {newest}, and not with {wanted}."
