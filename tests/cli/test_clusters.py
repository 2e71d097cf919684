"""Clusters that are declared once, as people meet them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests import shared
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy, in_process

EU, US = "https://eu1.example.com:6443", "https://us1.example.com:6443"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository with a cluster declared, which is where one is."""

    def make(place: Path) -> None:
        create(place)
        where = ("--repository", str(place))
        added = in_process("add", "cluster", "eu1", "--server", EU, "--label", "region=eu", "--commit", *where)
        assert added.code == 0, added.err
        assert "argocd cluster add CONTEXT --name eu1 --label cluster=eu1 --label region=eu" in added.err

    root = shared.repository("with a cluster", make, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def done(argosy: Argosy, *words: str) -> str:
    """Return what a command says that commits, and whose outcome is validated with that of others."""
    result = argosy(*words, "--commit", "--no-validate")
    assert result.code == 0, result.err
    return result.err


def documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all(Path(path).read_text()))


def test_a_cluster_is_declared_once_and_named_by_environments(argosy: Argosy, repository: Path) -> None:
    assert documents("clusters.yaml") == [{"clusters": [{"name": "eu1", "server": EU, "labels": {"region": "eu"}}]}]
    assert git(repository, "show", "--stat", "--format=", "HEAD").split()[0] == "clusters.yaml"
    assert "Nothing is deployed to the cluster eu1. [cluster-unused]" in " ".join(argosy("validate").out.split())
    done(argosy, "set", "env", "prod", "cluster=eu1", "--yes")
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
        ("add", "cluster", "us1", "--server", "https://ada:sesame@us1"): "is given with a user or a password",
        ("add", "cluster", "us1", "--server", US, "--label", "eu"): "“eu” is not a label (cluster us1).",
        ("add", "cluster", "in-cluster", "--server", US): "Argo CD calls the one so that it runs in",
        ("set", "cluster", "eu1", "labels=cluster=x"): "The label cluster is not yours to set",
        ("set", "cluster", "eu2", f"server={US}"): "Did you mean “eu1”?",
    }.items():
        refused = argosy(*words)
        assert (refused.code, told in refused.err) == (2, True), refused.err
        assert "sesame" not in refused.err
    assert state(repository) == before
    Path("clusters.yaml").unlink()
    os.mkfifo("clusters.yaml")
    assert "clusters.yaml is no file that can be read." in argosy("settings", "cluster", "eu1").err


def test_what_changes_of_a_cluster(argosy: Argosy, repository: Path) -> None:
    done(argosy, "set", "env", "prod", "cluster=eu1", "--yes")
    moved = argosy("set", "cluster", "eu1", f"server={US}", "--dry-run")
    assert f"  web-prod: web-prod in {EU} -> web-prod in {US}" in moved.err
    labelled = done(argosy, "set", "cluster", "eu1", "labels=region=eu,tier=gold")
    assert "argocd cluster set eu1 --label cluster=eu1 --label region=eu --label tier=gold" in labelled
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

    done(argosy, "set", "env", "prod", "cluster=in-cluster", "--yes")
    removed = argosy("remove", "cluster", "eu-west", "--commit")
    assert (removed.code, "argocd cluster rm eu-west" in removed.err) == (0, True), removed.err
    assert not Path("clusters.yaml").exists()


def test_a_url_that_becomes_a_name_moves_nothing(argosy: Argosy, repository: Path) -> None:
    done(argosy, "set", "env", "prod", f"cluster={EU}", "--yes")
    assert argosy("set", "env", "prod", "cluster=eu1", "--commit").code == 0
    edit(repository, "clusters.yaml", "name: eu1", "name: eu2")
    wrong = argosy("validate")
    assert wrong.code == 1
    assert "environments/prod/environment.yaml:3" in wrong.out
    assert "prod is in the cluster “eu1”, which clusters.yaml does not declare" in " ".join(wrong.out.split())
    edit(repository, "clusters.yaml", f'server: "{EU}"', "server: eu1")
    assert "clusters.yaml:5" in argosy("status").err


def test_with_external_secrets_argo_cd_learns_of_it_from_git(argosy: Argosy, repository: Path) -> None:
    done(argosy, "set", "env", "prod", f"cluster={EU}", "--yes")
    done(argosy, "set", "repository", "secrets=external-secrets")
    added = done(argosy, "add", "cluster", "us1", "--server", US, "--label", "tier=1")
    assert "argocd-cluster-us1 in platform/argocd/secrets.yaml" in added
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
    done(argosy, "add", "cluster", "eu1", "--server", EU)
    done(argosy, "set", "env", "prod", "cluster=eu1", "--yes")
    done(argosy, "add", "cluster", "us1", "--server", US)
    assert argosy("set", "env", "prod", "clusters=eu1,us1", "rollout=cluster", "--commit").code == 0
    assert argosy("rename", "cluster", "eu1", "eu2", "--commit").code == 0
    for branch in ("prod", "main"):
        assert 'clusters: ["eu2", "us1"]' in git(root, "show", f"{branch}:environments/prod/environment.yaml")


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository whose production is in two clusters, one after the other, which is where one is."""

    def make(place: Path) -> None:
        create(place, model(("web",), form=Format.HELM))
        there = ("--repository", str(place))
        for name, server in (("eu1", EU), ("us1", US)):
            done(in_process, "add", "cluster", name, "--server", server, "--label", f"region={name[:2]}", *there)
        placed = done(in_process, "set", "env", "prod", "clusters=eu1,us1", "rollout=region", "--yes", *there)
        assert "  web-prod: web-prod in https://kubernetes.default.svc -> web-prod in https://eu1" in placed

    root = shared.repository("with production in two clusters", make, tmp_path / "several")
    monkeypatch.chdir(root)
    return root


def test_an_environment_in_several_clusters(argosy: Argosy, several: Path) -> None:
    assert documents("environments/prod/environment.yaml")[0]["clusters"] == ["eu1", "us1"]
    spec = documents("argocd/prod/web.yaml")[0]["spec"]
    (generator,) = spec["generators"]
    assert generator["clusters"]["selector"]["matchExpressions"] == [
        {"key": "cluster", "operator": "In", "values": ["eu1", "us1"]}
    ]
    steps = spec["strategy"]["rollingSync"]["steps"]
    assert [each["matchExpressions"][0]["values"] for each in steps] == [["eu"], ["us"]]
    assert documents("argocd/prod/project.yaml")[0]["spec"]["destinations"] == [
        {"name": name, "namespace": "*-prod"} for name in ("eu1", "us1")
    ]
    params = documents("argocd/install/argocd-cmd-params-cm.yaml")[0]["data"]
    assert params == {"applicationsetcontroller.enable.progressive.syncs": "true"}
    assert "0 errors, 0 warnings" in argosy("validate").out

    for name in ("us1", "ap1"):
        own = Path(f"environments/prod/clusters/{name}/web/values.yaml")
        own.parent.mkdir(parents=True)
        own.write_text("replicaCount: 7\n")
    assert argosy("validate").out.count("[folder-not-deployed]") == 2
    own.unlink()
    done(argosy, "apply")
    assert "0 errors, 0 warnings" in argosy("validate").out
    replicas = [line for line in argosy("render", "web", "prod").out.splitlines() if "  replicas:" in line]
    assert replicas == ["  replicas: 3", "  replicas: 7"]
    assert "  replicas: 7" in argosy("render", "web", "prod", "--cluster", "us1").out
    assert "It is in eu1 and us1." in argosy("render", "web", "prod", "--cluster", "ap1").err
    assert "web has something of its own in us1" in argosy("convert", "web", "--to", "kustomize").err

    done(argosy, "rename", "app", "web", "shop", "--yes")
    done(argosy, "rename", "cluster", "us1", "us2")
    assert "replicaCount: 7" in Path("environments/prod/clusters/us2/shop/values.yaml").read_text()
    assert "0 errors, 0 warnings" in argosy("validate").out
    edit(several, "environments/dev/shop/values.yaml", "1.29.3-alpine", "1.30.0")
    commit(several)
    promoted = argosy("promote", "shop", "--to", "prod", "--yes", "--commit")
    assert promoted.code == 0, promoted.err
    assert "prod: shop-prod-eu1" in promoted.out
    assert "prod: shop-prod-us2" in promoted.out
    done(argosy, "remove", "app", "shop", "--yes")
    assert not any(Path("environments/prod/clusters").rglob("*.yaml"))


def test_what_several_clusters_are_not_for(argosy: Argosy, several: Path) -> None:
    before = state(several)
    for words, told in {
        ("set", "env", "prod", "rollout=tier"): "prod is rolled out to by tier, a label that eu1 does not have.",
        ("set", "env", "prod", "rollout=environment"): "cannot be rolled out to by environment",
        ("set", "env", "dev", "rollout=region"): "The environment dev has one cluster",
        ("set", "env", "prod", "clusters="): "“” is not a cluster (environment prod).",
        ("set", "env", "prod", "clusters=eu1,eu1"): "clusters names eu1 twice.",
        ("set", "env", "prod", "clusters=eu1,us9"): "There is no cluster “us9”.",
        ("set", "env", "prod", f"clusters=eu1,{US}"): f"argosy add cluster NAME --server {US}",
        ("set", "env", "prod", "clusters=eu1,us1", "cluster=eu1"): "Give one of them.",
        ("set", "cluster", "eu1", "labels=tier=gold"): "a label that eu1 does not have",
        ("remove", "cluster", "us1"): "prod is in the cluster us1.",
        ("convert", "web", "--chart", "shared"): "with several clusters there is one for each.",
    }.items():
        refused = argosy(*words)
        assert (refused.code, told in refused.err) == (2, True), refused.err
    assert state(several) == before

    done(argosy, "set", "env", "prod", "autoSync=false")
    assert "strategy" not in documents("argocd/prod/web.yaml")[0]["spec"]
    done(argosy, "add", "env", "dr", "--after", "prod", "--cluster", "us1")
    assert documents("environments/dr/environment.yaml")[0]["destination"] == {"name": "us1"}
    own = Path("environments/prod/clusters/us1/web/values.yaml")
    own.parent.mkdir(parents=True)
    own.write_text("replicaCount: 7\n")
    done(argosy, "apply")
    back = done(argosy, "set", "env", "prod", "clusters=eu1", "autoSync=true", "--yes")
    assert "Nothing reads these any more, which are yours: git rm -r environments/prod/clusters/us1\n" in back
    removed = argosy("remove", "app", "web", "--yes", "--dry-run")
    assert removed.code == 0, removed.err
    git(several, "rm", "--quiet", "-r", "environments/prod/clusters/us1")
    git(several, "commit", "--quiet", "--message", "What nothing reads")
    assert f"  web-prod-us1: web-prod in {US} -> web-prod in {EU}" in back
    assert documents("argocd/prod/web.yaml")[0]["kind"] == "Application"
    assert argosy("validate").code == 0


def test_teams_in_several_clusters(argosy: Argosy, several: Path) -> None:
    for words in (("app", "web", "team=payments"), ("repository", "sso=oidc", "ci=gitlab")):
        done(argosy, "set", *words)
    access = documents("argocd/install/argocd-rbac-cm.yaml")[0]["data"]["policy.csv"]
    assert "p, role:team-payments, applications, sync, dev/web-dev, allow\n" in access
    for name in ("eu1", "us1"):
        assert f"p, role:team-payments, logs, get, prod/web-prod-{name}, allow\n" in access
    assert "/environments/prod/clusters/*/web/ @acme/payments\n" in Path("CODEOWNERS").read_text()

    moved = done(argosy, "set", "repository", "tenancy=team")
    assert "  web-prod-us1: prod -> prod-payments\n" in moved
    assert spec_of("argocd/prod/web.yaml")["template"]["spec"]["project"] == "prod-payments"
    own = "argocd/prod/teams/payments.yaml"
    assert spec_of(own)["destinations"] == [{"name": name, "namespace": "web-prod"} for name in ("eu1", "us1")]
    assert spec_of("argocd/prod/project.yaml")["destinations"] == []
    done(argosy, "rename", "cluster", "us1", "us2")
    assert spec_of(own)["destinations"][1] == {"name": "us2", "namespace": "web-prod"}
    done(argosy, "rename", "team", "payments", "billing", "--yes")
    done(argosy, "set", "repository", "argocd=applicationset", "--yes")
    assert argosy("add", "app", "find", "--format", "manifests", "--team", "search", "--commit").code == 2
    done(argosy, "add", "team", "search")
    done(argosy, "add", "app", "find", "--format", "manifests", "--team", "search")
    assert argosy("validate").code == 0  # With placeholders of the SSO to fill in.

    # What one team has in a cluster, another does not reach there.
    own = "argocd/prod/teams/search.yaml"
    edit(several, own, '{name: "us2", namespace: "find-prod"}', '{server: "' + US + '", namespace: "web-*"}')
    wrong = argosy("validate")
    told = " ".join(wrong.out.split())
    assert "permits the namespace “web-prod”, which web-prod-us2 of the team billing deploys to." in told
    assert "web-prod-eu1 of the team" not in told
    git(several, "checkout", own)
    edit(several, "argocd/prod/web.yaml", '"prod-billing"', '"prod-search"')
    assert "[team-project-foreign]" in argosy("validate").out


def test_one_applicationset_for_all_others(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "set", model(form=Format.KUSTOMIZE, argocd=ArgocdStyle.APPLICATIONSET))
    monkeypatch.chdir(root)
    for name, server in (("eu1", EU), ("us1", US)):
        done(argosy, "add", "cluster", name, "--server", server)
    done(argosy, "add", "app", "gizmo", "--chart", "oci://registry.example.com/gizmo:1.2.3")
    done(argosy, "add", "component", "cert-manager", "--env", "prod")
    done(argosy, "set", "env", "prod", "clusters=eu1,us1", "--yes")
    overlay = "resources: [../../../web]\nnameSuffix: -us\n"
    for path, text in (("web/kustomization.yaml", overlay), ("gizmo/values.yaml", "replicas: 2\n")):
        own = root / "environments/prod/clusters/us1" / path
        own.parent.mkdir(parents=True)
        own.write_text(text)
    done(argosy, "apply")
    valid = argosy("validate", "--output", "json")
    assert valid.code == 0, valid.out
    assert "name: web-us\n" in argosy("render", "web", "prod", "--cluster", "us1").out
    assert "name: web\n" in argosy("render", "web", "prod", "--cluster", "eu1").out
    files = spec_of("argocd/applicationset.yaml")["generators"][-1]["matrix"]["generators"][0]["matrix"]["generators"]
    assert {"path": "environments/prod/environment.yaml", "exclude": True} in files[0]["git"]["files"]
    matrix = spec_of("argocd/prod/gizmo.yaml")["generators"][0]["matrix"]["generators"]
    assert [*matrix[0], *matrix[1]] == ["git", "clusters"]
    components = [each["metadata"]["name"] for each in documents("argocd/prod/components/cert-manager.yaml")]
    assert components == ["cert-manager-prod-eu1", "cert-manager-prod-us1"]
    refused = argosy("bootstrap", "--env", "prod", "--dry-run")
    assert "prod is in eu1 and us1: one Argo CD deploys to all of them." in refused.err


def spec_of(path: str) -> Any:
    return documents(path)[0]["spec"]
