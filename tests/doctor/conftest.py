"""The tools that the doctor's tests run with, whatever the machine has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator import kubectl


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder of the PATH, with git and the bundled kubectl in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").symlink_to(shutil.which("git") or "git")
    (folder / "kubectl").symlink_to(kubectl.bundled() or "kubectl")
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def kubernetes(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the kubeconfig is to be, with nothing else there that kubectl would look at."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
