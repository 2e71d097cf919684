"""`argosy render`, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy, Process

VALUES = "environments/prod/web/values.yaml"


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository of Helm charts, which is where one is."""
    root = create(tmp_path / "gitops", model(("shop", "web"), form=Format.HELM))
    monkeypatch.chdir(root)
    return root


def manifests(argosy: Argosy, *arguments: str) -> list[dict[str, Any]]:
    found = argosy("render", *arguments)
    assert (found.code, found.err) == (0, "")
    return [*yaml.safe_load_all(found.out)]


@pytest.mark.parametrize(
    ("form", "style"),
    [
        (Format.HELM, ArgocdStyle.APPLICATIONS),
        (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONSET),
        (Format.MANIFESTS, ArgocdStyle.APPLICATIONS),
    ],
)
def test_what_argo_cd_would_apply(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, style: ArgocdStyle
) -> None:
    monkeypatch.chdir(create(tmp_path / "gitops", model(form=form, argocd=style)))
    found = manifests(argosy, "web", "prod")
    assert {"Deployment", "Service"} <= {each["kind"] for each in found}
    assert {each["metadata"]["namespace"] for each in found} == {"web-prod"}
    assert "Pod" not in {each["kind"] for each in found}
    assert json.loads(argosy("render", "web", "prod", "--output", "json").out)["items"] == found


def test_the_work_tree_or_a_revision(argosy: Argosy, helm: Path) -> None:
    edit(helm, VALUES, "replicaCount: 3", "replicaCount: 9")
    (deployment,) = (each for each in manifests(argosy, "web", "prod") if each["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 9
    (deployment,) = (each for each in manifests(argosy, "web", "prod", "--at", "HEAD") if each["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 3


def test_untracked_files_count_and_ignored_ones_do_not(argosy: Argosy, helm: Path) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    folder = helm / "applications/web/charts/web/templates"
    (folder / "new.yaml").write_text(template % "new")
    (folder / "ignored.yaml").write_text(template % "ignored")
    (helm / ".git/info/exclude").write_text("ignored.yaml\n")
    names = {each["metadata"]["name"] for each in manifests(argosy, "web", "prod") if each["kind"] == "ConfigMap"}
    assert names == {"new"}


def test_only_kinds_with_a_namespace_are_given_one(argosy: Argosy, tmp_path: Path, monkeypatch: Any) -> None:
    root = create(tmp_path / "gitops", model())
    monkeypatch.chdir(root)
    extra = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "there"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "away", "namespace": "elsewhere"}},
        {"apiVersion": "example.com/v1", "kind": "Wide", "metadata": {"name": "wide"}},
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "wides.example.com"},
            "spec": {"group": "example.com", "names": {"kind": "Wide"}, "scope": "Cluster"},
        },
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": extra}
    commit(root, {"environments/prod/web/extra.yaml": yaml.safe_dump(listed)})
    found = {each["metadata"]["name"]: each["metadata"].get("namespace") for each in manifests(argosy, "web", "prod")}
    assert [found[name] for name in ("there", "away", "wide", "wides.example.com")] == [None, "elsewhere", None, None]


def test_texts_that_look_like_something_else_stay_texts(argosy: Argosy, tmp_path: Path, monkeypatch: Any) -> None:
    root = create(tmp_path / "gitops", model())
    monkeypatch.chdir(root)
    data = {
        "a": "1e3",
        "b": "yes",
        "c": "y",
        "d": "0755",
        "e": "~",
        "f": "1:30",
        "g": "a\n  b\n",
        "h": "x \ny",
        "i": "",
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data}
    (root / "environments/prod/web/config.json").write_text(json.dumps(config))
    printed = argosy("render", "web", "prod").out
    assert 'a: "1e3"' in printed
    assert 'c: "y"' in printed
    (config,) = (each for each in yaml.safe_load_all(printed) if each["kind"] == "ConfigMap")
    assert config["data"] == data


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("wep", "prod"), "“web”"), (("web", "prd"), "“prod”"), (("web", "prod", "--at", "nowhere"), "“nowhere”")],
)
def test_names_that_are_none(argosy: Argosy, helm: Path, arguments: tuple[str, ...], said: str) -> None:
    result = argosy("render", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_chart_that_fails_is_named_with_its_line(argosy: Argosy, helm: Path) -> None:
    path = "applications/web/charts/web/templates/service.yaml"
    text = (helm / path).read_text()
    (helm / path).write_text(text + '{{ fail "no" }}\n')
    result = argosy("render", "web", "prod")
    assert (result.code, result.out) == (1, "")
    assert f"{path}:{len(text.splitlines()) + 1}: no" in result.err
    assert argosy("render", "shop", "prod").code == 0


def test_a_missing_values_file_is_named(argosy: Argosy, helm: Path) -> None:
    (helm / VALUES).unlink()
    result = argosy("render", "web", "prod")
    assert result.code == 1
    assert VALUES in result.err


def test_a_chart_of_a_registry_is_refused(argosy: Argosy, helm: Path) -> None:
    source = "path: applications/web/charts/web"
    edit(helm, "argocd/prod/web.yaml", source, "chart: web\n    targetRevision: 1.2.3")
    edit(helm, "argocd/prod/web.yaml", '    targetRevision: "main"\n', "")
    edit(helm, "argocd/prod/web.yaml", "https://github.com/acme/gitops.git", "https://charts.example.com")
    result = argosy("render", "web", "prod")
    assert result.code == 1
    assert "the chart web 1.2.3 of https://charts.example.com is not in this repository" in result.err


def test_what_is_not_deployed(argosy: Argosy, helm: Path) -> None:
    (helm / "argocd/prod/web.yaml").unlink()
    result = argosy("render", "web", "prod")
    assert result.code == 1
    assert "No Argo CD Application deploys web to prod." in result.err


def test_a_values_file_of_another_applications_folder_is_read(argosy: Argosy, helm: Path) -> None:
    edit(helm, "argocd/prod/web.yaml", "/environments/prod/web/values.yaml", "/environments/prod/shop/values.yaml")
    edit(helm, "environments/prod/shop/values.yaml", "replicaCount: 3", "replicaCount: 8")
    commit(helm)
    (deployment,) = (each for each in manifests(argosy, "web", "prod") if each["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 8


def test_another_branch_is_mentioned(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(revision=RevisionStyle.BRANCH))
    monkeypatch.chdir(root)
    git(root, "branch", "prod")
    result = argosy("render", "web", "prod")
    assert result.code == 0
    assert "prod follows the branch prod; this is main" in result.err
    assert argosy("render", "web", "prod", "--at", "prod").err == ""


def test_without_git(process: Process, tmp_path: Path) -> None:
    assert process("init", "gitops", "--defaults", "--no-git", "--quiet").code == 0
    result = process("render", "my-app", "prod", cwd=tmp_path / "gitops")
    assert (result.code, result.err) == (0, "")
    assert "kind: Deployment" in result.out


def test_a_link_out_of_the_repository_is_not_followed(argosy: Argosy, helm: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("replicaCount: 5\n")
    (helm / VALUES).unlink()
    (helm / VALUES).symlink_to(tmp_path / "secret.yaml")
    result = argosy("render", "web", "prod")
    assert result.code == 1
    assert VALUES in result.err
