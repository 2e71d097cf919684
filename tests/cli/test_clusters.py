"""Clusters that are declared once, as people meet them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import RevisionStyle
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy

EU, US = "https://eu1.example.com:6443", "https://us1.example.com:6443"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository with a cluster declared, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    added = argosy("add", "cluster", "eu1", "--server", EU, "--label", "region=eu", "--commit")
    assert added.code == 0, added.err
    assert "argocd cluster add CONTEXT --name eu1 --label cluster=eu1 --label region=eu" in added.err
    return root


def documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all(Path(path).read_text()))


def test_a_cluster_is_declared_once_and_named_by_environments(argosy: Argosy, repository: Path) -> None:
    assert documents("clusters.yaml") == [{"clusters": [{"name": "eu1", "server": EU, "labels": {"region": "eu"}}]}]
    assert git(repository, "show", "--stat", "--format=", "HEAD").split()[0] == "clusters.yaml"
    assert "Nothing is deployed to the cluster eu1. [cluster-unused]" in " ".join(argosy("validate").out.split())
    assert argosy("set", "env", "prod", "cluster=eu1", "--yes", "--commit").code == 0
    assert documents("environments/prod/environment.yaml")[0]["destination"] == {"name": "eu1"}
    assert documents("argocd/prod/project.yaml")[0]["spec"]["destinations"] == [{"name": "eu1", "namespace": "*-prod"}]
    assert "0 errors, 0 warnings" in argosy("validate").out
    added = argosy("add", "env", "qa", "--after", "dev", "--cluster", "eu1", "--commit")
    assert (added.code, documents("environments/qa/environment.yaml")[0]["destination"]) == (0, {"name": "eu1"})

    before = state(repository)
    for words, told in {
        ("set", "env", "prod", "cluster=eu2"): "Did you mean “eu1”? To declare it: argosy add cluster eu2 --server URL",
        ("remove", "cluster", "eu1"): "qa and prod are in the cluster eu1.",
        ("add", "cluster", "eu1", "--server", US): "There is a cluster “eu1” already.",
        ("add", "cluster", "eu9", "--server", EU): "is given twice",
        ("add", "cluster", "us1", "--server", "us1"): "“us1” is not where an API server is (cluster us1).",
        ("add", "cluster", "us1", "--server", US, "--label", "eu"): "“eu” is not a label (cluster us1).",
        ("add", "cluster", "in-cluster", "--server", US): "Argo CD calls the one so that it runs in",
        ("set", "cluster", "eu1", "labels=cluster=x"): "The label cluster is not yours to set",
        ("set", "cluster", "eu2", f"server={US}"): "Did you mean “eu1”?",
    }.items():
        refused = argosy(*words)
        assert (refused.code, told in refused.err) == (2, True), refused.err
    assert state(repository) == before


def test_what_changes_of_a_cluster(argosy: Argosy, repository: Path) -> None:
    assert argosy("set", "env", "prod", "cluster=eu1", "--yes", "--commit").code == 0
    moved = argosy("set", "cluster", "eu1", f"server={US}", "--dry-run")
    assert f"  web-prod: web-prod in {EU} -> web-prod in {US}" in moved.err
    labelled = argosy("set", "cluster", "eu1", "labels=region=eu,tier=gold", "--commit")
    assert "argocd cluster set eu1 --label cluster=eu1 --label region=eu --label tier=gold" in labelled.err
    assert documents("clusters.yaml")[0]["clusters"][0]["labels"] == {"region": "eu", "tier": "gold"}

    edit(repository, "argocd/prod/project.yaml", "The applications of", "All applications of")
    commit(repository)
    renamed = argosy("rename", "cluster", "eu1", "eu-west", "--commit")
    assert (renamed.code, "argocd cluster set eu1 --name eu-west" in renamed.err) == (0, True), renamed.err
    project = documents("argocd/prod/project.yaml")[0]["spec"]
    assert project["destinations"] == [{"name": "eu-west", "namespace": "*-prod"}]
    assert project["description"] == "All applications of the environment prod."
    shown = argosy("settings", "cluster", "eu-west", "labels")
    assert "region=eu,tier=gold" in shown.out
    assert "clusters.yaml" in shown.out

    assert argosy("set", "env", "prod", "cluster=in-cluster", "--yes", "--commit").code == 0
    removed = argosy("remove", "cluster", "eu-west", "--commit")
    assert (removed.code, "argocd cluster rm eu-west" in removed.err) == (0, True), removed.err
    assert not Path("clusters.yaml").exists()


def test_a_url_that_becomes_a_name_moves_nothing(argosy: Argosy, repository: Path) -> None:
    assert argosy("set", "env", "prod", f"cluster={EU}", "--yes", "--commit").code == 0
    assert argosy("set", "env", "prod", "cluster=eu1", "--commit").code == 0
    edit(repository, "clusters.yaml", "name: eu1", "name: eu2")
    wrong = argosy("validate")
    assert wrong.code == 1
    assert "environments/prod/environment.yaml:3" in wrong.out
    assert "prod is in the cluster “eu1”, which clusters.yaml does not declare" in " ".join(wrong.out.split())
    edit(repository, "clusters.yaml", f'server: "{EU}"', "server: eu1")
    assert "clusters.yaml:5" in argosy("status").err


def test_with_external_secrets_argo_cd_learns_of_it_from_git(argosy: Argosy, repository: Path) -> None:
    assert argosy("set", "env", "prod", f"cluster={EU}", "--yes", "--commit").code == 0
    assert argosy("set", "repository", "secrets=external-secrets", "--commit").code == 0
    added = argosy("add", "cluster", "us1", "--server", US, "--label", "tier=1", "--commit")
    assert "argocd-cluster-us1 in platform/argocd/secrets.yaml" in added.err
    made = [each for each in documents("platform/argocd/secrets.yaml") if "-cluster-" in each["metadata"]["name"]]
    # The environment's server is that of a declared one, which is known by its own name.
    assert [each["metadata"]["name"] for each in made] == ["argocd-cluster-eu1", "argocd-cluster-us1"]
    template = made[1]["spec"]["target"]["template"]
    assert template["metadata"]["labels"] == {
        **{"argocd.argoproj.io/secret-type": "cluster", "cluster": "us1", "tier": "1"},
    }
    assert template["data"] == {"name": "us1", "server": US, "config": "{{ .config }}"}
    assert made[1]["spec"]["data"][0]["remoteRef"]["key"] == "argocd-cluster-us1"
    assert argosy("validate").code == 0


def test_an_answers_file_declares_clusters(argosy: Argosy, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        f"clusters: [{{name: eu1, server: '{EU}', labels: {{region: eu}}}}]\n"
        "environments: [dev, {name: prod, cluster: eu1}]\napplications: []\nci: none\n"
    )
    laid = argosy(
        "init", str(tmp_path / "new"), "--defaults", "--answers", str(answers), "--save-answers", "again.yaml"
    )
    assert laid.code == 0, laid.err
    assert "name: eu1" in (tmp_path / "new/clusters.yaml").read_text()
    assert yaml.safe_load(Path("again.yaml").read_text())["clusters"][0]["labels"] == {"region": "eu"}


def test_a_branch_for_each_environment(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "branches", model(revision=RevisionStyle.BRANCH))
    for branch in ("dev", "prod"):
        git(root, "branch", branch)
    monkeypatch.chdir(root)
    assert argosy("add", "cluster", "eu1", "--server", EU, "--commit").code == 0
    assert argosy("set", "env", "prod", "cluster=eu1", "--yes", "--commit").code == 0
    assert argosy("rename", "cluster", "eu1", "eu2", "--commit").code == 0
    assert 'name: "eu2"' in git(root, "show", "prod:environments/prod/environment.yaml")
    assert 'name: "eu2"' in git(root, "show", "main:environments/prod/environment.yaml")
