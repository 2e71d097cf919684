"""Argo CD's own manifests, kept in the repository: brought once, renewed, and never lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from argosy.argocd import installed
from argosy.argocd.inventory import take
from argosy.kubernetes import kubectl
from argosy.remote import Pin, held
from argosy.remote.held import Held
from tests import shared
from tests.changing import commit, create, edit, git, state
from tests.conftest import Argosy
from tests.templates.test_install import stand_in
from tests.upstream.releases import pinned

RELEASES = "https://raw.githubusercontent.com/argoproj/argo-cd"
MANIFESTS, DIGEST = "argocd/install/install.yaml", "argocd/install/install.yaml.sha256"
VENDORED = ("set", "repository", "argocdManifests=vendored", "--commit", "--quiet")


def fetched(path: str, *, high_availability: bool = False) -> str:
    """Have Argo CD's manifests as if they were fetched, and return their text."""
    text = yaml.safe_dump_all(stand_in(high_availability=high_availability))
    held.keep(Pin(f"{RELEASES}/{path}", ""), {"install.yaml": Held(text.encode())})
    return text


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.setenv("ARGOSY_CACHE", str(shared.cache_of_results(tmp_path / "cache")))
    monkeypatch.chdir(root)
    return root


def test_it_is_kept_renewed_and_given_back(argosy: Argosy, repository: Path) -> None:
    text = fetched(f"{pinned()}/manifests/install.yaml")
    assert argosy(*VENDORED).code == 0
    assert (repository / MANIFESTS).read_text() == text
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "install.yaml.sha256"], cwd=repository / "argocd/install", check=True
    )
    assert installed.of(installed.find(take(repository))) == pinned().removeprefix("v")
    # What bootstrap applies is built with no network.
    assert "quay.io/argoproj/argocd:" in kubectl.run("kustomize", str(repository / "argocd/install"), seconds=60)
    assert "0 skipped" in argosy("validate").out
    assert f"vendor's        unchanged  {MANIFESTS}\n" in argosy("status", "--files").out

    available = fetched(f"{pinned()}/manifests/ha/install.yaml", high_availability=True)
    assert argosy("set", "repository", "highAvailability=true", "--commit", "--quiet").code == 0
    assert (repository / MANIFESTS).read_text() == available
    assert f"# {RELEASES}/{pinned()}/manifests/ha/install.yaml\n" in (repository / DIGEST).read_text()

    assert argosy("set", "repository", "argocdManifests=release", "highAvailability=false", "--commit").code == 0
    assert not {MANIFESTS, DIGEST} & {*git(repository, "ls-files").split()}


def test_without_a_network_nothing_is_changed(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(repository)
    result = argosy(*VENDORED)
    assert (result.code, state(repository)) == (2, before)
    assert "manifests/install.yaml was not fetched" in result.err
    assert "--fetch" in result.err
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    result = argosy(*VENDORED[:-1], "--fetch")
    assert (result.code, state(repository)) == (2, before)
    assert f"Fetching {RELEASES}/{pinned()}/manifests/install.yaml.\n" in result.err
    assert "could not be fetched: " in result.err
    assert "Check the address and the network." in result.err
    assert "with --fetch" not in result.err
    result = argosy("init", str(repository / "new"), "--defaults", "--repo-url", "https://x.example/a/b.git", *_KEPT)
    assert (result.code, (repository / "new").exists()) == (2, False)


_KEPT = ("--set", "argocdManifests=vendored")


def test_a_new_repository_has_it(argosy: Argosy, repository: Path) -> None:
    text = fetched(f"{pinned()}/manifests/install.yaml")
    new = repository.parent / "new"
    result = argosy("init", str(new), "--minimal", "--defaults", "--repo-url", "https://x.example/a/b.git", *_KEPT)
    assert result.code == 0, result.err
    assert (new / MANIFESTS).read_text() == text
    assert git(new, "status", "--short") == ""


def test_an_edit_of_it_is_found_and_kept(argosy: Argosy, repository: Path) -> None:
    fetched(f"{pinned()}/manifests/install.yaml")
    fetched(f"{pinned()}/manifests/ha/install.yaml")
    argosy(*VENDORED)
    edit(repository, MANIFESTS, "argocd-cm\n", "argocd-cm\n    labels: {mine: 'true'}\n")
    commit(repository)
    assert "[install-manifests-changed]" in argosy("validate").out
    for turned in ("highAvailability=true", "argocdManifests=release"):
        before = state(repository)
        result = argosy("set", "repository", turned)
        assert (result.code, state(repository)) == (1, before)
        assert f"{MANIFESTS} is not the copy whose digest is in {DIGEST}." in result.err
    git(repository, "checkout", "--quiet", "HEAD~", "--", MANIFESTS)
    # What is from elsewhere than the kustomization says, such as a version that was raised there alone.
    edit(repository, "argocd/install/kustomization.yaml", pinned(), "v9.9.9")
    assert "[install-manifests-changed]" in argosy("validate").out


def test_a_file_of_that_name_is_not_replaced(argosy: Argosy, repository: Path) -> None:
    fetched(f"{pinned()}/manifests/install.yaml")
    commit(repository, {MANIFESTS: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\n"})
    before = state(repository)
    result = argosy(*VENDORED)
    assert (result.code, state(repository)) == (1, before)
    assert "A file of your own needs another name." in result.err
