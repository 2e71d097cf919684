"""What the commits tell of promotions: which ones hold, and what source and target were when they last met.

It is read from Git in bulk, for one application as for a thousand: a promotion and `argosy status` ask the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from argosy import git
from argosy.errors import ArgosyError, ShallowError
from argosy.git.repository import Entry
from argosy.git.snapshot import Snapshot
from argosy.promotion import deployment, lines, trailers
from argosy.promotion.decision import Both, Sides, differing
from argosy.promotion.lines import Graph, Line
from argosy.promotion.renames import Rename
from argosy.promotion.states import ObjectCache, State, unit_of
from argosy.promotion.trailers import Kind, Record
from argosy.repository import layout
from argosy.yaml_edit.keys import overlap

_FARTHEST = 20
"""How many changes of a deployment are looked at to find the one that a step brought."""


class Place(NamedTuple):
    """An application in an environment, on the branch that ends with a commit."""

    tip: str
    application: str
    environment: str

    @property
    def names(self) -> Deployment:
        """What the deployment is called there."""
        return Deployment(self.application, self.environment)

    @property
    def units(self) -> tuple[str, str]:
        """What promotion looks at of the deployment."""
        return deployment.units(self.application, self.environment)


class Deployment(NamedTuple):
    """An application in an environment, by their names at some time."""

    application: str
    environment: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An application between two environments, each in the state in which a promotion reads it."""

    application: str
    source: str
    target: str
    now: tuple[Snapshot, Snapshot]

    @property
    def places(self) -> tuple[Place, Place]:
        """Where it is promoted from, and to."""
        source, target = self.now
        return Place(source.commit, self.application, self.source), Place(target.commit, self.application, self.target)

    @property
    def place(self) -> Place:
        """Where it is promoted to."""
        return self.places[1]

    @property
    def deployments(self) -> tuple[Deployment, Deployment]:
        """What is promoted, and what that changes."""
        return Deployment(self.application, self.source), Deployment(self.application, self.target)

    @property
    def is_across(self) -> bool:
        """Whether the environments are read from different states: each has the application itself, too."""
        return self.now[0] != self.now[1]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The commits at which source and target are looked at as they were before."""

    source: str
    target: str
    since: str
    """What happened then, for reasons."""
    record: Record | None = None
    """The promotion or rollback that it was; None if there was none yet."""
    places: tuple[Deployment, Deployment] | None = None
    """What source and target were called at these commits; None: as they are now."""

    @property
    def is_promotion(self) -> bool:
        """Return whether it was a promotion, so that what it left different is meant to be."""
        return self.record is not None and self.record.step.kind is Kind.PROMOTION


@dataclass(frozen=True)
class Comparison:
    """What is merged to promote an application."""

    edge: Edge
    baseline: Baseline
    before: tuple[State, State]
    """Source and target at the baseline: what promotion looks at of them."""
    now: tuple[State, State]
    start: State | None
    """What the branches of the two last had in common of the application itself; None on one branch."""
    history: History = field(repr=False, compare=False)
    """Where it was read."""

    @cached_property
    def sides(self) -> Sides:
        """The four versions of the deployment's files, by their names of today.

        Raise ArgosyError for a link that cannot be followed now.
        """
        before = [self.history.files(*each) for each in zip(self.edge.places, self._called, self.before, strict=True)]
        now = [
            deployment.files(state, *names, present=True)
            for state, names in zip(self.now, self.edge.deployments, strict=True)
        ]
        return Sides(before[0], now[0], before[1], now[1])

    @cached_property
    def carried(self) -> Mapping[str, tuple[Entry | None, Entry | None, Entry | None]]:
        """The files of the application itself that the source's branch changed and the target's does not have so.

        By path: what they were at the start, what they are in the source, and in the target.
        """
        if self.start is None:
            return {}
        source = self.edge.places[0]
        was = self.history.shared(source, self.history.named_at(source, self.start.commit), self.start)
        chart = self.history.chart(self.edge)
        was |= self.start.entries(*chart)
        units = (layout.application(self.edge.application), *chart)
        theirs, ours = (each.entries(*units) for each in self.now)
        found = ((path, (was.get(path), theirs.get(path), ours.get(path))) for path in sorted({*theirs, *ours}))
        return {path: three for path, three in found if three[1] not in (three[0], three[2])}

    @property
    def blobs(self) -> Iterator[str]:
        """The ids of all contents that decide on the promotion."""
        states = (*self.before, *self.now)
        for state, names in zip(states, (*self._called, *self.edge.deployments), strict=True):
            for entry in state.entries(*deployment.units(*names)).values():
                yield entry.blob
        settings = layout.application_settings(self.edge.application)
        shared = (self.now[1].entry(settings), *(each for three in self.carried.values() for each in three))
        yield from (entry.blob for entry in shared if entry)

    @property
    def _called(self) -> tuple[Deployment, Deployment]:
        """What source and target were called at the baseline."""
        return self.baseline.places or self.edge.deployments


class Life(NamedTuple):
    """Names that a deployment had for some time: the places in its branch's line that it came with and ended with."""

    names: Deployment
    since: int
    until: int
    """-1 if it has not ended."""


_ADDED = re.compile(
    r"^(?:Argosy-Change: )?Add (?:the environment )?[a-z0-9-]+(?:, [a-z0-9-]+)*(?: \([^()]*\))?\s*$", re.MULTILINE
)
"""What the message of `argosy add` says, in a commit and in that of its pull request."""


class History:
    """What the commits of a repository tell of promotions; what was read once is kept."""

    def __init__(self, root: Path) -> None:
        """Take the repository's root; nothing is read yet."""
        self.root, self.cache, self.graph = root, ObjectCache(root), Graph(root)
        self._lines: dict[str, Line] = {}
        self._records: dict[str, Mapping[tuple[str, str], list[Record]]] = {}
        self._held: dict[Place, list[Record]] = {}
        self._named: dict[Place, list[Life]] = {}
        self._merge_bases: dict[tuple[str, str], str] = {}

    @cached_property
    def ends(self) -> frozenset[str]:
        """The commits that a shallow clone's history ends with, so that all their files look new."""
        file = git.at(self.root).git_path("shallow", shared=True)
        return frozenset(file.read_text().split()) if file.is_file() else frozenset()

    def line(self, tip: str, *folders: str) -> Line:
        """Return the line of a tip, with what its commits changed below folders at least."""
        found = self._lines.get(tip)
        if found is None or not all(map(found.covers, folders)):
            known = found.folders if found else ()
            found = self._lines[tip] = lines.read(self.root, tip, *known, *folders)
        return found

    def records(self, place: Place) -> Sequence[Record]:
        """Return what was promoted and rolled back in a place, the newest first, whether it was undone or not.

        That is since the application came there, be it with another name; not what had its name in a former life.
        """
        told = self._of_tip(place.tip)
        if not told:
            return ()
        line = self.line(place.tip, layout.ENVIRONMENTS, layout.ARGOCD)
        commits, found = line.commits, list[Record]()
        for life in self._lives(place):
            # What is part of the history before a life belongs to another one.
            first, last = (commits[each] if each < len(commits) else "" for each in (life.since + 1, life.until + 1))
            found += [
                each
                for each in told.get(life.names, ())
                if not self._is_before(each.commit, first, place.tip)
                and (life.until < 0 or self._is_before(each.commit, last, place.tip))
            ]
        return found

    def _is_before(self, commit: str, last: str, tip: str) -> bool:
        """Return whether a commit is part of the history that ends with another one; "" is none."""
        places = self._lines[tip].places
        if last and commit in places:
            return places[commit] >= places[last]
        return bool(last) and self.graph.is_part(commit, last, tip)

    def _lives(self, place: Place) -> list[Life]:
        """Return the names that a deployment has had, the present ones first."""
        if place not in self._named:
            line = self.line(place.tip, layout.ENVIRONMENTS, layout.ARGOCD)
            names, until, lives = place.names, -1, list[Life]()
            while True:
                since, former = self._began(line, names, until)
                lives.append(Life(names, since, until))
                if former is None:
                    break
                names, until = former, since
            self._named[place] = lives
        return self._named[place]

    def _began(self, line: Line, names: Deployment, after: int) -> tuple[int, Deployment | None]:
        """Return with which commit before a place a deployment came, and from what it was renamed, if it was."""
        folder = layout.deployment(names.environment, names.application)
        for place in (each for each in line.came.get(folder, ()) if each > after):
            former = self._former(line, place, names)
            if former or not self._has_returned(line, place, folder):
                return place, former
        return len(line.times), None

    def _has_returned(self, line: Line, place: int, folder: str) -> bool:
        """Return whether the commit at a place brought a folder back as it had gone, as the revert of that does.

        `argosy add` may make the same files anew, and says that it adds them.
        """
        went = min((each for each, units in line.gone.items() if each > place and folder in units), default=None)
        if went is None:
            return False
        commits = [line.commits[each] for each in (place, went + 1)]
        self.cache.look((), [(each, folder) for each in commits])
        back, before = (self.cache.unit(each, folder) for each in commits)
        if back != before:
            return False
        # Not by a process for each deployment that came back.
        [commit] = git.at(self.root).objects.read(commits[:1])
        message = ((commit and commit.content) or b"").partition(b"\n\n")[2]
        return not _ADDED.search(message.decode(errors="replace"))

    def _former(self, line: Line, place: int, deployed: Deployment) -> Deployment | None:
        """Return from what a deployment's folder was renamed with the commit at a place; None if it was not."""
        application, environment = deployed
        gone = line.gone.get(place, ())
        if place in line.came.get(layout.environment_settings(environment), ()):
            # With the environment: many have the same files, so that only names tell which was which.
            old = [layout.environment_of(each) for each in gone if each.endswith(f"/{layout.ENVIRONMENT_SETTINGS}")]
            went = [each for each in old if each and layout.deployment(each, application) in gone]
            return Deployment(application, went[0]) if len(went) == 1 else None
        # On an environment's own branch, the folder goes later than its Application, after Argo CD has synced that.
        names = {
            layout.application_of(each) or layout.application_of(f"{each}/")
            for each in gone
            if layout.environment_of(each) == environment
        }
        former = {layout.deployment(environment, each): each for each in names if each and each != application}
        if not former:
            return None
        new = layout.deployment(environment, application)
        listed = git.run(
            self.root,
            *("diff-tree", "-r", "-z", "-C", "--find-copies-harder", "--diff-filter=CR", "--name-status"),
            *(line.commits[place + 1], line.commits[place], "--", new, *former),
        )
        parts = listed.split("\0")
        pairs = zip(parts[1::3], parts[2::3], strict=False)
        moved = {former[unit_of(path)] for path, to in pairs if unit_of(to) == new and unit_of(path) in former}
        return Deployment(moved.pop(), environment) if len(moved) == 1 else None

    def files(self, place: Place, names: Deployment, state: State) -> dict[str, bytes]:
        """Return the files of a deployment in a state in which it had these names, by those that it has now."""
        found = deployment.files(state, *names)
        for new, commit in self._renames(place, names):
            there = deployment.files(self._at(place.tip, commit, *deployment.units(*new)), *new)
            # Application and environment may have the same name.
            changed = {old: now for old, now in zip(names, new, strict=True) if old != now}
            rename = Rename(changed, there)
            found = {rename.path(path): rename.content(path, content) for path, content in found.items()}
            names = new
        return found

    def shared(self, place: Place, names: Deployment, state: State) -> dict[str, Entry]:
        """Return the same of the application itself: its chart or base, by path in the repository."""
        folder = layout.application(names.application)
        found = state.entries(folder)
        for new, commit in self._renames(place, names):
            former, folder = folder, layout.application(new.application)
            if former == folder:
                continue
            there = self._at(place.tip, commit, folder).files(folder)
            rename = Rename({names.application: new.application}, {path: each.content for path, each in there.items()})
            self.cache.load(entry.blob for entry in found.values())
            moved = {f"{folder}{path.removeprefix(former)}": entry for path, entry in found.items()}
            texts = {path: rename.content(path, self.cache.content(entry.blob)) for path, entry in moved.items()}
            found = {rename.path(path): Entry(each.mode, self.cache.keep(texts[path])) for path, each in moved.items()}
            names = new
        return found

    def _renames(self, place: Place, names: Deployment) -> Iterator[tuple[Deployment, str]]:
        """Yield how a deployment was renamed since it had these names, the oldest first: to what, with which commit."""
        lives = self._lives(place)
        since = next((number for number, each in enumerate(lives) if each.names == names), 0)
        for each in reversed(lives[:since]):
            yield each.names, self._lines[place.tip].commits[each.since]

    def environments(self, tip: str, application: str) -> list[str]:
        """Return to which environments an application was promoted on a branch, even if they are gone."""
        return [environment for name, environment in self._of_tip(tip) if name == application]

    def _of_tip(self, tip: str) -> Mapping[tuple[str, str], list[Record]]:
        """Return all records on a branch, by application and environment."""
        if tip not in self._records:
            found: dict[tuple[str, str], list[Record]] = {}
            for each in trailers.records(self.root, tip):
                found.setdefault((each.step.application, each.step.target), []).append(each)
            self._records[tip] = found
        return self._records[tip]

    def held(self, places: Collection[Place]) -> Mapping[Place, Sequence[Record]]:
        """Return what was promoted and rolled back and not reverted, the newest first.

        Reverted is what a commit says that it reverts. Not every revert says so: the newest are also where all that
        they changed is as it was before.
        """
        fresh = {each for each in places if each not in self._held}
        self._held |= {each: [record for record in self.records(each) if not record.reverted] for each in fresh}
        while fresh := self._undone({each: self._held[each][0] for each in fresh if self._held[each]}):
            for each in fresh:
                del self._held[each][0]
        return {each: self._held[each] for each in places}

    def _undone(self, last: Mapping[Place, Record]) -> set[Place]:
        """Return the places in which nothing is left of what their last step changed."""
        asked = {
            place: each
            for place, each in last.items()
            if each.parent and not self._has_kept(place.tip, each.commit, *each.units)
        }
        # What a baseline needs next, as a rule: the source in the state that was promoted.
        origins = {
            (each.step.origin, unit)
            for each in asked.values()
            if each.step.source and len(each.step.origin) == len(each.commit)
            for unit in deployment.units(each.step.application, each.step.source)
        }
        wanted = {(commit, unit) for each in asked.values() for commit in each.both for unit in each.units}
        self.cache.look((each.step.origin for each in asked.values()), wanted | origins)
        states = {
            place: (*(self._at("", commit, *each.units) for commit in each.both), self.cache.state(place.tip))
            for place, each in asked.items()
        }
        changed = {
            place: three
            for place, three in states.items()
            if three[1].entries(*asked[place].units) != three[2].entries(*place.units)
        }
        self.cache.load(
            entry.blob
            for place, three in changed.items()
            for each in three
            for entry in each.entries(*place.units, *asked[place].units).values()
        )
        found = set()
        for place, three in changed.items():
            step = asked[place].step
            names = Deployment(step.application, step.target)
            before, then = (self.files(place, names, each) for each in three[:2])
            now = deployment.files(three[2], place.application, place.environment)
            changes = differing(before, then) if then != now else []
            if changes and not any(overlap(key, other) for other in differing(before, now) for key in changes):
                found.add(place)
        return found

    def in_force(self, place: Place) -> list[Record]:
        """Return the promotions that were neither reverted nor rolled back, the newest first."""
        held = self.held([place])[place]
        self.cache.look((each.step.origin for each in held if each.step.kind is Kind.ROLLBACK), ())
        standing: list[Record] = []
        for each in reversed(held):
            if each.step.kind is Kind.PROMOTION:
                standing.append(each)
                continue
            # A rollback undoes what came after the state that it restores.
            origin = self._origin(each) or self._met(each, place.tip, each.step.target)
            while standing and not (origin and self.graph.is_part(standing[-1].commit, origin, place.tip)):
                standing.pop()
        return standing[::-1]

    def compare(self, edges: Sequence[Edge]) -> list[Comparison | ArgosyError]:
        """Return what is merged to promote each application, or why the history does not tell."""
        held = self.held([each.place for each in edges])
        for place, records in held.items():
            if not records:
                self.line(place.tip, layout.ENVIRONMENTS, layout.ARGOCD)
        self.cache.look((each.step.origin for found in held.values() for each in found[:1]), ())
        baselines = [self._baseline(each) for each in edges]
        known = [(each, base) for each, base in zip(edges, baselines, strict=True) if isinstance(base, Baseline)]
        self.cache.look(
            (),
            (
                (commit, unit)
                for edge, base in known
                for tip, commit, units in self._looked_at(edge, base)
                for unit in units
                if not self._has_kept(tip, commit, unit)
            ),
        )
        found = [
            self._comparison(edge, base) if isinstance(base, Baseline) else base
            for edge, base in zip(edges, baselines, strict=True)
        ]
        self.cache.load(blob for each in found if isinstance(each, Comparison) for blob in each.blobs)
        return found

    def _baseline(self, edge: Edge) -> Baseline | ArgosyError:
        """Return when source and target of an application last met, or why the history does not tell."""
        place = edge.place
        try:
            held = self.held([place])[place]
            if not held:
                seed, target = self._seed(place)
                called = self.named_at(edge.places[0], seed)
                return Baseline(seed, seed, f"{place.application} came to {place.environment}", places=(called, target))
            last = held[0]
            then = Deployment(last.step.application, last.step.target)
            if last.step.kind is Kind.PROMOTION:
                source, called = self._promoted(last, edge)
                return Baseline(source, last.commit, "the last promotion", last, (called, then))
            if standing := self.in_force(place):
                source, called = self._promoted(standing[0], edge)
            else:
                source, _ = self._seed(place)
                called = self.named_at(edge.places[0], source)
            return Baseline(source, last.commit, "the last rollback", last, (called, then))
        except ArgosyError as error:
            return error

    def _promoted(self, record: Record, edge: Edge) -> tuple[str, Deployment]:
        """Return the commit whose source a step promoted, or the nearest that is known, and the source's names then."""
        here = edge.places[0]
        told = Deployment(record.step.application, record.step.source)
        if told in {each.names for each in self._lives(here)} and (
            found := self._origin(record) or self._met(record, here.tip, told.environment)
        ):
            return found, told
        tip = here.tip
        found = record.commit if tip == edge.place.tip else self.merge_base(record.commit, tip) or record.commit
        return found, self.named_at(here, found)

    def named_at(self, place: Place, commit: str) -> Deployment:
        """Return what a deployment was called at a commit."""
        if len(self._lives(place)) == 1:
            return place.names
        return self._called_at(place, self.graph.meeting(commit, self._lines[place.tip].places))

    def former(self, place: Place) -> list[Deployment]:
        """Return what a deployment was called before a rename, or several: the newest first."""
        return [each.names for each in self._lives(place)[1:]]

    def _called_at(self, place: Place, at: int) -> Deployment:
        """Return what a deployment was called at a place in its branch's line."""
        lives = self._lives(place)
        return next((each.names for each in lives if each.until < at <= each.since), lives[-1 if at else 0].names)

    def _origin(self, record: Record) -> str:
        """Return the commit that a step names, "" where it is gone; raise ArgosyError in a shallow clone."""
        found = self.cache.commit(record.step.origin)
        if record.step.origin and not found and self.ends:
            raise cut_off(self.root, f"the last {record.step.kind.value} to {record.step.target}")
        return found

    def _met(self, record: Record, tip: str, environment: str) -> str:
        """Return the commit of a branch at which an environment had what a title tells of, "" where none is found.

        Of several it is the oldest from which on the source had it, so that a later change is looked at again, rather
        than taken for one that was left; of a rollback it is the newest before.
        """
        if not record.by_title:
            return ""
        back = record.step.kind is Kind.ROLLBACK
        application, target = record.step.application, record.step.target
        units = deployment.units(application, environment)
        # All environments at once: another application asks next.
        line = self.line(tip, layout.ENVIRONMENTS, layout.ARGOCD)
        last = line.places.get(record.commit)
        commits = [*line.places]
        touched = sorted({each for unit in units for each in line.touched.get(unit, ())})
        if last is None:
            found = [each for each in touched if line.times[each] <= record.when.timestamp()]
        else:
            found = [each for each in touched if each >= last + back]
        candidates = [commits[each] for each in found[:_FARTHEST]]
        there = deployment.units(application, target)
        self.cache.look((), [(each, unit) for each in candidates for unit in units])
        before, after = (
            deployment.files(self._at("", each, *there), application, target) if each else {} for each in record.both
        )
        changes = differing(before, after)
        states = {each: self._at("", each, *units) for each in candidates if changes}
        self.cache.load(entry.blob for state in states.values() for entry in state.entries(*units).values())
        met = ""
        for each, state in states.items():
            then = deployment.files(state, application, environment)
            if not any(overlap(key, other) for other in differing(after, then) for key in changes):
                met = each
            if met and (back or met != each):
                break
        return met

    def cut(self, place: Place) -> ArgosyError | None:
        """Return the error that says that the history ends before a deployment came, so that it may lack promotions."""
        if not self.ends or not self.cache.state(place.tip).entries(place.units[0]):
            return None
        try:
            self._seed(place)
        except ArgosyError:
            return cut_off(self.root, f"when {place.units[0]} came", "what was promoted before")
        return None

    def _seed(self, place: Place) -> tuple[str, Deployment]:
        """Return the commit with which a deployment came, and its names then; raise ArgosyError where it is cut off."""
        first = self._lives(place)[-1]
        commits = self._lines[place.tip].commits
        found = commits[first.since] if first.since < len(commits) else ""
        if not found or found in self.ends:
            raise cut_off(self.root, f"when {layout.deployment(first.names.environment, first.names.application)} came")
        return found, first.names

    def _looked_at(self, edge: Edge, base: Baseline) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Return the units that are compared with now: for each state, the branch's tip, the commit, and its units."""
        tips = tuple(each.commit for each in edge.now)
        was, had = base.places or edge.deployments
        start = base.source
        if edge.is_across and base.record is None:
            start = self.merge_base(*tips) or start
        there = self.named_at(edge.places[0], start)
        return (
            (tips[0], base.source, deployment.units(*was)),
            (tips[1], base.target, deployment.units(*had)),
            (tips[0], start, (layout.application(there.application), *self.chart(edge)) if edge.is_across else ()),
        )

    def chart(self, edge: Edge) -> Sequence[str]:
        """Return the folder of the shared chart in the version that the source follows, none for another chart."""
        found = deployment.shared_chart(self.state(edge.now[0]), edge.application, edge.source)
        return [found] if found else []

    def _comparison(self, edge: Edge, base: Baseline) -> Comparison:
        source, target, start = (self._at(tip, commit, *units) for tip, commit, units in self._looked_at(edge, base))
        now = tuple(self.state(each) for each in edge.now)
        return Comparison(edge, base, (source, target), (now[0], now[1]), start if edge.is_across else None, self)

    def later(self, found: Comparison) -> Sequence[Both]:
        """Return the files of source and target after each commit since the baseline, the newest first.

        On branches of their own they have no commits in common, and there are none.
        """
        edge = found.edge
        if edge.is_across:
            return ()
        # All environments at once: another application asks next.
        line = self.line(edge.place.tip, layout.ENVIRONMENTS, layout.ARGOCD)
        since = {each for place in edge.places for each in self.since(place, found.baseline.target)}
        called = {line.commits[each]: [self._called_at(place, each) for place in edge.places] for each in sorted(since)}
        states = self.units(
            {(commit, unit) for commit, both in called.items() for names in both for unit in deployment.units(*names)}
        )
        self.cache.load(entry.blob for state in states.values() for entry in state.entries(*state.units).values())
        files = [
            [self.files(place, names, states[commit]) for place, names in zip(edge.places, both, strict=True)]
            for commit, both in called.items()
        ]
        return [(source, target) for source, target in files]

    def since(
        self,
        place: Place,
        commit: str,
        units: Callable[[str, str], Iterable[str]] = deployment.units,
    ) -> list[int]:
        """Return which commits of a branch's line changed a deployment after one, but for renames, the newest first.

        `units` gives what counts, by the names of application and environment.
        """
        line, lives = self._lines[place.tip], self._lives(place)
        start = self.graph.meeting(commit, line.places)
        found = {
            each
            for life in lives
            for each in line.since(min(start, life.since + 1), units(*life.names))
            if each > life.until
        }
        return sorted(found - {each.since for each in lives[:-1]})

    def state(self, snapshot: Snapshot) -> State:
        """Return a snapshot as a state whose contents are read together with others."""
        return self.cache.state(snapshot.commit).with_files(snapshot.written)

    def units(self, places: Collection[tuple[str, str]]) -> Mapping[str, State]:
        """Return units at commits as states, by commit; `places` are pairs of both."""
        self.cache.look((), places)
        found: dict[str, dict[str, Mapping[str, Entry]]] = {}
        for commit, unit in places:
            found.setdefault(commit, {})[unit] = self.cache.unit(commit, unit)
        return {commit: State(self.cache, units, commit) for commit, units in found.items()}

    def _at(self, tip: str, commit: str, *units: str) -> State:
        """Return units at a commit; `tip` is of its branch."""
        return State(
            self.cache,
            {
                unit: self.cache.state(tip).units.get(unit, {})
                if self._has_kept(tip, commit, unit)
                else self.cache.unit(commit, unit)
                for unit in units
            },
            commit,
        )

    def _has_kept(self, tip: str, commit: str, *units: str) -> bool:
        """Return whether units are known to be at a tip what they were at a commit."""
        line = self._lines.get(tip)
        return tip == commit or (line is not None and line.has_kept(commit, *units))

    def merge_base(self, one: str, other: str) -> str:
        """Return the commit that two last had in common, "" where there is none."""
        if (one, other) not in self._merge_bases:
            found = git.run(self.root, "merge-base", one, other, accepted=(0, 1)).strip()
            self._merge_bases[one, other] = found
        return self._merge_bases[one, other]


def cut_off(root: Path, what: str, unknown: str = "what changed since") -> ShallowError:
    """Return the error that says what a shallow clone lacks, and what therefore is unknown."""
    return ShallowError(root, f"This clone does not reach back to {what}, so it is unknown {unknown}.")
