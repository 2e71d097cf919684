"""Look at a repository, and return all that the page shows of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import metadata
from itertools import groupby
from pathlib import Path

from argosy import git, tree
from argosy.argocd import deployed, matching, projects, waves
from argosy.argocd.deployed import Deployed
from argosy.argocd.deployments import Deployments
from argosy.argocd.rendering import Progress, silent
from argosy.argocd.view import ACCESS
from argosy.documents import Document
from argosy.documents.fields import JSON, field, mapping, sequence, text
from argosy.errors import ArgosyError
from argosy.findings import Report, Status
from argosy.git.snapshot import Snapshot
from argosy.graph import as_svg
from argosy.kubernetes.pods import images
from argosy.promotion import comparing
from argosy.promotion import report as promotion_report
from argosy.promotion.decision import Decision, Verdict
from argosy.promotion.ends import Places
from argosy.promotion.history import History
from argosy.promotion.states import State
from argosy.repository import states, store
from argosy.repository.model import Repository
from argosy.rules import catalogue  # registers the rules
from argosy.rules.registry import known
from argosy.status import live, promotions, survey
from argosy.status import report as wording
from argosy.status.matrix import Deployment, Matrix
from argosy.status.promotions import Promoted
from argosy.status.report import Report as StatusReport
from argosy.status.report import Template, Tone
from argosy.status.versions import Image, Version
from argosy.tree import pictures
from argosy.validation import baseline, pipeline
from argosy.web import hiding
from argosy.web.model import (
    Applied,
    Cell,
    Cluster,
    Count,
    Details,
    Difference,
    Environment,
    Event,
    Everything,
    Finding,
    Key,
    Node,
    Page,
    Place,
    Project,
    Remark,
    Resource,
    Role,
    Row,
    Rule,
    Skipped,
    Tree,
)

LARGEST_PICTURE = 60
"""How many Applications a picture of all may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is shown besides what there is."""

    is_live: bool = False
    """Whether to ask a cluster for sync and health status."""
    context: str = ""
    """The kubeconfig's context that is asked; empty: the current one."""
    judged: Report | None = None
    """What validation found, where it is known already."""
    made: datetime | None = None
    progress: Progress = silent


def gather(root: Path, wish: Wish) -> Everything:
    """Return all that the page shows of a repository; what cannot be told, such as without commits, is a note."""
    root = root.resolve()
    catalogue.extend()
    options = pipeline.Options(progress=wish.progress, baseline=baseline.find(root))
    found = pipeline.look(root, options)
    judged = wish.judged or pipeline.check(found, options)
    return _Gathering(root, found, judged, wish).everything()


@dataclass
class _Gathering:
    root: Path
    found: Deployments
    judged: Report
    wish: Wish

    def __post_init__(self) -> None:
        self.notes: list[str] = []

    def everything(self) -> Everything:
        details = [self._details(name) for name in self.names]
        page = Page(
            title=self.repository.settings.name if self.repository else self.root.name,
            version=metadata.version("argosy"),
            made=self.wish.made.isoformat(timespec="seconds") if self.wish.made else "",
            branch=git.branch(self.root) or "",
            commit=git.at(self.root).head[:12] if states.is_repository(self.root) else "",
            has_health=self.status is not None and self.status.live is not None,
            summary=wording.summary(self.status.matrix) if self.status else "",
            environments=[*self._environments()],
            rows=[Row(name, [*self._cells(name)]) for name in self.names],
            count=_count(self.judged),
            findings=[*_findings(self.judged)],
            rules=[*_rules(self.judged)],
            skipped=[*_skipped(self.judged)],
            clusters=[*self._clusters()],
            projects=[*self._projects()],
            access=[*self._access()],
            notes=[*self.notes, *(wording.notes(self.status.matrix) if self.status else ())],
        )
        return Everything(page, details, self._tree(), self._pictures())

    @cached_property
    def repository(self) -> Repository | None:
        """The model of argosy's layout; None for another one."""
        if not store.is_repository(self.root):
            return None
        try:
            return store.load(self.root).repository
        except ArgosyError as error:
            self.notes.append(f"The settings of the repository cannot be read: {error.message}")
            return None

    @cached_property
    def places(self) -> Places | None:
        return Places(self.root, self.repository, History(self.root)) if self.repository else None

    @cached_property
    def status(self) -> StatusReport | None:
        """What `argosy status` says; None where it cannot tell."""
        if self.repository is None:
            if self.wish.is_live:
                self.notes.append("Health is shown of repositories that argosy laid out alone.")
            return None
        try:
            matrix = survey.of(self.root, self.repository)
        except ArgosyError as error:
            self.notes.append(f"What is still to be promoted is unknown: {error.message}")
            return None
        asked = live.of(self.repository, matrix.deployments, self.wish.context) if self.wish.is_live else None
        return StatusReport(self.root, matrix, Template("", ""), asked)

    @property
    def _matrix(self) -> Matrix:
        return self.status.matrix if self.status else Matrix([], [])

    @cached_property
    def applied(self) -> Mapping[tuple[str, str], Sequence[Deployed]]:
        """What Applications apply, by application and environment; on an environment's own branch if it has one."""
        made: dict[tuple[str, str], list[Deployed]] = defaultdict(list)
        aside = {
            each.environment.name: each.tip.commit
            for each in self._matrix.columns
            if each.tip.commit and each.tip.name not in {"HEAD", git.branch(self.root)}
        }
        found: list[tuple[Mapping[str, Deployed], str | None]] = [(deployed.of_deployments(self.found), None)]
        for commit in dict.fromkeys(aside.values()):
            found.append((deployed.of_snapshot(Snapshot(self.root, commit), progress=self.wish.progress), commit))
        for state, read_at in found:
            for each in state.values():
                if each.definition and aside.get(each.environment) == read_at:
                    made[each.app, each.environment].append(each)
        return made

    @cached_property
    def _texts(self) -> Mapping[int, str]:
        """What the page shows of each manifest: all are looked at for credentials at once."""
        manifests = [one for several in self.applied.values() for each in several for one in each.manifests.values()]
        return dict(zip(map(id, manifests), hiding.texts(manifests), strict=True))

    @cached_property
    def names(self) -> Sequence[str]:
        return sorted({*self._matrix.applications, *(name for name, _ in self.applied)})

    def _environments(self) -> Iterator[Environment]:
        if not self.status:
            promoted = {
                name: text(field(each.data, "promotesFrom")) for name, each in self.found.view.environments.items()
            }
            known = [*promoted, *sorted({each for _, each in self.applied} - promoted.keys())]
            yield from (Environment(each, promoted.get(each, "")) for each in known)
            return
        for column in self._matrix.columns:
            its = column.environment
            note = column.tip.remark or ("uncommitted changes are ignored" if column.edited else "")
            yield Environment(its.name, its.promotes_from, column.tip.name, column.tip.commit[:12], note)
        others = sorted({each for _, each in self.applied} - {each.environment.name for each in self._matrix.columns})
        yield from (Environment(each, elsewhere=True) for each in others)

    def _cells(self, name: str) -> Iterator[Cell]:
        told = self._matrix.deployments
        keys = [(name, each) for each in self._environment_names]
        for key in keys:
            if self.status and (deployment := told.get(key)):
                yield self._cell(self.status, deployment)
            elif key in self.applied:
                version = _version(self.applied[key])
                yield Cell(key[1], str(version), facts=[f"image: {each}" for each in version.images])

    @cached_property
    def _environment_names(self) -> Sequence[str]:
        return [each.name for each in self._environments()]

    def _cell(self, status: StatusReport, deployment: Deployment) -> Cell:
        name, environment, lag = deployment.application, deployment.environment, deployment.lag
        said = wording.phrases(status, name, environment)[1:]
        states = {
            "behind": bool(lag and lag.size),
            "hand": bool(lag and lag.drifted),
            "undecided": bool(lag and lag.undecided),
            "unknown": bool(lag and lag.unknown),
        }
        if status.live is not None:
            seen = status.live.get((name, environment))
            states |= {"unsynced": not seen or seen.sync != "Synced", "unhealthy": not seen or seen.health != "Healthy"}
        return Cell(
            environment,
            wording.version(deployment),
            [Remark(each, _TONES[tone]) for each, tone in said],
            [each for each, holds in states.items() if holds],
            [*wording.facts(status, deployment)],
        )

    def _details(self, name: str) -> Details:
        applied = [
            self._applied(each)
            for environment in self._environment_names
            for each in self.applied.get((name, environment), ())
        ]
        events, cut = self._history.get(name, ([], None))
        return Details(
            name,
            applied,
            [*self._differences(name)],
            [_event(each) for each in events],
            cut.message if cut else "",
        )

    def _applied(self, each: Deployed) -> Applied:
        its = [
            Resource(
                *(this.kind, this.name, this.namespace, waves.phase(manifest), waves.wave(manifest)),
                self._texts[id(manifest)],
            )
            for this, manifest in each.manifests.items()
        ]
        spec = mapping(each.definition.get("spec"))
        sources = [_source(source) for source in deployed.sources(each.definition)]
        problems = [*each.faults, *([each.skipped] if each.skipped else [])]
        project = text(spec.get("project")) or "default"
        return Applied(
            each.application, each.environment, each.cluster, each.namespace, project, sources, problems, its
        )

    @cached_property
    def _history(self) -> Mapping[str, tuple[list[Promoted], ArgosyError | None]]:
        if not (self.places and self.status):
            return {}
        try:
            return promotions.of_many(self.places, self._matrix.applications)
        except ArgosyError as error:
            self.notes.append(f"The history cannot be read: {error.message}")
            return {}

    def _differences(self, name: str) -> Iterator[Difference]:
        for column in self._matrix.columns if self.places else ():
            source, target = column.environment.promotes_from, column.environment.name
            if not source or not {(name, source), (name, target)} <= self._matrix.deployments.keys():
                continue
            try:
                ends = self._ends(source, target)
                keys, _ = comparing.level(name, (source, target), ends)
                yield Difference(source, target, [_key(each) for each in keys])
            except ArgosyError as error:
                yield Difference(source, target, unknown=f"{error.message} {error.hint}".strip())

    def _ends(self, source: str, target: str) -> tuple[State, State]:
        assert self.places is not None
        if (source, target) not in self._ends_known:
            found = self.places.ends(source, target)
            state = self.places.history.state
            self._ends_known[source, target] = (state(found.source), state(found.target))
        return self._ends_known[source, target]

    @cached_property
    def _ends_known(self) -> dict[tuple[str, str], tuple[State, State]]:
        return {}

    def _clusters(self) -> Iterator[Cluster]:
        declared = tree.of(self.found, resources=False).clusters
        for each in declared:
            labels = [f"{name}={value}" for name, value in each.labels.items()]
            yield Cluster(each.name or "?", each.server, labels, each.path, each.applications)
        names = {each.name for each in declared}
        users: dict[tuple[str, str], list[str]] = defaultdict(list)
        for application in self.found.view.applications:
            server, name = matching.cluster(application, self.found.view)
            users[name or "", server or ""].append(application.name)
        for (name, server), its in sorted(users.items()):
            if name not in names or not name:
                yield Cluster(name or server or "unknown", server, applications=its)

    def _projects(self) -> Iterator[Project]:
        users: dict[str, list[str]] = defaultdict(list)
        for application in self.found.view.applications:
            users[projects.project_name(application)].append(application.name)
        written = {
            each.path + str(each.index): each for several in self.found.view.namesakes.values() for each in several
        }
        for document in (written or {each.path: each for each in self.found.view.projects.values()}).values():
            name = text(field(document.data, "metadata", "name"))
            yield _project(document, projects.virtual_spec(document, self.found.view), users.pop(name, []))
        for name, its in sorted(users.items()):
            yield Project(name, "", "Nothing here declares it." if name != "default" else "", applications=its)

    def _access(self) -> Iterator[str]:
        for document in self.found.view.config_maps(ACCESS):
            for name, value in mapping(field(document.data, "data")).items():
                lines = text(value).splitlines()
                yield from (
                    (f"{name}: {lines[0]}",)
                    if len(lines) == 1 and not name.endswith(".csv")
                    else (each.strip() for each in lines if each.strip() and not each.strip().startswith("#"))
                )

    def _tree(self) -> Tree:
        grown = tree.of(self.found)
        by_reason = sorted(grown.unreached, key=lambda each: (each.reason, each.path))
        unreached = [
            Skipped(reason, [each.path for each in group])
            for reason, group in groupby(by_reason, key=lambda each: each.reason)
        ]
        return Tree([_node(each) for each in grown.roots], unreached)

    def _pictures(self) -> Mapping[str, str]:
        found = self.found
        drawn = {pictures.Picture.PROMOTION: pictures.draw(pictures.Picture.PROMOTION, found)}
        if len(found.view.applications) <= LARGEST_PICTURE:
            drawn[pictures.Picture.CLUSTERS] = pictures.draw(pictures.Picture.CLUSTERS, found)
        return {each.title: as_svg.drawn(each) for each in drawn.values() if each.boxes}


_TONES = {Tone.PLAIN: "", Tone.GOOD: "good", Tone.NOTICE: "notice", Tone.BAD: "bad", Tone.FAINT: "faint"}


def _version(found: Collection[Deployed]) -> Version:
    """Return the version of what Applications apply, as the rendered manifests say it."""
    written = [
        Image.parse(image) for each in found for manifest in each.manifests.values() for _, image in _images(manifest)
    ]
    if written:
        return Version(tuple(dict.fromkeys(written)))
    charts = [source for each in found for source in deployed.sources(each.definition) if source.get("chart")]
    if charts:
        return Version((), text(charts[0]["chart"]), text(charts[0].get("targetRevision")))
    return Version()


def _images(manifest: Mapping[str, JSON]) -> Iterator[tuple[object, str]]:
    yield from ((at, image) for at, image in images(manifest) if isinstance(image, str))


def _source(source: Mapping[str, JSON]) -> str:
    where = "/".join(filter(None, (text(source.get("repoURL")), text(source.get("path")) or text(source.get("chart")))))
    return f"{where} @ {text(source.get('targetRevision')) or 'HEAD'}"


def _key(decision: Decision) -> Key:
    target, source = promotion_report.pair(decision)
    is_expected = decision.verdict is Verdict.PINNED
    return Key(str(decision.key), source, target, is_expected, decision.verdict.value, decision.why)


def _event(each: Promoted) -> Event:
    record, step = each.record, each.record.step
    return Event(
        wording.moment(record),
        step.kind.value,
        step.source or step.origin[:7],
        step.target,
        str(each.version),
        record.who,
        record.commit[:12],
        each.undone,
    )


def _count(report: Report) -> Count:
    passed, failed, skipped = (report.count(each) for each in (Status.PASSED, Status.FAILED, Status.SKIPPED))
    return Count(passed, failed, skipped, report.left_out, report.renders, report.title)


def _findings(report: Report) -> Iterator[Finding]:
    for is_known, several in ((False, report.findings), (True, report.known or ())):
        for each in several:
            also = [Place(one.path, one.line or 0, one.application, one.environment) for one in each.also]
            where = (each.path, each.line or 0, each.hint, each.application, each.environment, each.resource)
            yield Finding(each.rule, each.severity.value, each.message, *where, also, is_known)


def _rules(report: Report) -> Iterator[Rule]:
    for name in sorted({each.rule for each in (*report.findings, *(report.known or ()))}):
        if rule := known(name):
            yield Rule(rule.id, rule.severity.value, rule.summary, rule.explanation, rule.bad, rule.good)


def _skipped(report: Report) -> Iterator[Skipped]:
    skipped = [(each.reason, each.path) for each in report.outcomes if each.status is Status.SKIPPED]
    for reason, group in groupby(sorted(skipped), key=lambda each: each[0]):
        yield Skipped(reason, [*dict.fromkeys(path for _, path in group)])


def _project(document: Document, spec: Mapping[str, JSON], applications: Sequence[str]) -> Project:
    destinations = [
        " ".join(filter(None, (text(each.get("name")) or text(each.get("server")), text(each.get("namespace")))))
        for each in map(mapping, sequence(spec.get("destinations")))
    ]
    denied = [*_kinds(spec, "clusterResourceBlacklist"), *_kinds(spec, "namespaceResourceBlacklist")]
    namespaced = _kinds(spec, "namespaceResourceWhitelist") if "namespaceResourceWhitelist" in spec else ["*"]
    windows = [
        " ".join(f"{name}={value}" for name, value in mapping(each).items())
        for each in sequence(spec.get("syncWindows"))
    ]
    roles = [
        Role(
            text(each.get("name")),
            text(each.get("description")),
            [text(one) for one in sequence(each.get("groups"))],
            [text(one) for one in sequence(each.get("policies"))],
        )
        for each in map(mapping, sequence(spec.get("roles")))
    ]
    return Project(
        text(field(document.data, "metadata", "name")),
        document.path,
        text(spec.get("description")),
        [text(each) for each in sequence(spec.get("sourceRepos"))],
        destinations,
        _kinds(spec, "clusterResourceWhitelist"),
        namespaced,
        denied,
        windows,
        roles,
        applications,
    )


def _kinds(spec: Mapping[str, JSON], key: str) -> list[str]:
    listed = map(mapping, sequence(spec.get(key)))
    return ["/".join(filter(None, (text(each.get("group")), text(each.get("kind"))))) for each in listed]


def _node(node: tree.Node) -> Node:
    return Node(
        node.kind,
        node.name,
        node.where,
        node.path,
        node.application,
        node.reason,
        node.wave,
        node.is_repeated,
        [_node(each) for each in node.children],
    )
