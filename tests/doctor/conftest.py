"""The tools that the doctor's tests run with, whatever the machine has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from argosy.kubernetes import kubectl
from tests.kubernetes import played


@pytest.fixture(scope="session")
def basic_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with git and the bundled kubectl in it."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git").symlink_to(shutil.which("git") or "git")
    (folder / "kubectl").symlink_to(kubectl.bundled() or "kubectl")
    return folder


@pytest.fixture
def tools(tmp_path: Path, basic_tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for further tools: behind it, the PATH has git and the bundled kubectl, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{basic_tools}")
    return folder


@pytest.fixture
def kubernetes(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the kubeconfig is to be, with nothing else there that kubectl would look at."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    played.instead(monkeypatch)
    return tmp_path
