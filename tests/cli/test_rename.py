"""`argosy rename`, as people meet it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests.changing import commit, create, edit, files, git, model, rendered, state
from tests.conftest import Argosy

APPLICATIONS, APPLICATIONSET = ArgocdStyle


class TestWithoutEdits:
    """What comes out is what the template makes of the new name: each format in each style, in one of the two.

    So it is as valid as that is.
    """

    @pytest.mark.parametrize(
        ("form", "style"),
        [(Format.HELM, APPLICATIONS), (Format.KUSTOMIZE, APPLICATIONSET), (Format.MANIFESTS, APPLICATIONS)],
    )
    def test_application(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, style: ArgocdStyle
    ) -> None:
        root = create(tmp_path / "gitops", model(form=form, argocd=style))
        monkeypatch.chdir(root)
        result = argosy("rename", "app", "web", "shop", "--yes", "--commit", "--quiet", "--no-validate")
        assert result.code == 0, result.out + result.err
        wanted = rendered(model(("shop",), form=form, argocd=style))
        assert {path: content for path, (_, content) in files(root).items()} == {
            path: file.content for path, file in wanted.items()
        }

    @pytest.mark.parametrize(
        ("form", "style"),
        [(Format.HELM, APPLICATIONSET), (Format.KUSTOMIZE, APPLICATIONS), (Format.MANIFESTS, APPLICATIONSET)],
    )
    def test_environment(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, style: ArgocdStyle
    ) -> None:
        root = create(tmp_path / "gitops", model(form=form, argocd=style))
        monkeypatch.chdir(root)
        result = argosy("rename", "env", "prod", "live", "--yes", "--commit", "--quiet", "--no-validate")
        assert result.code == 0, result.out + result.err
        wanted = dict(rendered(model(environments=("dev", "live"), form=form, argocd=style)))
        found = {path: content for path, (_, content) in files(root).items()}
        # CODEOWNERS is the user's from the first day.
        del wanted["CODEOWNERS"], found["CODEOWNERS"]
        assert found == {path: file.content for path, file in wanted.items()}


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository with a chart, which is where one is."""
    root = create(tmp_path / "gitops", model(form=Format.HELM))
    monkeypatch.chdir(root)
    return root


def test_edits_and_own_files_move_along(argosy: Argosy, helm: Path) -> None:
    edit(helm, "environments/prod/web/values.yaml", "replicaCount: 3", "replicaCount: 9  # ours")
    edit(helm, "argocd/prod/web.yaml", "      selfHeal: true\n", "      selfHeal: false  # ours\n")
    edit(helm, "applications/web/charts/web/Chart.yaml", "version: ", "# ours\nversion: ")
    own = "applications/web/charts/web/templates/own.yaml"
    commit(
        helm, {own: "{{- /* ours */ -}}\n", "applications/web/docs/run.md": "ours\n", "argocd/dev/notes.md": "ours\n"}
    )
    result = argosy("rename", "app", "web", "shop", "--yes", "--commit")
    assert result.code == 0, result.out
    assert "replicaCount: 9  # ours" in Path("environments/prod/shop/values.yaml").read_text()
    application = Path("argocd/prod/shop.yaml").read_text()
    assert "selfHeal: false  # ours" in application
    assert "web" not in application
    chart = Path("applications/shop/charts/shop/Chart.yaml").read_text()
    assert "# ours" in chart
    assert yaml.safe_load(chart)["name"] == "shop"
    assert Path("applications/shop/charts/shop/templates/own.yaml").exists()
    assert Path("applications/shop/docs/run.md").exists()
    assert Path("argocd/dev/notes.md").exists()
    assert not Path("applications/web").exists()
    assert git(helm, "status", "--porcelain") == ""


def test_an_environment_with_its_branch(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(revision=RevisionStyle.BRANCH))
    edit(root, "environments/prod/environment.yaml", "replicas: 3", "replicas: 5")
    commit(root)
    for name in ("dev", "prod"):
        git(root, "branch", name)
    monkeypatch.chdir(root)
    result = argosy("rename", "env", "prod", "live", "--yes", "--commit")
    assert result.code == 0, result.err
    assert "git push origin live\n  git push origin main" in result.err
    assert "Nothing follows the branch prod then" in result.err
    assert 'revision: "live"' in git(root, "show", "live:environments/live/environment.yaml")
    settings = yaml.safe_load(Path("environments/live/environment.yaml").read_text())
    assert (settings["revision"], settings["replicas"]) == ("live", 5)


def test_dry_run_shows_what_then_happens(argosy: Argosy, helm: Path) -> None:
    before = state(helm)
    dry = argosy("rename", "app", "web", "shop", "--dry-run")
    assert (dry.code, state(helm)) == (0, before)
    assert argosy("rename", "app", "web", "shop", "--yes").code == 0
    assert git(helm, "diff", "--staged", "--no-renames") == dry.out


def test_wrong_usage_changes_nothing(argosy: Argosy, helm: Path) -> None:
    before = state(helm)
    for arguments, message in (
        (("app", "web", "web"), "already"),
        (("app", "web", "Shop"), "Try “shop”"),
        (("app", "wbe", "shop"), "Did you mean “web”?"),
        (("env", "dev", "prod"), "already"),
        (("env", "dev", "default"), "AppProject of that name"),
    ):
        result = argosy("rename", *arguments, "--yes")
        assert (result.code, message in result.err) == (2, True), (arguments, result.err)
    assert state(helm) == before
