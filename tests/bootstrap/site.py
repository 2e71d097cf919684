"""A repository that is pushed to a remote on this machine, beside a cluster to hand it over to."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from argosy.repository.model import Repository
from tests.bootstrap.apiserver import ApiServer
from tests.bootstrap.argocd import installation
from tests.changing import commit, create, git, model
from tests.status.cluster import kubeconfig

_URL = "https://github.com/acme/gitops.git"


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is."""

    root: Path
    url: str
    cluster: ApiServer
    install: Path
    kubeconfig: Path

    def push(self) -> None:
        """Push all branches."""
        git(self.root, "push", "--quiet", "origin", "--all")


@functools.cache
def _small() -> Repository:
    return model()


def lay_out(folder: Path, cluster: ApiServer, repository: Repository | None = None, *, context: str = "blue") -> Site:
    """Lay a site out in a folder; the remote is one that anybody may read."""
    root, url = with_remote(folder, repository or _small())
    site = Site(root, url, cluster, installation(folder / "install"), folder / "kubeconfig")
    kubeconfig(site.kubeconfig, cluster.url, context=context, current=context)
    site.push()
    return site


def with_remote(folder: Path, repository: Repository) -> tuple[Path, str]:
    """Return a repository with a remote that has nothing yet, which it names, and the remote's URL."""
    root, remote = folder / "gitops", folder / "remote.git"
    create(root, repository)
    url = remote.as_uri()
    for path in (root / ".copier-answers.yml", *root.rglob("*.md"), *(root / "argocd").rglob("*.yaml")):
        path.write_text(path.read_text().replace(_URL, url))
    commit(root)
    git(folder, "init", "--quiet", "--bare", str(remote))
    git(root, "remote", "add", "origin", url)
    return root, url
