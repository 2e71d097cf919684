"""Promotions and rollbacks: which keys move, and what the files are afterwards. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path

from argosy import git, temporary
from argosy.change import edits
from argosy.documents import encrypted
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import SYMLINK, Blob
from argosy.git.repository import Entry
from argosy.git.snapshot import Snapshot, Written
from argosy.promotion import deployment, images
from argosy.promotion.decision import ABSENT, Choices, Decision, Names, Sides, Verdict, decide, differing
from argosy.promotion.history import Comparison, Deployment, Edge, History, Place, cut_off
from argosy.promotion.policy import Pattern, Policy, Treatment
from argosy.promotion.states import State
from argosy.promotion.trailers import Kind, Record, Step
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
    beside: Written = field(default_factory=dict)
    """Files that change with it, although nothing moves in this state: what Argo CD reads of other branches."""

    @cached_property
    def after(self) -> Snapshot:
        """The state that comes out."""
        return self.before.with_files(self.written)

    @property
    def written(self) -> Written:
        """The files that change."""
        moved = {path: blob for move in self.moves for path, blob in move.written.items()}
        return {**self.beside, **moved, **{each.path: each.blob for each in self.projects}}

    @property
    def steps(self) -> list[Step]:
        """The steps that change something."""
        return [move.step for move in self.moves if move.written]

    @property
    def is_open(self) -> bool:
        """Return whether someone has to decide something first."""
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
            f"There is no environment to promote to {target} from: {first}.",
            f"Name it with --from, or set promotesFrom in {layout.environment_settings(target)}.",
        )
    return way


def promote(
    applications: Iterable[str],
    environments: tuple[str, str],
    now: tuple[Snapshot, Snapshot],
    answers: Answers,
    history: History,
) -> Promotion:
    """Return the promotion of applications; `environments` and `now` are of source and target.

    Raise ArgosyError where the history does not tell what was promoted last.
    """
    moves = []
    for found in history.compare([Edge(name, *environments, now) for name in applications]):
        if isinstance(found, ArgosyError):
            raise found
        moves.append(_promote(found, answers.of(found.edge.application, found.edge.target)))
    return Promotion(now[1], moves)


def _promote(found: Comparison, choices: Choices) -> Move:
    edge, (source, target) = found.edge, found.now
    decisions = decided(found, choices)
    modes = deployment.modes(source, edge.application, edge.source)
    written = written_by(decisions, found.sides, edge.application, edge.target, target, modes=modes)
    carried = carried_over(found, choices)
    written |= carried.written
    if written and edge.is_across:
        # The source's own folder on the target's branch becomes what it is on its own: it fits the chart.
        folder = layout.deployment(edge.source, edge.application)
        stale, fresh = target.files(folder), source.files(folder)
        written |= {path: fresh.get(path) for path in {*stale, *fresh} if stale.get(path) != fresh.get(path)}
    origin = edge.now[0].commit if not edge.now[0].written else ""
    step = Step(Kind.PROMOTION, edge.application, edge.source, edge.target, origin)
    return Move(step, [*decisions, *carried.decisions], written)


_APPLICATIONS = (deployment.APPLICATION, deployment.SHARING)


def told(moves: Iterable[Move], environment: str, default: Snapshot) -> Written:
    """Return the default branch's Applications with what moves in those on an environment's own branch.

    Argo CD reads the former, so the versions of charts have to follow there.
    """
    written: dict[str, Blob | None] = {}
    for move in moves:
        path = layout.argocd_application(environment, move.step.application)
        blob, held = move.written.get(path), default.files(path).get(path)
        moved = [
            (each.key.scope, each.key.path)
            for each in move.decisions
            if each.verdict is Verdict.PROMOTED and each.key.file in _APPLICATIONS and each.key.path
        ]
        if blob and held and moved:
            text = editing.take(held.content.decode(), blob.content.decode(), moved, path).encode()
            if text != held.content:
                written[path] = Blob(held.mode, text)
    return written


def decided(found: Comparison, choices: Choices | None = None) -> list[Decision]:
    """Return the decisions on the keys of a deployment."""
    edge, base = found.edge, found.baseline
    names = Names(edge.source, edge.target, base.since, promoted=base.is_promotion)
    policy, later = policy_of(found.now[1], edge.application), cache(lambda: found.history.later(found))
    return decide(found.sides, policy, names, choices, later)


@dataclass(frozen=True, slots=True)
class Carried:
    """Files of an application itself, its chart or base, that come along from the source's branch."""

    decisions: Sequence[Decision] = ()
    written: Written = field(default_factory=dict)
    """By their path in the repository."""


def carried_over(found: Comparison, choices: Choices | None = None) -> Carried:
    """Merge what the environments' branches hold of the application itself."""

    files = {path: _three(found.history, entries) for path, entries in found.carried.items()}
    why = f"changed on {found.edge.source}'s branch"
    return _merged_files(found.edge.now[0].root, found.edge.application, files, why, choices or Choices())


def brought(
    application: str, now: tuple[Snapshot, Snapshot], chart: Sequence[str], choices: Choices, history: History
) -> Carried:
    """Return the files of an application itself that come from the source's branch to one that deploys it nowhere.

    `chart` is the folder of the shared one, if it uses that.
    """
    why = f"comes with {application}"
    folders = [layout.application(application), *chart]
    start = history.merge_base(*(each.commit for each in now))
    was, theirs, ours = (each.files(*folders) for each in (history.cache.state(start or now[1].commit), *now))
    new = {path: blob for path, blob in theirs.items() if path not in {*was, *ours}}
    both = {path: (was.get(path), blob, ours.get(path)) for path, blob in theirs.items() if path not in new}
    merged = _merged_files(now[1].root, application, both, why, choices)
    return replace(merged, written={**new, **merged.written})


def _three(history: History, entries: Sequence[Entry | None]) -> Three:
    was, one, other = (Blob(each.mode, history.cache.content(each.blob)) if each else None for each in entries)
    return was, one, other


def policy_of(state: State, application: str) -> Policy:
    """Return the policy of an application in a state."""
    settings = state.read(layout.application_settings(application)) or b""
    # Without comments, most applications have the same settings, and one policy together.
    return _policy(b"\n".join(line for line in settings.splitlines() if line and not line.startswith(b"#")))


_policy = lru_cache(Policy.of)


def written_by(
    decisions: Sequence[Decision],
    sides: Sides,
    application: str,
    environment: str,
    target: State,
    *,
    modes: Mapping[str, str] | None = None,
) -> dict[str, Blob | None]:
    """Return the files that the promoted keys change, by their path in the repository.

    `modes` are of files that the target does not have yet, by their path in the deployment's folder.
    """
    moved: dict[str, list[Decision]] = {}
    for each in decisions:
        if each.verdict is Verdict.PROMOTED:
            moved.setdefault(each.key.file, []).append(each)
    written: dict[str, Blob | None] = {}
    for name, named in moved.items():
        path = _place(name, application, environment, target)
        present = target.entry(path)
        content = edited(name, named, sides, path)
        mode = present.mode if present else (modes or {}).get(name, "100644")
        written[path] = None if content is None else Blob(mode, content)
    return written


def _place(name: str, application: str, environment: str, target: State) -> str:
    """Return where a file of a deployment lies; raise ArgosyError for a link to what is not its own alone."""
    path = deployment.path_of(name, application, environment)
    present = target.entry(path)
    if present is None or present.mode != SYMLINK:
        return path
    place = target.followed(path) if name in deployment.files(target, application, environment) else ""
    if not place:
        raise ArgosyError(
            f"{path} is a symbolic link, and a file where it is promoted from.",
            "Make both the same, or leave it out of promotion: name it under `pinned` in application.yaml.",
        )
    links = (each for unit in target.units.values() for each, entry in unit.items() if entry.mode == SYMLINK)
    others = [place, *(each for each in links if each != path and target.followed(each) == place)]
    for other in others:
        if reader := _reader(other, application, environment, target):
            raise ArgosyError(
                f"{path} is a symbolic link to {place}, which is also {reader} ({other}): "
                "a promotion would change both.",
                "Put a file of its own in the link's place, commit it, and promote again.",
            )
    return place


def _reader(path: str, application: str, environment: str, target: State) -> str:
    """Return whose a file is, or a link, beside an application in an environment; "" if nobody else's is known."""
    there, owner = layout.environment_of(path), layout.application_of(path)
    if there not in {None, environment}:
        return f"{there}'s"
    if path == layout.environment_values(environment):
        return f"that of all applications in {environment}"
    if owner is None or target.entry(layout.application_settings(owner)) is None:
        return ""
    if owner != application:
        return f"{owner}'s"
    return "" if there else "that of all environments"


def edited(name: str, moved: Sequence[Decision], sides: Sides, path: str) -> bytes | None:
    """Return a file of the target in which the promoted keys are the source's; None where it goes.

    `path` is the target's, for what cannot be done in it.
    """
    if any(not each.key.scope and not each.key.path for each in moved):
        return sides.source.get(name)
    source, target = sides.source[name].decode(), sides.target[name].decode()
    for each in moved:
        if images.home(each.key, each.source) is not None and isinstance(each.source, str):
            source = editing.put(source, target, (each.key.scope, each.key.path), each.source, path)
    return editing.take(target, source, [(each.key.scope, each.key.path) for each in moved], path).encode()


# What the environments' branches hold beside

Three = tuple[Blob | None, Blob | None, Blob | None]
"""A file as it was, as it is to be, and as it is."""


def _merged_files(root: Path, application: str, files: Mapping[str, Three], why: str, choices: Choices) -> Carried:
    """Merge files of an application itself by path, each as a whole."""
    decisions, written = [], dict[str, Blob | None]()
    for path, (was, one, other) in sorted(files.items()):
        if one in (other, was):
            continue
        merged = one if other == was else _merged(root, was, other, one)
        verdict, reason = Verdict.PROMOTED, why
        if merged is _CLASH:
            verdict, reason, merged = Verdict.CONFLICT, f"{why}, and changed here in the same lines", one
        key = Key(path.removeprefix(f"{layout.application(application)}/"), "", ())
        shown = [ABSENT if each is None else each.content for each in (one, other)]
        decision = choices.applied(Decision(key, shown[0], shown[1], verdict, reason))
        decisions.append(decision)
        if decision.verdict is Verdict.PROMOTED:
            written[path] = merged
    return Carried(decisions, written)


_CLASH = Blob("", b"")


def _merged(root: Path, was: Blob | None, ours: Blob | None, theirs: Blob | None) -> Blob:
    """Merge a file that both branches changed, line by line; return _CLASH where that cannot be."""
    if was is None or ours is None or theirs is None or any(encrypted.is_in(each.content) for each in (ours, theirs)):
        return _CLASH
    with temporary.folder("file") as folder:
        for name, blob in (("ours", ours), ("was", was), ("theirs", theirs)):
            (folder / name).write_bytes(blob.content)
        names = [str(folder / name) for name in ("ours", "was", "theirs")]
        text = git.run(root, "merge-file", "-p", "--diff3", *names, accepted=range(256))
        if "\n||||||| " in f"\n{text}" or not text:
            return _CLASH
        return Blob(ours.mode, text.encode(errors="surrogateescape"))


# Rollback


@dataclass(frozen=True, slots=True)
class Goal:
    """The state that a rollback restores, and the promotions that it undoes, the newest first."""

    commit: str
    undone: Sequence[Record]


def goal(history: History, place: Place, *, steps: int = 1, to: str = "") -> Goal:
    """Return what a rollback restores: the state before the last `steps` promotions, or the one at a commit."""
    standing, graph = history.in_force(place), history.graph
    application, environment = place.application, place.environment
    if to and not graph.is_part(to, place.tip, place.tip):
        raise UsageError(f"{to[:12]} is not in the history that leads to what {environment} runs.", "Name another.")
    undone = [each for each in standing if not graph.is_part(each.commit, to, place.tip)] if to else standing[:steps]
    if not undone or (not to and len(undone) < steps):
        if cut := history.cut(place):
            raise cut
        found = 0 if to else len(standing)
        known = f"only {found} promotion{'s' if found > 1 else ''}" if found else "no promotion"
        since = f" since {to[:12]}" if to else ""
        raise UsageError(
            f"The history has {known} of {application} to {environment}{since} that is still in force.",
            f"`argosy history {application} {environment}` lists them; to undo any other commit, use git revert.",
        )
    if not all(each.parent for each in undone):
        raise cut_off(history.root, f"what was in {environment} before {undone[-1].commit[:12]}")
    return Goal(to or undone[-1].parent, undone)


def roll_back(
    place: Place, target: Snapshot, goal: Goal, answers: Answers, history: History, *, own_branch: bool = False
) -> Promotion:
    """Return the rollback of an application's promoted keys to a state; all that was changed by hand since stays.

    On a branch of the environment's own, the files that came along with a promotion are rolled back too.
    Raise UsageError where the application was not in the environment before.
    """
    _, application, environment = place
    choices = answers.of(application, environment)
    # The folder of the application itself is on the branch, too.
    # It may have had another name then.
    steps = [(each.both, Deployment(each.step.application, each.step.target)) for each in goal.undone]
    called = history.named_at(place, goal.commit)
    looked = {unit for names in (called, *(names for _, names in steps)) for unit in deployment.units(*names)}
    if own_branch:
        looked |= {layout.application(names.application) for names in (called, *(names for _, names in steps))}
    commits = {commit for each in goal.undone for commit in each.both} | {goal.commit}
    at = history.units({(commit, unit) for commit in commits for unit in looked})
    history.cache.load(entry.blob for each in at.values() for entry in each.entries(*looked).values())
    now = history.state(target)
    named = ((at[goal.undone[0].commit], steps[0][1]), (at[goal.commit], called), (now, place.names))
    files = [history.files(place, names, each) for each, names in named]
    if not files[1]:
        # To delete what runs, with the data that it may have, is another command's.
        commit, folder = goal.undone[-1].commit[:7], layout.deployment(environment, application)
        there = "On the default branch: " if own_branch else ""
        raise UsageError(
            f"{application} came to {environment} with {commit}: there is nothing before that to go back to.",
            f"To take it away from {environment} again: {there}git rm -r {folder}, then argosy apply --commit.",
        )
    sides = Sides(files[0], files[1], files[0], files[2])
    promoted = [
        key for both, names in steps for key in differing(*(history.files(place, names, at[one]) for one in both))
    ]
    names = Names(f"the state of {goal.commit[:7]}", environment, f"{goal.undone[0].commit[:7]} was promoted", own=True)
    decisions = [
        replace(each, why=_why(each, environment))
        for each in decide(sides, _EVERYTHING, names, choices)
        if any(overlap(each.key, key) for key in promoted)
    ]
    modes = deployment.modes(at[goal.commit], *called)
    written = _restored(decisions, sides, place, now, modes)
    if own_branch:
        pairs = [[history.shared(place, names, at[one]) for one in both] for both, names in steps]
        carried = {path for old, new in pairs for path in {*old, *new} if old.get(path) != new.get(path)}
        held = [history.shared(place, names, each) for each, names in named]
        three = {path: _three(history, [each.get(path) for each in held]) for path in carried}
        others = _merged_files(history.root, application, three, "as it was before", choices)
        decisions, written = [*decisions, *others.decisions], {**written, **others.written}
    return Promotion(target, [Move(Step(Kind.ROLLBACK, application, "", environment, goal.commit), decisions, written)])


def _why(decision: Decision, environment: str) -> str:
    if decision.verdict is Verdict.PROMOTED and decision.why.startswith("the same"):
        return "as it was before"
    if decision.verdict is Verdict.CONFLICT:
        return f"set by hand in {environment} since it was promoted"
    return decision.why


_EVERYTHING = Policy((Pattern("**", Treatment.PROMOTE),))


def _restored(
    decisions: Sequence[Decision], sides: Sides, place: Place, now: State, modes: Mapping[str, str]
) -> dict[str, Blob | None]:
    """Return the files that a rollback changes; one that nobody touched since becomes what it was, byte for byte.

    `modes` are those of the files to restore.
    """
    _, application, environment = place
    written = written_by(decisions, sides, application, environment, now, modes=modes)
    by_file: dict[str, list[Decision]] = {}
    for each in decisions:
        by_file.setdefault(each.key.file, []).append(each)
    for name, those in by_file.items():
        path = now.followed(deployment.path_of(name, application, environment))
        before, present = sides.source.get(name), sides.target.get(name)
        if before is None or present is None or path not in written:
            continue
        if present == sides.target_before.get(name) and _is_all(those, before, present):
            written[path] = Blob(modes.get(name, "100644"), before)
    return written


def _is_all(decisions: Sequence[Decision], before: bytes, now: bytes) -> bool:
    """Return whether these restored keys are all that a file differs in from what it was."""
    if any(each.verdict is not Verdict.PROMOTED for each in decisions):
        return False
    name = decisions[0].key.file
    return {*differing({name: now}, {name: before})} == {each.key for each in decisions}
