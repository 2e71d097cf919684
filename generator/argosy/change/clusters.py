"""Clusters that are declared: edits of the model, and how Argo CD learns of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace

from argosy.change import edits
from argosy.errors import UsageError
from argosy.names import joined
from argosy.repository import layout, switches
from argosy.repository.model import Cluster, Environment, Repository, Secrets


def add(repository: Repository, new: Cluster) -> Repository:
    """Return the repository with one more cluster declared."""
    edits.refuse_taken("cluster", new.name, {each.name for each in repository.clusters})
    return replace(repository, clusters=_by_name([*repository.clusters, new]))


def remove(repository: Repository, name: str) -> Repository:
    """Return the repository without a cluster; raise UsageError where an environment is in it."""
    gone = edits.cluster(repository, name)
    if used := [each.name for each in repository.environments if name in each.places]:
        raise UsageError(
            f"{joined(used)} {'is' if len(used) == 1 else 'are'} in the cluster {name}.",
            f"Name others first: argosy set env {used[0]} clusters=…",
        )
    return replace(repository, clusters=tuple(each for each in repository.clusters if each != gone))


def rename(repository: Repository, old: str, new: str) -> Repository:
    """Return the repository with a cluster renamed; environments name it so from then on."""
    renamed = replace(edits.cluster(repository, old), name=new)
    others = [each for each in repository.clusters if each.name != old]
    edits.refuse_taken("cluster", new, {each.name for each in others})

    def placed(each: Environment) -> Environment:
        if old not in each.places:
            return each
        overrides = tuple((name, tuple(new if it == old else it for it in its)) for name, its in each.overrides)
        named = each.in_clusters(*(new if it == old else it for it in each.places))
        return replace(named, overrides=overrides)

    environments = tuple(map(placed, repository.environments))
    return replace(repository, environments=environments, clusters=_by_name([*others, renamed]))


def change(repository: Repository, name: str, values: Mapping[str, str]) -> Repository:
    """Return the repository with settings of a cluster changed: `server=…`, `labels=region=eu,tier=gold`."""
    changed = replace(edits.cluster(repository, name), **switches.read(f"cluster {name}", values))
    return replace(repository, clusters=tuple(changed if each.name == name else each for each in repository.clusters))


def changed(repository: Repository, before: Repository, name: str) -> str:
    """Return what is left to do until Argo CD knows what was changed of a cluster."""
    now, then = edits.cluster(repository, name), edits.cluster(before, name)
    if repository.settings.production.secrets is Secrets.EXTERNAL_SECRETS:
        return f"Argo CD knows it when the ExternalSecret argocd-cluster-{name} is synced."
    if now.server == then.server:
        return f"Have Argo CD know it, too: argocd cluster set {name} {_labels(now)}"
    return f"Have Argo CD know it, too: argocd cluster rm {name}, and then\n  {_adding(now)}"


def abandoned(before: Repository, after: Repository, environment: str) -> list[str]:
    """Return the folders of what applications have of their own in clusters that an environment leaves."""
    was, places = edits.environment(before, environment), edits.environment(after, environment).clusters
    named = dict.fromkeys(each for _, its in was.overrides for each in its)
    return [layout.cluster_deployments(environment, each) for each in named if each not in places]


def _by_name(clusters: Iterable[Cluster]) -> tuple[Cluster, ...]:
    return tuple(sorted(clusters, key=lambda each: each.name))


def registration(repository: Repository, cluster: Cluster) -> str:
    """Return what is left to do until Argo CD knows a cluster. What it logs in with is never in Git."""
    if repository.settings.production.secrets is Secrets.EXTERNAL_SECRETS:
        return (
            f"Argo CD learns of {cluster.name} by the ExternalSecret argocd-cluster-{cluster.name} in "
            "platform/argocd/secrets.yaml: put its `config` into the store, as `argosy help clusters` says."
        )
    return (
        f"Argo CD does not learn of {cluster.name} from Git. Once you are logged in, with CONTEXT that of your "
        f"kubeconfig:\n  {_adding(cluster)}"
    )


def _adding(cluster: Cluster) -> str:
    return f"argocd cluster add CONTEXT {options(cluster)}"


def options(cluster: Cluster) -> str:
    """Return the options with which `argocd cluster add` makes a cluster known as it is declared."""
    return f"--name {cluster.name} {_labels(cluster)}"


def _labels(cluster: Cluster) -> str:
    return " ".join(f"--label {shlex.quote(f'{key}={value}')}" for key, value in cluster.label_of.items())
