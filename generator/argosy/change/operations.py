"""What each command changes: the edit of the model, and what happens to the files that people wrote."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from argosy.change import clusters, edits
from argosy.change.planning import Change
from argosy.errors import UsageError
from argosy.repository import layout
from argosy.repository.model import VERSION, Application, Environment, Repository, RevisionStyle, in_order


def add_applications(
    current: Repository, applications: Sequence[Application], environments: Collection[str] = ()
) -> Change:
    """Return the change that adds applications to the named environments; none named: to all."""
    for name in {name for each in applications for name, _ in each.seed.images}:
        edits.environment(current, name)
        if environments and name not in environments:
            raise UsageError(f"An image is given for {name}, and they are not deployed to {name}.", "Leave it out.")
    for name in {name for each in applications for name, _ in each.seed.revisions}:
        edits.environment(current, name)
        if environments and name not in environments:
            raise UsageError(f"A version is given for {name}, and they are not deployed to {name}.", "Leave it out.")
    return Change(current, edits.add_applications(current, applications, environments))


def add_chart(current: Repository, version: str = "") -> Change:
    """Return the change that makes a new version of the shared chart beside the newest, as a copy of that.

    Without a version it is the next minor one. Nothing follows it yet.
    """
    if not current.charts:
        raise UsageError(
            "There is no shared chart: each application has its own.",
            "argosy add app NAME --chart shared and argosy convert NAME --chart shared use one.",
        )
    newest = current.newest_chart
    major, minor, _ = newest.split(".")
    version = version or f"{major}.{int(minor) + 1}.0"
    if not VERSION.fullmatch(version):
        raise UsageError(f"“{version}” is not a version of the chart.", "Give three numbers, such as 1.1.0.")
    if in_order((newest, version))[-1] == newest:
        raise UsageError(f"{version} is not newer than {newest}, the newest version of the chart.", "Give a newer one.")
    return Change(
        current,
        replace(edits.with_chart_versions(current), charts=(*current.charts, version)),
        copies={layout.shared_chart(version): layout.shared_chart(newest)},
    )


def add_environment(
    current: Repository,
    name: str,
    *,
    after: str = "",
    before: str = "",
    source: str = "",
    clusters: Sequence[str] = (),
    revision: str = "",
    auto_sync: bool = True,
) -> Change:
    """Return the change that adds an environment with applications and values of another, by default its neighbour."""
    if after and before:
        raise UsageError("--after and --before name one place each.", "Give one of them.")
    neighbour = source or after or before or (current.environments[-1].name if current.environments else "")
    model = edits.environment(current, neighbour) if neighbour else Environment(name)
    by_branch = current.settings.revision is RevisionStyle.BRANCH
    # What is copied of the clusters of the other is theirs.
    placed = edits.in_clusters(current, model, "", clusters)
    new = Environment(
        name=name,
        cluster=placed.cluster,
        clusters=placed.clusters,
        rollout=placed.rollout,
        overrides=placed.overrides if placed.clusters == model.clusters else (),
        revision=revision or (name if by_branch else current.settings.branch),
        auto_sync=auto_sync,
        replicas=model.replicas,
        applications=model.applications,
        chart_versions=model.chart_versions,
        pod_security=model.pod_security,
        permitted=model.permitted,
        teams_permitted=model.teams_permitted,
    )
    return Change(
        current,
        edits.with_quotas(
            edits.add_environment(current, new, after=after, before=before), {neighbour: (neighbour, name)}
        ),
        copies={layout.environment(name): layout.environment(neighbour)} if neighbour else {},
        made=frozenset({layout.environment_settings(name)}),
    )


def remove_applications(current: Repository, names: Collection[str]) -> Change:
    """Return the change that removes applications with all that is in their folders."""
    removed = [layout.application(name) for name in names]
    for environment in current.environments:
        removed += [layout.deployment(environment.name, name) for name in names]
        removed += [layout.argocd_application(environment.name, name) for name in names]
        removed += [layout.application_policies(environment.name, name) for name in names]
        removed += [layout.previews(environment.name, name) for name in names]
        removed += [folder for name in names for folder in _overrides(environment, name)]
    after = edits.remove_applications(current, names)
    if current.charts and not after.charts:
        removed.append(layout.SHARED_CHART)
    return Change(current, after, removed=removed)


def remove_environment(current: Repository, name: str) -> Change:
    """Return the change that removes an environment with all that is in its folders."""
    removed = [layout.environment(name), layout.argocd_environment(name), layout.platform(name)]
    return Change(current, edits.remove_environment(current, name), removed=removed)


def rename_application(current: Repository, old: str, new: str) -> Change:
    """Return the change that renames an application: its folders move with all that is in them."""
    copies = {layout.application(new): layout.application(old), layout.chart(new): layout.chart(old)}
    for each in current.environments:
        copies[layout.deployment(each.name, new)] = layout.deployment(each.name, old)
        copies[layout.argocd_application(each.name, new)] = layout.argocd_application(each.name, old)
        copies[layout.application_policies(each.name, new)] = layout.application_policies(each.name, old)
        copies[layout.previews(each.name, new)] = layout.previews(each.name, old)
        copies |= {f"{folder.rpartition('/')[0]}/{new}": folder for folder in _overrides(each, old)}
    return _renaming(Change(current, edits.rename_application(current, old, new), copies=copies))


def rename_environment(current: Repository, old: str, new: str) -> Change:
    """Return the change that renames an environment: its folders move with all that is in them."""
    copies = {
        layout.environment(new): layout.environment(old),
        layout.argocd_environment(new): layout.argocd_environment(old),
        layout.platform(new): layout.platform(old),
    }
    return _renaming(Change(current, edits.rename_environment(current, old, new), copies=copies))


def rename_cluster(current: Repository, old: str, new: str) -> Change:
    """Return the change that renames a cluster: what applications have of their own in it moves."""
    places = [each.name for each in current.environments if old in each.clusters and each.overrides]
    copies = {layout.cluster_deployments(each, new): layout.cluster_deployments(each, old) for each in places}
    return _renaming(Change(current, clusters.rename(current, old, new), copies=copies))


def _overrides(environment: Environment, application: str) -> list[str]:
    """Return the folders of what an application has of its own in clusters of an environment."""
    places = dict(environment.overrides).get(application, ())
    return [f"{layout.cluster_deployments(environment.name, each)}/{application}" for each in places]


def remove_team(current: Repository, name: str) -> Change:
    """Return the change that removes a team with its AppProjects, and with what people wrote there."""
    projects = [layout.project(each.name, name) for each in current.environments]
    return Change(current, edits.remove_team(current, name), removed=[layout.team(name), *projects])


def rename_team(current: Repository, old: str, new: str) -> Change:
    """Return the change that renames a team: its folder and its AppProjects move with all that is in them."""
    copies = {layout.team(new): layout.team(old)}
    for each in current.environments:
        copies[layout.project(each.name, new)] = layout.project(each.name, old)
    return _renaming(Change(current, edits.rename_team(current, old, new), copies=copies))


def _renaming(change: Change) -> Change:
    return replace(change, removed=tuple(change.copies.values()))
