"""What the doctor finds of the tools, which are real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.argocd import versions
from argosy.helm import workers
from tests.changing import edit
from tests.conftest import Argosy
from tests.doctor.stories import cloned, doctor
from tests.helm.conftest import binary  # noqa: F401 - a fixture
from tests.upstream.releases import FACTS, pinned

KUSTOMIZATION = "argocd/install/kustomization.yaml"


@pytest.fixture
def repository(tmp_path: Path, tools: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that is where one is."""
    root = cloned(tmp_path)
    monkeypatch.chdir(root)
    return root


def test_helm_is_of_argo_cd_s_major_version(
    argosy: Argosy,
    repository: Path,
    tools: Path,
    binary: Path,  # noqa: F811
) -> None:
    (tools / "helm").symlink_to(binary)
    known = versions.version(pinned())
    assert known
    own, on_path = (each["seen"] for each in doctor(argosy, "--offline").check("helm")["observations"])
    assert own == f"argosy renders with Helm {workers.helm()} (built in); Argo CD has {known.helm}."
    assert on_path.startswith("helm 4.")
    assert known.helm in on_path


def test_helm_is_of_another_major_version(
    argosy: Argosy,
    repository: Path,
    tools: Path,
    binary: Path,  # noqa: F811
) -> None:
    (tools / "helm").symlink_to(binary)
    edit(repository, KUSTOMIZATION, pinned(), "v3.3.2")
    told = doctor(argosy, "--offline")
    assert "(built in); Argo CD has 3.19.4, which may render differently" in told.of("helm", "unknown")["seen"]
    found = told.of("helm", "problem")
    assert "Argo CD has 3.19.4" in found["seen"]
    assert found["advice"].startswith("Install helm 3: ")


def test_a_tool_that_does_not_tell_its_version(argosy: Argosy, repository: Path, tools: Path) -> None:
    (tools / "kustomize").write_text("#!/bin/sh\nexit 1\n")
    (tools / "kustomize").chmod(0o755)
    assert "does not report its version" in doctor(argosy, "--offline").of("kustomize", "unknown")["seen"]


def test_kubectl_is_too_new(argosy: Argosy, repository: Path) -> None:
    assert doctor(argosy, "--offline").state("kubectl") == "ok"
    edit(repository, ".copier-answers.yml", "kubernetes_version: '1.37'", "kubernetes_version: '1.35'")
    found = doctor(argosy, "--offline").of("kubectl", "problem")
    assert "more than one minor version from Kubernetes 1.35" in found["seen"]


def test_the_version_of_argo_cd(argosy: Argosy, repository: Path) -> None:
    told = {each["seen"] for each in doctor(argosy, "--offline").check("argocd")["observations"]}
    version = versions.version(pinned())
    assert version, "write it into argocd/versions.json: `make check-upstream ARGOCD=…` says what"
    tools = f"with Helm {version.helm} and Kustomize {version.kustomize}."
    assert f"Argo CD {pinned()[1:]}, {tools}" in told
    edit(repository, KUSTOMIZATION, pinned(), "v3.3.2")
    told = {each["seen"] for each in doctor(argosy, "--offline").check("argocd")["observations"]}
    assert "Argo CD 3.3.2, with Helm 3.19.4 and Kustomize 5.8.1." in told
    assert "The repository is for Kubernetes 1.37; Argo CD 3.3 is tested with 1.32 to 1.35." in told
    edit(repository, KUSTOMIZATION, "v3.3.2", "v9.0.0")
    assert "Nothing is known of Argo CD 9.0.0" in doctor(argosy, "--offline").of("argocd", "unknown")["seen"]


def test_the_newest_version_is_a_number_s() -> None:
    known = [*json.loads(FACTS.read_text())]
    assert known == sorted(known, key=lambda each: [int(part) for part in each.split(".")])
    assert versions.newest().minor == known[-1]
    assert versions.version("v2.14.3") == versions.version("2.14")
