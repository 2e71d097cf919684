"""`argosy convert`, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.repository.model import Format
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository of manifests, which is where one is."""
    root = create(tmp_path / "gitops", model())
    monkeypatch.chdir(root)
    return root


def test_it_is_committed(argosy: Argosy, repository: Path) -> None:
    result = argosy("convert", "web", "--to", "kustomize", "--commit")
    assert result.code == 0, result.err
    assert result.out == ""
    assert "Intended differences in what is deployed:" in result.err
    assert git(repository, "log", "-1", "--format=%s") == "Convert web to kustomize\n"
    assert git(repository, "status", "--porcelain") == ""
    assert Path("applications/web/base/deployment.yaml").is_file()


def test_the_message_is_the_users(argosy: Argosy, repository: Path) -> None:
    assert argosy("convert", "web", "--to", "kustomize", "--commit", "-m", "Overlays", "--no-validate").code == 0
    assert git(repository, "log", "-1", "--format=%s") == "Overlays\n"


def test_a_dry_run_changes_nothing(argosy: Argosy, repository: Path) -> None:
    edit(repository, "environments/prod/web/deployment.yaml", "replicas: 3", "replicas: 5")
    commit(repository)
    before = state(repository)
    result = argosy("convert", "web", "--to", "helm", "--dry-run")
    assert result.code == 0, result.err
    assert "+replicaCount: 5" in result.out
    assert "Argo CD rolls out Deployment/web once more in dev and prod: its Pods are replaced.\n" in result.err
    assert "environments/prod/web/deployment.yaml" in result.err
    assert state(repository) == before


def test_json_has_the_differences(argosy: Argosy, repository: Path) -> None:
    result = argosy("convert", "web", "--to", "helm", "--output", "json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert {"path": "environments/dev/web/values.yaml", "kind": "new"} in report["files"]
    assert {
        "environment": "dev",
        "resource": "ServiceAccount/web",
        "path": "",
        "before": None,
        "after": "present",
        "why": "the chart adds a ServiceAccount",
    } in report["differences"]


def test_what_people_wrote_is_asked_for(argosy: Argosy, repository: Path) -> None:
    edit(repository, "environments/prod/web/deployment.yaml", "replicas: 3", "replicas: 5")
    commit(repository)
    before = state(repository)
    result = argosy("convert", "web", "--to", "kustomize")
    assert result.code == 2
    assert "  environments/prod/web/deployment.yaml" in result.err
    assert state(repository) == before
    assert argosy("convert", "web", "--to", "kustomize", "--yes").code == 0
    assert "count: 5" in Path("environments/prod/web/kustomization.yaml").read_text()


def test_the_same_format_is_nothing_to_do(argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    result = argosy("convert", "web", "--to", "manifests")
    assert (result.code, result.out) == (0, "")
    assert "Nothing to change" in result.err
    assert state(repository) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wbe", "--to", "helm"), "Did you mean “web”?"),
        (("web",), "--to"),
        (("web", "--to", "jsonnet"), "jsonnet"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str, argosy: Argosy, repository: Path) -> None:
    result = argosy("convert", *arguments)
    assert result.code == 2
    assert message in result.err


REFUSED = {
    "--chart lib/web": "“lib/web” is not where a Helm chart is",
    "--chart oci://ghcr.io/acme/web": "has no version",
    "--chart oci://ghcr.io/acme/web:1.0.0": "argosy convert web --to helm",
    "--chart oci://ghcr.io/acme/web:1.0.0 --to helm": "Give one",
    "--chart oci://ghcr.io/acme/web:1.0.0 --version test=2.0.0": "no environment “test”",
    "--chart own --values applications/web/application.yaml": "Give --chart REF too",
    "--chart oci://ghcr.io/acme/web:1.0.0 --values nowhere.yaml": "nowhere.yaml cannot be read",
}


def test_a_chart_from_elsewhere_is_named_as_it_is_and_takes_values(argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    for options, said in REFUSED.items():
        refused = argosy("convert", "web", *options.split())
        assert (refused.code, said in refused.err) == (2, True), (options, refused.err)
    assert state(repository) == before


def test_an_application_that_people_edited(argosy: Argosy, repository: Path) -> None:
    edit(
        repository,
        "argocd/prod/web.yaml",
        "    - CreateNamespace=true\n",
        "    - CreateNamespace=true\n      - Replace=true\n",
    )
    commit(repository)
    result = argosy("convert", "web", "--to", "helm", "--quiet")
    assert result.code in {0, 1}
    text = Path("argocd/prod/web.yaml").read_text()
    assert "Replace=true" in text
    assert "releaseName" in text


def test_lines_that_both_change_conflict(argosy: Argosy, repository: Path) -> None:
    edit(repository, "argocd/prod/web.yaml", "path: environments/prod/web", "path: environments/prod/web  # ours")
    commit(repository)
    result = argosy("convert", "web", "--to", Format.HELM.value)
    assert result.code == 3
    assert "argocd/prod/web.yaml" in result.err
    assert argosy("abort").code == 0
    assert git(repository, "status", "--porcelain") == ""
