"""Least privilege: the AppProject of an environment permits the kinds that its applications deploy, and no others.

Outside production it permits a baseline of harmless kinds besides, unless the repository says otherwise.

A command widens a project by what its change brings, and narrows it by what left with an application and nothing else
deploys. What people permitted besides stays: `argosy validate` says where that is more than what is used.

A kind that an application has no more while it stays deployed is not narrowed away: Argo CD looks only at live
resources that the project permits, so it would leave behind what it has yet to prune.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from argosy import temporary
from argosy.change import needs
from argosy.change.merge import Plan
from argosy.change.needs import Used
from argosy.change.planning import Change
from argosy.documents.plain import parse
from argosy.errors import ArgosyError
from argosy.git import branches, objects
from argosy.git.snapshot import Snapshot
from argosy.repository import layout, store
from argosy.repository.model import NAMESPACE, Environment, Kind, Permitted, Repository
from argosy.template import creation, rendering


def of_new(repository: Repository) -> Repository:
    """Return a new repository's model, with what its applications deploy permitted."""
    from argosy.argocd import deployed  # noqa: PLC0415

    formats = {each.name: each.format for each in repository.applications}
    environments = tuple(
        replace(each, applications=tuple({formats[name]: name for name in each.applications}.values()))
        for each in repository.environments
    )
    names = {name for each in environments for name in each.applications}
    applications = tuple(each for each in repository.applications if each.name in names)
    few = replace(repository, environments=environments, applications=applications)
    with temporary.folder("kinds") as folder:
        rule = Path(needs.__file__).read_text(encoding="utf-8")  # Another one would want other files.
        creation.write(folder, rendering.render(few, wanted=needs.is_read, told=rule))
        found = deployed.of_folder(folder)
    if unknown := [fault for each in found.values() if each.app in names for fault in each.faults]:
        raise ArgosyError(f"What is deployed cannot be rendered, so nothing says which kinds to permit: {unknown[0]}")
    used = needs.by_environment(found.values())
    return _with(
        repository,
        {
            each.name: _changed(
                replace(each.permitted, kinds=(), cluster_kinds=()),
                used.get(each.name, Used()),
                repository.baseline(each),
                (),
            )
            for each in repository.environments
        },
    )


def kept(root: Path, change: Change, made: Plan) -> Repository:
    """Return the model after a change, with what the applications that it touches deploy permitted."""
    names = {each.name for each in change.after.applications}
    paths = [each.path for each in made.touched if _deployed(each.path) in names and not _is_copy(change, each.path)]
    touched = {application for path in paths if (application := _deployed(path))}
    lost = _lost(change)
    begun = tuple(map(partial(_begun, change.before), change.after.environments))
    turned = {each.name for each in begun if _baseline(change.before, each) != change.after.baseline(each)}
    if not touched and not lost and not turned:
        return replace(change.after, environments=begun)
    head = Snapshot(root, made.head)
    state = head.with_files(made.written)
    places = {*map(layout.environment_of, paths), *(environment for environment, _ in lost)}
    reached = None if None in places else {each for each in places if each}
    used = needs.of_state(state, touched, reached) if touched else {}
    before = needs.of_state(head, {name for _, name in lost}) if lost else {}
    permitted = {}
    for environment in begun:
        now = used.get(environment.name, Used())
        freed = _freed(change.after, environment, lost, before, now)
        baseline = change.after.baseline(environment)
        if environment.name in turned and now.whole and _follows_default(change.after, environment):
            freed |= _baseline(change.before, environment) - baseline - now.all
        if freed:
            # Where none of what is touched lies, none of it was looked at.
            seen = touched if reached is None or environment.name in reached else ()
            freed -= _of_others(state, change.after, environment, seen, freed)
        coming = baseline if environment.name in turned else frozenset()
        left = replace(environment.permitted, repositories=_left(head, change.after, environment, lost))
        permitted[environment.name] = _changed(left, now, coming, freed - baseline)
    return _with(change.after, permitted)


def _baseline(before: Repository, environment: Environment) -> frozenset[Kind]:
    """Return what the project of an environment permitted before, whether it was used or not; nothing if it is new."""
    return next((before.baseline(each) for each in before.environments if each.name == environment.name), frozenset())


def _left(
    head: Snapshot, repository: Repository, environment: Environment, lost: Collection[tuple[str, str]]
) -> tuple[str, ...]:
    """Return the repositories that are permitted in an environment, without those that lost applications alone used."""
    permitted = environment.permitted.repositories
    gone = [name for place, name in lost if place == environment.name]
    if not gone or not permitted or not _follows_default(repository, environment):
        return permitted
    files = {
        f"{layout.deployment(environment.name, name)}/{layout.SOURCE}" for name in (*gone, *environment.applications)
    }
    used = {
        layout.application_of(path): parse(blob.content).get("repoURL") for path, blob in head.files(*files).items()
    }
    freed = {used.get(name) for name in gone} - {used.get(name) for name in environment.applications}
    return tuple(each for each in permitted if each not in freed)


def in_line(root: Path, change: Change, made: Plan, *, least: bool = False) -> Repository:
    """Return the model after a change, with what all applications deploy permitted, as they are in the work tree.

    With `least`, nothing else is permitted any more; raise ArgosyError where it cannot be known what that is.
    """
    from argosy.repository import states  # noqa: PLC0415

    used = {**needs.of_state(states.work_tree(root).with_files(made.written))}
    lost = _lost(change)
    before = needs.of_state(Snapshot(root, made.head), {name for _, name in lost}) if lost else {}
    permitted = {}
    for environment in map(partial(_begun, change.before), change.after.environments):
        now = used.get(environment.name, Used())
        now.add(_on_its_branch(root, change.after, environment))
        baseline = change.after.baseline(environment)
        if least:
            permitted[environment.name] = _least(environment, now, baseline)
            continue
        freed = _freed(change.after, environment, lost, before, now) - baseline
        permitted[environment.name] = _changed(environment.permitted, now, baseline, freed)
    after = _with(change.after, permitted)
    _refuse_uncommitted(root, change.after, after)
    return after


def _begun(before: Repository, environment: Environment) -> Environment:
    """Return an environment; one that is new, and without a project, begins with one that permits nothing."""
    is_new = environment.name not in {each.name for each in before.environments}
    bare = is_new and replace(environment.permitted, repositories=()) == Permitted()
    return (
        replace(environment, permitted=replace(environment.permitted, kinds=(), cluster_kinds=()))
        if bare
        else environment
    )


def uncommitted(root: Path, repository: Repository) -> frozenset[str]:
    """Return the projects of environments that have changes which are not committed: somebody is editing them."""
    paths = [layout.project(each.name) for each in repository.environments]
    return store.uncommitted(root, *paths) if paths else frozenset()


def _refuse_uncommitted(root: Path, before: Repository, after: Repository) -> None:
    """Raise ArgosyError where a project has to change that somebody is editing."""
    pairs = zip(before.environments, after.environments, strict=True)
    changing = {layout.project(one.name) for one, other in pairs if one.permitted != other.permitted}
    for path in sorted(changing & uncommitted(root, before)):
        raise ArgosyError(
            f"{path} has uncommitted changes, and has to permit other kinds than it does.",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )


def _on_its_branch(root: Path, repository: Repository, environment: Environment) -> Used:
    """Return what applications deploy to an environment that follows a revision of its own, as they are there."""
    if _follows_default(repository, environment):
        return Used()
    try:
        state = Snapshot(root, branches.tip(root, environment.revision))
    except ArgosyError:
        return Used(whole=False)
    return needs.of_state(state, environments={environment.name}).get(environment.name, Used())


def _follows_default(repository: Repository, environment: Environment) -> bool:
    return environment.revision in {repository.settings.branch, "HEAD"}


def _lost(change: Change) -> frozenset[tuple[str, str]]:
    """Return what is no longer deployed: environment and application."""
    left = {environment.name for environment in change.after.environments}
    before, after = (
        {(environment.name, each.name) for environment, each in model.deployments()}
        for model in (change.before, change.after)
    )
    moved = {*change.copies.values()}
    return frozenset(
        (environment, name)
        for environment, name in before - after
        if environment in left and layout.deployment(environment, name) not in moved
    )


def _is_copy(change: Change, path: str) -> bool:
    """Return whether a file takes over what another holds: it deploys the kinds that are permitted there."""
    return objects.is_within(path, change.copies)


def _freed(
    repository: Repository,
    environment: Environment,
    lost: Collection[tuple[str, str]],
    before: Mapping[str, Used],
    now: Used,
) -> set[Kind]:
    """Return the kinds that lost applications deployed to an environment, and those that are looked at do not.

    None are, where the latter are not known in whole, and of an environment that follows a revision of its own: it may
    deploy more there.
    """
    is_losing = any(name == environment.name for name, _ in lost)
    if not is_losing or not now.whole or not _follows_default(repository, environment):
        return set()
    return before.get(environment.name, Used()).all - now.all


def _deployed(path: str) -> str | None:
    """Return the application whose manifests a file may be a part of."""
    own = not layout.is_settings(path) and path.startswith((f"{layout.APPLICATIONS}/", f"{layout.ENVIRONMENTS}/"))
    return layout.application_of(path) if own else None


def _of_others(
    state: Snapshot, repository: Repository, environment: Environment, seen: Collection[str], wanted: set[Kind]
) -> set[Kind]:
    """Return those of the kinds that other applications of an environment deploy: all, where one cannot be rendered.

    One application of each format mostly tells; only where it does not, all are rendered.
    """
    there = [name for name in environment.applications if name not in seen]
    first = [name for name in there if name in _one_of_each(repository)]
    found: set[Kind] = set()
    for names in (first, [name for name in there if name not in first]):
        if names and wanted - found:
            used = needs.of_state(state, names, {environment.name}).get(environment.name, Used())
            found |= used.all if used.whole else wanted
    return found & wanted


def _one_of_each(repository: Repository) -> frozenset[str]:
    """Return the name of one application of each format."""
    return frozenset({each.format: each.name for each in repository.applications}.values())


# What is permitted


def _changed(permitted: Permitted, used: Used, baseline: Collection[Kind], freed: Collection[Kind]) -> Permitted:
    """Return what is permitted, with what is used or harmless and without what no longer is; what is open stays so."""
    needed = used.cluster_kinds | {NAMESPACE}
    return replace(
        permitted,
        kinds=_together(permitted.kinds, {*used.kinds, *baseline}, freed),
        cluster_kinds=_together(permitted.cluster_kinds, needed, {*freed} - {NAMESPACE}),
    )


def _together(
    permitted: tuple[Kind, ...] | None, used: Collection[Kind], freed: Collection[Kind]
) -> tuple[Kind, ...] | None:
    if permitted is None:
        return None
    left = [each for each in permitted if each not in freed or each in used]
    for kind in needs.lacking(left, used):
        # Where it stands in order, so that what people added at the end is no conflict.
        left.insert(next((place for place, each in enumerate(left) if kind < each), len(left)), kind)
    return tuple(left)


def _least(environment: Environment, used: Used, baseline: Collection[Kind]) -> Permitted:
    """Return what permits exactly what is used or harmless; a list that is not there, or says more, stays so."""
    if not used.whole:
        raise ArgosyError(
            f"Not all that {environment.name} deploys can be rendered here, so nobody knows what its project can do "
            "without.",
            "argosy validate shows what is wrong or missing. Without --least-privilege, kinds are only added.",
        )
    permitted = environment.permitted
    return replace(
        permitted,
        kinds=None if permitted.kinds is None else tuple(sorted({*used.kinds, *baseline})),
        cluster_kinds=None if permitted.cluster_kinds is None else tuple(sorted(used.cluster_kinds | {NAMESPACE})),
    )


def _with(repository: Repository, permitted: Mapping[str, Permitted]) -> Repository:
    environments = tuple(replace(each, permitted=permitted[each.name]) for each in repository.environments)
    return replace(repository, environments=environments)
