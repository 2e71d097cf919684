"""`argosy apply`, as people meet it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def test_edited_settings(argosy: Argosy, repository: Path) -> None:
    edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false  # until the audit")
    dry = argosy("apply", "--dry-run")
    assert dry.code == 0
    assert "argocd/prod/web.yaml" in dry.out
    written = argosy("apply")
    assert written.code == 0, written.err
    assert "Next: git add environments/prod/environment.yaml adds your own edits" in written.err
    git(repository, "add", "environments/prod/environment.yaml")
    assert " M " not in git(repository, "status", "--porcelain")
    git(repository, "reset", "--quiet")
    git(repository, "checkout", "--quiet", "argocd", "docs")
    assert argosy("apply", "--commit").code == 0
    assert git(repository, "status", "--porcelain") == ""
    assert "automated" not in yaml.safe_load(Path("argocd/prod/web.yaml").read_text())["spec"]["syncPolicy"]
    assert "# until the audit" in git(repository, "show", "HEAD:environments/prod/environment.yaml")
    assert "Nothing to change" in argosy("apply").err


@pytest.mark.parametrize("how", ["--commit", "--branch=audit"])
def test_an_edit_that_nothing_follows_from(argosy: Argosy, tmp_path: Path, how: str, monkeypatch: Any) -> None:
    """An ApplicationSet reads the environments' settings itself."""
    root = create(tmp_path / "gitops", model(argocd=ArgocdStyle.APPLICATIONSET))
    monkeypatch.chdir(root)
    edit(root, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")
    dry = argosy("apply", "--dry-run")
    assert (dry.code, dry.err) == (0, "Nothing else follows from what you edited.\n")
    done = argosy("apply", how)
    assert done.code == 0, done.err
    made = "HEAD" if how == "--commit" else "audit"
    assert git(root, "show", "--format=%s", "--name-only", made).split("\n\n") == [
        "Apply what was edited by hand",
        "environments/prod/environment.yaml\n",
    ]


def test_edits_that_are_committed(argosy: Argosy, repository: Path) -> None:
    edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")
    commit(repository)
    assert "Nothing to change" in argosy("apply").err
    assert argosy("apply", "--since", "HEAD~1", "--quiet").code == 0
    assert git(repository, "status", "--porcelain") == "M  argocd/prod/web.yaml\n"
    for revision in ("nowhere", "--output=x"):
        assert argosy("apply", "--since", revision).code == 2


@pytest.mark.parametrize("form", [Format.HELM, Format.MANIFESTS])
def test_an_application_that_was_copied(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    root = create(tmp_path / "gitops", model(form=form))
    monkeypatch.chdir(root)
    for folder in ("applications", "environments/prod"):
        shutil.copytree(root / folder / "web", root / folder / "shop")
    if form is Format.HELM:
        before = state(root)
        result = argosy("apply")
        assert (result.code, state(root)) == (1, before)
        assert "mv applications/shop/charts/web applications/shop/charts/shop" in result.err
        (root / "applications/shop/charts/web").rename(root / "applications/shop/charts/shop")
        edit(root, "applications/shop/charts/shop/Chart.yaml", "name: web", "name: shop")
    else:
        for file in (root / "environments/prod/shop").iterdir():
            file.write_text(file.read_text().replace("web", "shop"))
    result = argosy("apply", "--commit")
    assert result.code == 0, result.out + result.err
    assert git(root, "status", "--porcelain") == ""
    assert Path("argocd/prod/shop.yaml").is_file()
    assert not Path("argocd/dev/shop.yaml").exists()


def test_an_environment_that_was_copied_and_one_that_went(argosy: Argosy, repository: Path) -> None:
    shutil.copytree(repository / "environments/prod", repository / "environments/live")
    edit(repository, "environments/live/environment.yaml", 'promotesFrom: "dev"', 'promotesFrom: "prod"')
    assert argosy("apply").code == 0
    commit(repository)
    assert Path("argocd/live/project.yaml").is_file()
    shutil.rmtree(repository / "environments/live")
    result = argosy("apply", "--commit", "--quiet")
    assert result.code == 0, result.out
    assert not Path("argocd/live").exists()
    assert git(repository, "status", "--porcelain") == ""


def test_other_files_with_uncommitted_changes_are_refused(argosy: Argosy, repository: Path) -> None:
    edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")
    edit(repository, "argocd/prod/web.yaml", "selfHeal: true", "selfHeal: false")
    before = state(repository)
    result = argosy("apply")
    assert (result.code, state(repository)) == (1, before)
    assert "argocd/prod/web.yaml" in result.err


def test_a_format_is_more_than_a_setting(argosy: Argosy, repository: Path) -> None:
    edit(repository, "applications/web/application.yaml", "format: manifests", "format: helm")
    before = state(repository)
    result = argosy("apply")
    assert (result.code, state(repository)) == (2, before)
    assert "applications/web/application.yaml says helm, and web is written for manifests: its image" in result.err
    assert "Restore manifests there, and run argosy convert web --to helm." in result.err


BROKEN = [
    ("environments/prod/environment.yaml", "autoSync: true\nautoSync: [", "environments/prod/environment.yaml:"),
    ("environments/prod/environment.yaml", "destination: {}\n", "environments/prod/environment.yaml:1: "),
    ("environments/prod/environment.yaml", "", "environments/prod/environment.yaml:1: "),
    ("environments/prod/environment.yaml", None, "environments/prod/environment.yaml is missing"),
    ("applications/web/application.yaml", "format: helmm\n", "applications/web/application.yaml:1: "),
    ("applications/web/application.yaml", "\x00", "applications/web/application.yaml:1: "),
    ("applications/web/application.yaml", "- a\n", "applications/web/application.yaml:1: "),
    (".copier-answers.yml", "ci: jenkins\n", ".copier-answers.yml"),
    ("environments/Live/environment.yaml", "copy", "environments/Live/environment.yaml: "),
]


@pytest.mark.parametrize(("path", "text", "message"), BROKEN)
def test_broken_settings_are_named(argosy: Argosy, repository: Path, path: str, text: str | None, message: str) -> None:
    if text is None:
        (repository / path).unlink()
    else:
        (repository / path).parent.mkdir(exist_ok=True)
        copied = (repository / "environments/prod/environment.yaml").read_text()
        (repository / path).write_text(copied if text == "copy" else text)
    # Whether it is committed is asked of what reads both: the work tree, and what is at HEAD.
    edited = state(repository)
    assert f"Error: {message}" in argosy("apply").err
    assert state(repository) == edited
    commit(repository)
    before = state(repository)
    others = (("add", "app", "shop"), ("update", "--check")) if text in {None, "copy"} else ()
    for command in (("apply",), *others, ("status",)):
        result = argosy(*command)
        # Of what only looks, 1 says that it found something.
        assert result.code == (2 if command in {("update", "--check"), ("status",)} else 1), command
        assert f"Error: {message}" in result.err
    if text is not None and text != "copy":
        git(repository, "restore", "--source=HEAD~1", "--", path)
        result = argosy("apply")
        assert result.code == 1
        assert f"At HEAD: {message}" in result.err
        git(repository, "restore", "--", path)
    assert state(repository) == before
