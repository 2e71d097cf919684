"""Least privilege: an AppProject permits the kinds that its applications deploy, and no others.

It is an environment's, or a team's in an environment, and known by its path.

Outside production it permits a baseline of harmless kinds besides, unless the repository says otherwise.

A command widens a project by what its change brings, and narrows it by what left with an application and nothing else
deploys. What people permitted besides stays: `argosy validate` says where that is more than what is used.

A kind that an application has no more while it stays deployed is not narrowed away: Argo CD looks only at live
resources that the project permits, so it would leave behind what it has yet to prune.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from argosy import temporary
from argosy.change import edits, needs
from argosy.change.merge import Plan
from argosy.change.needs import Used
from argosy.change.planning import Change
from argosy.documents.plain import parse
from argosy.errors import ArgosyError
from argosy.git import branches, objects
from argosy.git.snapshot import Snapshot
from argosy.repository import layout, store
from argosy.repository.model import NAMESPACE, Environment, Kind, Permitted, Project, Repository
from argosy.template import creation, rendering


def of_new(repository: Repository) -> Repository:
    """Return a new repository's model, with what its applications deploy permitted."""
    from argosy.argocd import deployed  # noqa: PLC0415

    formats = {each.name: (each.format, repository.tenant(each)) for each in repository.applications}
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
    used = needs.by_project(found.values())
    return _with(
        repository,
        {
            path: _changed(
                replace(each.permitted, kinds=(), cluster_kinds=()),
                used.get(path, Used()),
                repository.baseline(each.environment),
                (),
            )
            for path, each in _projects(repository).items()
        },
    )


def kept(root: Path, change: Change, made: Plan) -> Repository:
    """Return the model after a change, with what the applications that it touches deploy permitted."""
    names = {each.name for each in change.after.applications}
    paths = [each.path for each in made.touched if _deployed(each.path) in names and not _is_copy(change, each.path)]
    lost, come = _moved(change)
    touched = {application for path in paths if (application := _deployed(path))} | {name for _, name in come}
    before = _projects(change.before)
    begun = {path: _begun(before, path, each) for path, each in _projects(change.after).items()}
    turned = {
        path
        for path, each in begun.items()
        if _baseline(change.before, before.get(path)) != change.after.baseline(each.environment)
    }
    if not touched and not lost and not turned:
        return _with(change.after, {path: each.permitted for path, each in begun.items()})
    head = Snapshot(root, made.head)
    state = head.with_files(made.written)
    places = {*map(layout.environment_of, [*paths, *(path for path, _ in (*lost, *come))])}
    reached = None if None in places else {each for each in places if each}
    used = needs.of_state(state, touched, reached) if touched else {}
    former = needs.of_state(head, {name for _, name in lost}) if lost else {}
    permitted = {}
    for path, project in begun.items():
        now = used.get(path, Used())
        freed = _freed(change.after, path, lost, former, now)
        baseline = change.after.baseline(project.environment)
        if path in turned and now.whole and _follows_default(change.after, project.environment):
            freed |= _baseline(change.before, before.get(path)) - baseline - now.all
        if freed:
            # Where none of what is touched lies, none of it was looked at.
            seen = touched if reached is None or project.environment.name in reached else ()
            freed -= _of_others(state, change.after, path, seen, freed)
        coming = baseline if path in turned else frozenset()
        urls = _repositories((head, state), change.after, project, _of(path, lost), _of(path, come))
        permitted[path] = _changed(replace(project.permitted, repositories=urls), now, coming, freed - baseline)
    return _with(change.after, permitted)


def _projects(repository: Repository) -> Mapping[str, Project]:
    """Return the AppProjects of a model by their paths."""
    return {layout.project(each.environment.name, each.team): each for each in repository.projects()}


def _members(repository: Repository) -> Mapping[str, frozenset[str]]:
    """Return the applications of each AppProject that has any, by its path."""
    found: dict[str, set[str]] = {}
    for environment, application in repository.deployments():
        found.setdefault(layout.project(environment.name, repository.tenant(application)), set()).add(application.name)
    return {path: frozenset(names) for path, names in found.items()}


def _of(path: str, moved: Iterable[tuple[str, str]]) -> list[str]:
    """Return those that a project has lost or got."""
    return [name for place, name in moved if place == path]


def _baseline(before: Repository, project: Project | None) -> frozenset[Kind]:
    """Return what a project permitted before, whether it was used or not; nothing if it is new."""
    return before.baseline(project.environment) if project else frozenset()


def _repositories(
    states: tuple[Snapshot, Snapshot], repository: Repository, project: Project, gone: list[str], new: list[str]
) -> tuple[str, ...]:
    """Return the repositories that a project permits, with those of new applications, without what it needs no more.

    `states` are those before and after.
    """
    permitted, environment = project.permitted.repositories, project.environment
    path = layout.project(environment.name, project.team)
    if not new and (not gone or not permitted or not _follows_default(repository, environment)):
        return permitted

    def used(there: Snapshot, names: Iterable[str]) -> set[str]:
        paths = [f"{layout.deployment(environment.name, name)}/{layout.SOURCE}" for name in names]
        files = there.files(*paths) if paths else {}
        return {str(parse(blob.content).get("repoURL")) for blob in files.values()}

    freed = used(states[0], gone) - used(states[0], _members(repository).get(path, ())) if gone else set[str]()
    left = replace(project.permitted, repositories=tuple(each for each in permitted if each not in freed))
    return edits.permitting(left, used(states[1], new), repository.settings.repo_url).repositories


def in_line(root: Path, change: Change, made: Plan, *, least: bool = False) -> Repository:
    """Return the model after a change, with what all applications deploy permitted, as they are in the work tree.

    With `least`, nothing else is permitted any more; raise ArgosyError where it cannot be known what that is.
    """
    from argosy.repository import states  # noqa: PLC0415

    head = Snapshot(root, made.head)
    state = states.work_tree(root).with_files(made.written)
    used = {**needs.of_state(state)}
    lost, come = _moved(change)
    before = needs.of_state(head, {name for _, name in lost}) if lost else {}
    there = _projects(change.before)
    permitted = {}
    for path, each in _projects(change.after).items():
        project = _begun(there, path, each)
        now = used.get(path, Used())
        now.add(_on_its_branch(root, change.after, path))
        baseline = change.after.baseline(project.environment)
        urls = _repositories((head, state), change.after, project, _of(path, lost), _of(path, come))
        held = replace(project.permitted, repositories=urls)
        if least:
            permitted[path] = _least(project.name, held, now, baseline)
            continue
        freed = _freed(change.after, path, lost, before, now) - baseline
        permitted[path] = _changed(held, now, baseline, freed)
    after = _with(change.after, permitted)
    _refuse_uncommitted(root, change.after, after)
    return after


def _begun(before: Collection[str], path: str, project: Project) -> Project:
    """Return a project; one that is new, and of which nothing is known, begins with permitting no kinds."""
    permitted, environment = project.permitted, project.environment
    if path in before or replace(permitted, repositories=()) != Permitted():
        return project
    begun = replace(permitted, kinds=(), cluster_kinds=())
    return replace(project, environment=environment.permitting(begun, project.team))


def uncommitted(root: Path, repository: Repository) -> frozenset[str]:
    """Return the projects that have changes which are not committed: somebody is editing them."""
    paths = [*_projects(repository)]
    return store.uncommitted(root, *paths) if paths else frozenset()


def _refuse_uncommitted(root: Path, before: Repository, after: Repository) -> None:
    """Raise ArgosyError where a project has to change that somebody is editing."""
    others = _projects(after)
    changing = {path for path, each in _projects(before).items() if each.permitted != others[path].permitted}
    for path in sorted(changing & uncommitted(root, before)):
        raise ArgosyError(
            f"{path} has uncommitted changes, and has to permit other kinds than it does.",
            "Commit them first, or set them aside: git stash push --include-untracked -- PATH.",
        )


def _on_its_branch(root: Path, repository: Repository, path: str) -> Used:
    """Return what applications of a project deploy where its environment follows a revision of its own."""
    environment = edits.environment(repository, str(layout.environment_of(path)))
    if _follows_default(repository, environment):
        return Used()
    try:
        state = Snapshot(root, branches.tip(root, environment.revision))
    except ArgosyError:
        return Used(whole=False)
    return needs.of_state(state, environments={environment.name}).get(path, Used())


def _follows_default(repository: Repository, environment: Environment) -> bool:
    return environment.revision in {repository.settings.branch, "HEAD"}


def _moved(change: Change) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """Return what projects no longer deploy, and what of others they do instead: the project's path and application."""
    left = _projects(change.after)
    before, after = (
        {(path, name) for path, names in _members(model).items() for name in names}
        for model in (change.before, change.after)
    )
    moved = {*change.copies.values()}

    def deployment(each: tuple[str, str]) -> str:
        return layout.deployment(str(layout.environment_of(each[0])), each[1])

    lost = {each for each in before - after if each[0] in left and deployment(each) not in moved}
    there = {*map(deployment, before)}
    come = {each for each in after - before if each[0] not in change.copies and deployment(each) in there}
    return frozenset(lost), frozenset(come)


def _is_copy(change: Change, path: str) -> bool:
    """Return whether a file takes over what another holds: it deploys the kinds that are permitted there."""
    return objects.is_within(path, change.copies)


def _freed(
    repository: Repository,
    path: str,
    lost: Collection[tuple[str, str]],
    before: Mapping[str, Used],
    now: Used,
) -> set[Kind]:
    """Return the kinds that lost applications of a project deployed, and those that are looked at do not.

    None are, where the latter are not known in whole, and of an environment that follows a revision of its own: it may
    deploy more there.
    """
    is_losing = any(place == path for place, _ in lost)
    environment = edits.environment(repository, str(layout.environment_of(path)))
    if not is_losing or not now.whole or not _follows_default(repository, environment):
        return set()
    return before.get(path, Used()).all - now.all


def _deployed(path: str) -> str | None:
    """Return the application whose manifests a file may be a part of."""
    own = not layout.is_settings(path) and path.startswith((f"{layout.APPLICATIONS}/", f"{layout.ENVIRONMENTS}/"))
    return layout.application_of(path) if own else None


def _of_others(
    state: Snapshot, repository: Repository, path: str, seen: Collection[str], wanted: set[Kind]
) -> set[Kind]:
    """Return those of the kinds that other applications of a project deploy: all, where one cannot be rendered.

    One application of each format mostly tells; only where it does not, all are rendered.
    """
    there = sorted(_members(repository).get(path, frozenset()) - {*seen})
    formats = {each.name: each.format for each in repository.applications}
    first = [*{formats[name]: name for name in there}.values()]
    found: set[Kind] = set()
    for names in (first, [name for name in there if name not in first]):
        if names and wanted - found:
            used = needs.of_state(state, names, {str(layout.environment_of(path))}).get(path, Used())
            found |= used.all if used.whole else wanted
    return found & wanted


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


def _least(name: str, permitted: Permitted, used: Used, baseline: Collection[Kind]) -> Permitted:
    """Return what permits exactly what is used or harmless; a list that is not there, or says more, stays so."""
    if not used.whole:
        raise ArgosyError(
            f"Not all that {name} deploys can be rendered here, so nobody knows what its project can do without.",
            "argosy validate shows what is wrong or missing. Without --least-privilege, kinds are only added.",
        )
    return replace(
        permitted,
        kinds=None if permitted.kinds is None else tuple(sorted({*used.kinds, *baseline})),
        cluster_kinds=None if permitted.cluster_kinds is None else tuple(sorted(used.cluster_kinds | {NAMESPACE})),
    )


def _with(repository: Repository, permitted: Mapping[str, Permitted]) -> Repository:
    """Return the model in which projects, by their paths, permit something else."""
    environments = {each.name: each for each in repository.environments}
    for path, each in _projects(repository).items():
        name = each.environment.name
        environments[name] = environments[name].permitting(permitted[path], each.team)
    return replace(repository, environments=tuple(environments.values()))
