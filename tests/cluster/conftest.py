from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.kubernetes import kubectl
from tests.cluster.control_plane import ControlPlane, running


@pytest.fixture(autouse=True)
def own_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the kubectl that suits the control plane first on PATH, whatever the machine has."""
    if bundled := kubectl.bundled():
        monkeypatch.setenv("PATH", f"{Path(bundled).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a control plane for all tests."""
    with running(tmp_path_factory.mktemp("plane")) as plane:
        yield plane
