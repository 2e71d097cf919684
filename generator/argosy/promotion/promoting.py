"""Promotions and rollbacks: which keys move, and what the files are afterwards. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from argosy import git, temporary
from argosy.change import edits
from argosy.documents import encrypted
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import SYMLINK, Blob, Files
from argosy.git.snapshot import Snapshot, Written
from argosy.promotion import baseline, history
from argosy.promotion.baseline import Baseline, Past
from argosy.promotion.decision import ABSENT, Choices, Decision, Names, Sides, Verdict, decide, differing
from argosy.promotion.history import Kind, Record, Step
from argosy.promotion.policy import Pattern, Policy, Treatment
from argosy.repository import layout, model
from argosy.repository.model import Repository
from argosy.yaml_edit import editing
from argosy.yaml_edit.keys import Key, overlap


@dataclass(frozen=True, slots=True)
class Move:
    """What is decided on one application in one environment."""

    step: Step
    decisions: Sequence[Decision]
    written: Written = field(default_factory=dict)
    """The files that this changes, by their path in the repository."""

    @property
    def open(self) -> list[Decision]:
        """The decisions that someone has to take first."""
        return [each for each in self.decisions if each.verdict.is_open]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person decided: for all that is promoted, and on one application in one environment."""

    general: Choices = field(default_factory=Choices)
    own: Mapping[tuple[str, str], Choices] = field(default_factory=dict)
    """By application and environment; they come after the general ones."""

    def of(self, application: str, environment: str) -> Choices:
        """Return the choices that hold for an application in an environment."""
        own = self.own.get((application, environment), Choices())
        return Choices((*self.general.take, *own.take), (*self.general.leave, *own.leave))


@dataclass(frozen=True, slots=True)
class Widened:
    """An AppProject that has to permit more kinds because of what is moved."""

    path: str
    kinds: Sequence[model.Kind]
    blob: Blob


@dataclass(frozen=True)
class Promotion:
    """What is to be moved into one state of the repository."""

    before: Snapshot
    moves: Sequence[Move]
    projects: Sequence[Widened] = ()

    @cached_property
    def after(self) -> Snapshot:
        """The state that comes out."""
        return self.before.with_files(self.written)

    @property
    def written(self) -> Written:
        """The files that change."""
        moved = {path: blob for move in self.moves for path, blob in move.written.items()}
        return moved | {each.path: each.blob for each in self.projects}

    @property
    def steps(self) -> list[Step]:
        """The steps that change something."""
        return [move.step for move in self.moves if move.written]

    @property
    def is_open(self) -> bool:
        """Tell whether someone has to decide something first."""
        return any(move.open for move in self.moves)

    @property
    def postponed(self) -> list[tuple[Step, Decision]]:
        """What is open still, although it was left, and where."""
        return [(move.step, each) for move in self.moves for each in move.decisions if each.postponed]


# Promotion


def route(repository: Repository, target: str, source: str = "", *, chained: bool = False) -> list[tuple[str, str]]:
    """Return the environments to promote from and to, in order; without a source, from where the target promotes from.

    With `chained`, all the environments on the way are gone through.
    """
    found = edits.environment(repository, target)
    if source and edits.environment(repository, source).name == found.name:
        raise UsageError(f"{source} cannot be promoted to itself.", "Name two environments.")
    if source and not chained:
        return [(source, target)]
    way: list[tuple[str, str]] = []
    place = found
    while place.promotes_from and place.promotes_from not in {each for _, each in way}:
        way.insert(0, (place.promotes_from, place.name))
        place = edits.environment(repository, place.promotes_from)
        if not chained or place.name == source:
            break
    if not way or (source and way[0][0] != source):
        first = f"no environment on the way to {target} is called {source}" if source and way else "it is the first one"
        raise UsageError(
            f"Nothing tells where {target} is promoted from: {first}.",
            f"Name it with --from, or set promotesFrom in {layout.environment_settings(target)}.",
        )
    return way


def promote(
    applications: Iterable[str], environments: tuple[str, str], now: tuple[Snapshot, Snapshot], answers: Answers
) -> Promotion:
    """Return the promotion of applications; `environments` and `now` are of source and target.

    Raise ArgosyError where the history does not tell what was promoted last.
    """
    target = now[1]
    past = Past(target.root, target.commit)
    moves = [_promote(name, environments, now, past, answers.of(name, environments[1])) for name in applications]
    return Promotion(target, moves)


def _promote(
    application: str, environments: tuple[str, str], now: tuple[Snapshot, Snapshot], past: Past, choices: Choices
) -> Move:
    source, target = now
    base = past.baseline(application, *environments, source.commit)
    sides = baseline.sides(base, application, environments, now, lambda commit: Snapshot(past.root, commit))
    policy = policy_of(target, application)
    decisions = decide(sides, policy, Names(*environments, base.since, promoted=base.is_promotion), choices)
    modes = baseline.modes(source, application, environments[0])
    written = written_by(decisions, sides, application, environments[1], target, modes=modes)
    if source != target:
        shared, carried = _carry_over(application, now, base, choices, environments[0])
        decisions, written = [*decisions, *shared], {**written, **carried}
        if written:
            written |= _source_files(layout.deployment(environments[0], application), source, target)
    origin = source.commit if not source.written else ""
    return Move(Step(Kind.PROMOTION, application, *environments, origin), decisions, written)


def policy_of(state: Snapshot, application: str) -> Policy:
    """Return the policy of an application in a state."""
    return Policy.of(state.read(layout.application_settings(application)))


def written_by(
    decisions: Sequence[Decision],
    sides: Sides,
    application: str,
    environment: str,
    target: Snapshot,
    *,
    modes: Mapping[str, str] | None = None,
) -> dict[str, Blob | None]:
    """Return the files that the promoted keys change, by their path in the repository.

    `modes` are of files that the target does not have yet, by their path in the deployment's folder.
    """
    moved: dict[str, list[Key]] = {}
    for each in decisions:
        if each.verdict is Verdict.PROMOTED:
            moved.setdefault(each.key.file, []).append(each.key)
    places = {name: baseline.path_of(name, application, environment) for name in moved}
    held = target.files(*places.values())
    written: dict[str, Blob | None] = {}
    for name, named in moved.items():
        present = held.get(places[name])
        if present and present.mode == SYMLINK:
            raise ArgosyError(
                f"{places[name]} is a symbolic link, and a file where it is promoted from.",
                "Make both the same, or leave it out of promotion: name it under `pinned` in application.yaml.",
            )
        content = edited(name, named, sides)
        mode = present.mode if present else (modes or {}).get(name, "100644")
        written[places[name]] = None if content is None else Blob(mode, content)
    return written


def edited(name: str, named: Sequence[Key], sides: Sides) -> bytes | None:
    """Return a file of the target in which the named keys are the source's; None where it goes."""
    if any(not key.scope and not key.path for key in named):
        return sides.source.get(name)
    source, target = sides.source[name], sides.target[name]
    text = editing.take(target.decode(), source.decode(), [(key.scope, key.path) for key in named])
    return text.encode()


# What the environments' branches hold beside


def _carry_over(
    application: str, now: tuple[Snapshot, Snapshot], base: Baseline, choices: Choices, environment: str
) -> tuple[list[Decision], dict[str, Blob | None]]:
    """Merge what all environments share of an application, its chart or base, from the source's branch."""
    source, target = now
    folder = layout.application(application)
    start = base.source
    if base.record is None:
        start = git.run(source.root, "merge-base", source.commit, target.commit, accepted=(0, 1)).strip() or start
    sides = (Snapshot(source.root, start).files(folder), source.files(folder), target.files(folder))
    return _merge_files(sides, folder, f"changed on {environment}'s branch", choices, source)


def _source_files(folder: str, source: Snapshot, target: Snapshot) -> dict[str, Blob | None]:
    """Return what makes the source's own folder on the target's branch what it is on its own: it fits the chart."""
    stale, fresh = target.files(folder), source.files(folder)
    return {path: fresh.get(path) for path in {*stale, *fresh} if stale.get(path) != fresh.get(path)}


def _merge_files(
    sides: tuple[Files, Files, Files], folder: str, why: str, choices: Choices, snapshot: Snapshot
) -> tuple[list[Decision], dict[str, Blob | None]]:
    """Merge files that are taken as a whole: what they were, what they are to be, and what is there."""
    before, theirs, ours = sides
    decisions, written = [], dict[str, Blob | None]()
    for path in sorted({*theirs, *ours}):
        one, other, was = theirs.get(path), ours.get(path), before.get(path)
        if one in (other, was):
            continue
        merged = one if other == was else _merged(snapshot, was, other, one)
        verdict, reason = Verdict.PROMOTED, why
        if merged is _CLASH:
            verdict, reason, merged = Verdict.CONFLICT, f"{why}, and changed here in the same lines", one
        key = Key(path.removeprefix(f"{folder}/"), "", ())
        shown = [ABSENT if each is None else each.content for each in (one, other)]
        decision = choices.applied(Decision(key, shown[0], shown[1], verdict, reason))
        decisions.append(decision)
        if decision.verdict is Verdict.PROMOTED:
            written[path] = merged
    return decisions, written


_CLASH = Blob("", b"")


def _merged(source: Snapshot, was: Blob | None, ours: Blob | None, theirs: Blob | None) -> Blob:
    """Merge a file that both branches changed, line by line; return _CLASH where that cannot be."""
    if was is None or ours is None or theirs is None or any(encrypted.is_in(each.content) for each in (ours, theirs)):
        return _CLASH
    with temporary.folder("file") as folder:
        for name, blob in (("ours", ours), ("was", was), ("theirs", theirs)):
            (folder / name).write_bytes(blob.content)
        names = [str(folder / name) for name in ("ours", "was", "theirs")]
        text = git.run(source.root, "merge-file", "-p", "--diff3", *names, accepted=range(256))
        if "\n||||||| " in f"\n{text}" or not text:
            return _CLASH
        return Blob(ours.mode, text.encode(errors="surrogateescape"))


# Rollback


@dataclass(frozen=True, slots=True)
class Goal:
    """The state that a rollback restores, and the promotions that it undoes, the newest first."""

    commit: str
    undone: Sequence[Record]


def goal(past: Past, application: str, environment: str, *, steps: int = 1, to: str = "") -> Goal:
    """Return what a rollback restores: the state before the last `steps` promotions, or the one at a commit."""
    standing = history.in_force(past.root, past.steps(application, environment), application, environment)
    if to and not history.is_part(past.root, to, past.tip):
        raise UsageError(f"{to[:12]} is not in the history that leads to what {environment} runs.", "Name another.")
    undone = [each for each in standing if not history.is_part(past.root, each.commit, to)] if to else standing[:steps]
    if not undone or (not to and len(undone) < steps):
        found = 0 if to else len(standing)
        known = f"only {found} promotion{'s' if found > 1 else ''}" if found else "no promotion"
        since = f" since {to[:12]}" if to else ""
        raise UsageError(
            f"The history knows {known} of {application} to {environment}{since} that was not taken back.",
            f"`argosy history {application} {environment}` shows them; git revert undoes any other commit.",
        )
    if not all(each.parent for each in undone):
        raise baseline.cut_off(f"what was in {environment} before {undone[-1].commit[:12]}")
    return Goal(to or undone[-1].parent, undone)


def roll_back(
    application: str, environment: str, target: Snapshot, goal: Goal, answers: Answers, *, own_branch: bool = False
) -> Promotion:
    """Return the rollback of an application's promoted keys to a state; all that was changed by hand since stays.

    On a branch of the environment's own, the files that came along with a promotion are rolled back too.
    """
    choices = answers.of(application, environment)
    states = (Snapshot(target.root, goal.undone[0].commit), Snapshot(target.root, goal.commit), target)
    then, restored, now = (baseline.files(each, application, environment) for each in states)
    sides = Sides(then, restored, then, now)
    promoted = set(_promoted(application, environment, target, goal.undone))
    names = Names(f"the state of {goal.commit[:7]}", environment, f"{goal.undone[0].commit[:7]} was promoted", own=True)
    decisions = [
        replace(each, why=_why(each, environment))
        for each in decide(sides, _EVERYTHING, names, choices)
        if any(overlap(each.key, key) for key in promoted)
    ]
    written = _restored(decisions, sides, application, environment, states[1:])
    if own_branch:
        carried = {path for each in goal.undone for path in _carried(application, each, target)}
        files = [each.files(*carried) if carried else {} for each in states]
        merged = (files[0], files[1], files[2])
        shared, others = _merge_files(merged, layout.application(application), "as it was before", choices, target)
        decisions, written = [*decisions, *shared], {**written, **others}
    return Promotion(target, [Move(Step(Kind.ROLLBACK, application, "", environment, goal.commit), decisions, written)])


def _why(decision: Decision, environment: str) -> str:
    if decision.verdict is Verdict.PROMOTED and decision.why.startswith("the same"):
        return "as it was before"
    if decision.verdict is Verdict.CONFLICT:
        return f"set by hand in {environment} since it was promoted"
    return decision.why


def _carried(application: str, record: Record, target: Snapshot) -> Iterator[str]:
    """Yield the files of an application's own folder that came along with a promotion."""
    before, after = (
        Snapshot(target.root, each).files(layout.application(application)) for each in (record.parent, record.commit)
    )
    yield from (path for path in {*before, *after} if before.get(path) != after.get(path))


_EVERYTHING = Policy((Pattern("**", Treatment.PROMOTE),))


def _promoted(application: str, environment: str, target: Snapshot, records: Iterable[Record]) -> Iterator[Key]:
    """Yield the keys that promotions changed."""
    for each in records:
        before, after = (
            baseline.files(Snapshot(target.root, commit), application, environment)
            for commit in (each.parent, each.commit)
        )
        yield from differing(before, after)


def _restored(
    decisions: Sequence[Decision],
    sides: Sides,
    application: str,
    environment: str,
    states: tuple[Snapshot, Snapshot],
) -> dict[str, Blob | None]:
    """Return the files that a rollback changes; one that nobody touched since becomes what it was, byte for byte.

    `states` are the one to restore and the present one.
    """
    modes = baseline.modes(states[0], application, environment)
    written = written_by(decisions, sides, application, environment, states[1], modes=modes)
    by_file: dict[str, list[Decision]] = {}
    for each in decisions:
        by_file.setdefault(each.key.file, []).append(each)
    for name, those in by_file.items():
        path = baseline.path_of(name, application, environment)
        before, now = sides.source.get(name), sides.target.get(name)
        untouched = now == sides.target_before.get(name)
        if untouched and before is not None and now is not None and path in written and _is_all(those, before, now):
            written[path] = Blob(modes[name], before)
    return written


def _is_all(decisions: Sequence[Decision], before: bytes, now: bytes) -> bool:
    """Tell whether these restored keys are all that a file differs in from what it was."""
    if any(each.verdict is not Verdict.PROMOTED for each in decisions):
        return False
    name = decisions[0].key.file
    return {*differing({name: now}, {name: before})} == {each.key for each in decisions}
