"""Look at a whole repository with a few git processes, however many applications it has."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from argosy import git
from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.git.repository import Entry
from argosy.promotion import baseline, history
from argosy.promotion.baseline import Baseline, Past
from argosy.promotion.decision import Decision, Names, Sides, Verdict, decide, differing
from argosy.promotion.history import Record
from argosy.promotion.policy import Policy, Treatment
from argosy.repository import layout
from argosy.repository.model import Repository
from argosy.status import lines, reverts, tips, versions
from argosy.status.lines import Line
from argosy.status.matrix import Column, Deployment, Lag, Matrix
from argosy.status.states import Place, Shelf, State
from argosy.yaml_edit.keys import Key, overlap


def of(root: Path, repository: Repository, only: str = "") -> Matrix:
    """Return the status of a repository, or of one application of it; raise ArgosyError where nothing is committed."""
    with _uncollected():
        return _Survey(root, repository, only).matrix()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: among so many YAML nodes, none of which is any, that takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Leg:
    """An application on the way from one environment to the next."""

    application: str
    source: Column
    target: Column

    @property
    def place(self) -> tuple[str, str]:
        """The application and the environment that it is promoted to."""
        return self.application, self.target.environment.name


@dataclass(frozen=True)
class _Past(Past):
    """The past of one deployment, for which git need not be asked each time."""

    own: Sequence[Record] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    """The commits that records name."""
    ends: frozenset[str] = frozenset()
    """The commits that a shallow clone's history ends with."""

    def steps(self, application: str, target: str) -> Sequence[Record]:  # noqa: ARG002 - they are of one place
        return self.own

    def _origin(self, record: Record, source: str, source_tip: str) -> str:
        if record.step.source == source and (found := self.known.get(record.step.origin)):
            return found
        if self.tip == source_tip and not self.ends:
            return record.commit
        return super()._origin(record, source, source_tip)

    def _seed(self, folder: str) -> str:
        found = self.added.get(folder, "")
        return found if found and found not in self.ends else super()._seed(folder)


@dataclass(frozen=True, slots=True)
class _Met:
    """A leg, and when its two ends last met."""

    leg: _Leg
    baseline: Baseline
    start: str
    """The commit from which the environments' branches hold the application itself in common; empty on one branch."""
    is_remote: bool
    """Whether one of the Applications takes a chart from a chart repository."""

    @property
    def sought(self) -> Iterator[tuple[Column, str, str]]:
        """The units to compare with, each with the column that it is of, and the commit at which it is wanted."""
        for column, commit in ((self.leg.source, self.baseline.source), (self.leg.target, self.baseline.target)):
            for unit in self.units(column):
                yield column, commit, unit
        if self.start:
            yield self.leg.source, self.start, layout.application(self.leg.application)

    def units(self, column: Column) -> list[str]:
        """Return the units that a promotion looks at in an environment."""
        environment, application = column.environment.name, self.leg.application
        argocd = [layout.argocd_application(environment, application)] if self.is_remote else []
        return [layout.deployment(environment, application), *argocd]


class _Survey:
    """One look at a repository; each step reads in bulk what the next one needs."""

    def __init__(self, root: Path, repository: Repository, only: str) -> None:
        self.root, self.repository, self.only = root, repository, only
        self.shelf = Shelf(root)
        found, edited = tips.of(root, repository), tips.edited(root)
        self.columns = [Column(each, found[each.name], each.name in edited) for each in repository.environments]
        self.commits = dict.fromkeys(each.tip.commit for each in self.columns if each.tip.commit)

    def matrix(self) -> Matrix:
        """Return what there is."""
        lags = dict(self._lags())
        found = {}
        for column in self.columns:
            name = column.environment.name
            for application in self.deployed[name]:
                version = versions.of(self.states[column.tip.commit], application, name)
                last = next(iter(self._records(column, application)), None)
                found[application, name] = Deployment(application, name, version, last, lags.get((application, name)))
        names = {each.name for each in self.repository.applications} | {application for application, _ in found}
        return Matrix(self.columns, [self.only] if self.only else sorted(names), found)

    @cached_property
    def listed(self) -> Mapping[str, State]:
        """The state of each tip."""
        return {commit: self.shelf.state(commit) for commit in self.commits}

    @cached_property
    def deployed(self) -> Mapping[str, Sequence[str]]:
        """The applications of each environment."""
        return {each.environment.name: [*self._deployed(each)] if each.tip.commit else [] for each in self.columns}

    def _deployed(self, column: Column) -> Iterator[str]:
        units, above = self.listed[column.tip.commit].units, f"{layout.environment(column.environment.name)}/"
        for unit in units:
            name = unit.removeprefix(above)
            if name != unit and "/" not in name and self.only in {"", name}:
                settings = layout.application_settings(name)
                if settings in units.get(layout.application(name), ()):
                    yield name

    @cached_property
    def states(self) -> Mapping[str, State]:
        """The state of each tip, with what is of interest read; an Application without a chart of its own is not."""
        self.shelf.load({blob for each in self.columns if each.tip.commit for blob in self._wanted(each)})
        return {commit: self._remote(commit, state) for commit, state in self.listed.items()}

    def _wanted(self, column: Column) -> Iterator[str]:
        """Yield the blobs that tell an environment's versions and settings."""
        state = self.listed[column.tip.commit]
        for application in self.deployed[column.environment.name]:
            yield from versions.looked_at(state, *versions.places(application, column.environment.name))
            yield state.units[layout.application(application)][layout.application_settings(application)].blob

    def _remote(self, commit: str, state: State) -> State:
        ours = {
            layout.argocd_application(column.environment.name, application)
            for column in self.columns
            if column.tip.commit == commit
            for application in self.deployed[column.environment.name]
        }

        def is_wanted(unit: str) -> bool:
            if not unit.startswith(f"{layout.ARGOCD}/"):
                return True
            return unit in ours and versions.may_be_remote(state.read(unit) or b"")

        return State(self.shelf, {unit: files for unit, files in state.units.items() if is_wanted(unit)})

    # What happened

    @cached_property
    def lines(self) -> Mapping[str, Line]:
        """The commits of each tip's branch."""
        # On a trunk, all environments have the same chart or base.
        folders = [layout.ENVIRONMENTS, layout.ARGOCD, *([layout.APPLICATIONS] if len(self.commits) > 1 else [])]
        return {commit: lines.read(self.root, commit, *folders) for commit in self.commits}

    @cached_property
    def added(self) -> Mapping[str, Mapping[str, str]]:
        """The commits with which deployments came, by the branch's tip and the deployment's folder."""
        found = {}
        for tip, line in self.lines.items():
            # Whether a folder that lost files was gone for a while takes a closer look.
            others = [unit for unit in self._folders(tip) if unit not in line.added]
            found[tip] = {**line.added, **(baseline.added(self.root, tip, *others) if others else {})}
        return found

    def _folders(self, tip: str) -> Iterator[str]:
        for column in self.columns:
            if column.tip.commit == tip:
                name = column.environment.name
                yield from (layout.deployment(name, application) for application in self.deployed[name])

    @cached_property
    def records(self) -> Mapping[reverts.Place, Sequence[Record]]:
        """What was promoted and rolled back and holds, by the branch's tip, the application and the environment."""
        found: dict[reverts.Place, list[Record]] = {}
        for commit in self.commits:
            for each in history.records(self.root, commit):
                if not each.reverted:
                    found.setdefault((commit, each.step.application, each.step.target), []).append(each)
        tips = {(each.tip.commit, each.environment.name) for each in self.columns}
        last = [place for place in found if (place[0], place[2]) in tips]
        while last := reverts.find(self.shelf, self.states, self.lines, {place: found[place][0] for place in last}):
            for place in last:
                del found[place][0]
            last = [place for place in last if found[place]]
        return found

    def _records(self, column: Column, application: str) -> Sequence[Record]:
        return self.records.get((column.tip.commit, application, column.environment.name), ())

    @cached_property
    def known(self) -> Mapping[str, str]:
        """The commits that records name, as far as this clone has them."""
        names = sorted({each.step.origin for listed in self.records.values() for each in listed if each.step.origin})
        answers = objects.types(self.root, [f"{name}^{{commit}}" for name in names])
        return {name: id for name, (id, kind) in zip(names, answers, strict=True) if kind == "commit"}

    @cached_property
    def ends(self) -> frozenset[str]:
        """The commits that a shallow clone's history ends with."""
        file = git.at(self.root).git_path("shallow", shared=True)
        return frozenset(file.read_text().split()) if file.is_file() else frozenset()

    # From one environment to the next

    def _legs(self) -> Iterator[_Leg]:
        columns = {each.environment.name: each for each in self.columns}
        for target in self.columns:
            source = columns.get(target.environment.promotes_from)
            if source is not None:
                both = set(self.deployed[source.environment.name])
                yield from (
                    _Leg(name, source, target) for name in self.deployed[target.environment.name] if name in both
                )

    def _met(self, leg: _Leg) -> _Met:
        source, target = leg.source.environment.name, leg.target.environment.name
        tip = leg.target.tip.commit
        past = _Past(
            *(self.root, tip, self.added[tip]),
            *(self._records(leg.target, leg.application), self.known, self.ends),
        )
        found = past.baseline(leg.application, source, target, leg.source.tip.commit)
        start = ""
        if leg.source.tip.commit != tip:
            start = found.source if found.record else self._parting(leg.source.tip.commit, tip) or found.source
        is_remote = any(
            layout.argocd_application(column.environment.name, leg.application) in self.states[column.tip.commit].units
            for column in (leg.source, leg.target)
        )
        return _Met(leg, found, start, is_remote)

    def _parting(self, one: str, other: str) -> str:
        if (one, other) not in self._partings:
            self._partings[one, other] = git.run(self.root, "merge-base", one, other, accepted=(0, 1)).strip()
        return self._partings[one, other]

    @cached_property
    def _partings(self) -> dict[tuple[str, str], str]:
        return {}

    def _lags(self) -> Iterator[tuple[tuple[str, str], Lag]]:
        """Yield how far each deployment is behind, by application and environment."""
        met = []
        for leg in self._legs():
            try:
                met.append(self._met(leg))
            except ArgosyError as error:
                yield leg.place, _unknown(leg, error)
        sought = {(column.tip.commit, commit) for each in met for column, commit, _ in each.sought}
        places = lines.meetings(self.root, self.lines, sought)
        before = self._before(met, places)
        for each in met:
            try:
                yield each.leg.place, self._lag(each, before, places)
            except ArgosyError as error:
                yield each.leg.place, _unknown(each.leg, error)

    def _before(self, met: Iterable[_Met], places: Mapping[tuple[str, str], int]) -> Mapping[str, State]:
        """Return what the units of all legs were at their baselines, by commit."""
        units: dict[str, dict[str, Mapping[str, Entry]]] = {}
        changed: set[Place] = set()
        for each in met:
            for column, commit, unit in each.sought:
                tip = column.tip.commit
                line = self.lines[tip]
                if commit in line.places and not line.since(places[tip, commit], [unit]):
                    units.setdefault(commit, {})[unit] = self.states[tip].units.get(unit, {})
                else:
                    changed.add((commit, unit))
        for commit, state in self.shelf.states(changed).items():
            units[commit] = {**units.get(commit, {}), **state.units}
        self.shelf.load(
            entry.blob
            for commit, unit in changed
            if not unit.startswith(f"{layout.APPLICATIONS}/")
            for entry in units[commit].get(unit, {}).values()
        )
        return {commit: State(self.shelf, found) for commit, found in units.items()}

    def _lag(self, met: _Met, before: Mapping[str, State], places: Mapping[tuple[str, str], int]) -> Lag:
        leg, base = met.leg, met.baseline
        names = (leg.source.environment.name, leg.target.environment.name)
        now = (self.states[leg.source.tip.commit], self.states[leg.target.tip.commit])
        sides = baseline.sides(base, leg.application, names, now, before.__getitem__)
        policy = _policy(_without_comments(now[1].read(layout.application_settings(leg.application)) or b""))
        decisions = decide(sides, policy, Names(*names, base.since, promoted=base.is_promotion))
        line = self.lines[leg.source.tip.commit]
        shared = [layout.application(leg.application)] if met.start else []
        changes = line.since(places[leg.source.tip.commit, base.source], [*met.units(leg.source), *shared])
        return Lag(
            names[0],
            decisions,
            _drifted(decisions, policy, sides),
            [*_newer(leg.application, *now, before[met.start])] if met.start else [],
            len(changes),
            line.time(changes[-1]) if changes else None,
        )


_policy = lru_cache(Policy.of)


def _without_comments(settings: bytes) -> bytes:
    """Return settings as most applications have them, so that most have one policy together."""
    return b"\n".join(line for line in settings.splitlines() if line and not line.startswith(b"#"))


def _unknown(leg: _Leg, error: ArgosyError) -> Lag:
    return Lag(leg.source.environment.name, unknown=f"{error.message} {error.hint}".strip())


def _drifted(decisions: Iterable[Decision], policy: Policy, sides: Sides) -> list[Decision]:
    """Return the decisions on keys that should be the same in both environments, and that someone set by hand."""
    staying = {Verdict.CONFLICT, Verdict.KEPT}
    found = [each for each in decisions if each.verdict in staying and _is_promoted(each.key, policy)]
    if not found:
        return []
    changed = differing(sides.target_before, sides.target)
    return [each for each in found if any(overlap(each.key, key) for key in changed)]


def _is_promoted(key: Key, policy: Policy) -> bool:
    return policy.treatment_of(key) is Treatment.PROMOTE


def _newer(application: str, source: State, target: State, before: State) -> Iterator[str]:
    """Yield the files of an application that its source's branch changed, and the target's does not have so."""
    folder = layout.application(application)
    theirs, ours, was = (each.units.get(folder, {}) for each in (source, target, before))
    for path in sorted({*theirs, *ours}):
        if theirs.get(path) not in (ours.get(path), was.get(path)):
            yield path
