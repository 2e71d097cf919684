from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import control_plane
from tests.cluster.argocd import running
from tests.cluster.argocd.running import ArgoCD
from tests.elsewhere import GitServer, git_server


@pytest.fixture(scope="module")
def argocd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCD]:
    """Run a control plane with its controllers, and Argo CD in it, for all tests of a module."""
    folder = tmp_path_factory.mktemp
    with control_plane.running(folder("plane")) as plane, running.running(folder("argocd"), plane) as argocd:
        yield argocd


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """Serve Git repositories to it."""
    with git_server(tmp_path_factory.mktemp("git")) as server:
        yield server
