"""`argosy status`, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.model import Format
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model(form=Format.KUSTOMIZE))
    monkeypatch.chdir(root)
    return root


def classes(argosy: Argosy, *arguments: str) -> dict[str, tuple[str, str]]:
    told = json.loads(argosy("status", "--output", "json", *arguments).out)
    return {each["path"]: (each["class"], each["state"]) for each in told["files"]}


def test_a_new_repository_is_unchanged(argosy: Argosy, repository: Path) -> None:
    assert {state for _, state in classes(argosy).values()} == {"unchanged"}
    assert argosy("add", "app", "shop", "--quiet").code == 0
    assert {state for _, state in classes(argosy).values()} == {"unchanged"}


def test_each_class_and_state(argosy: Argosy, repository: Path) -> None:
    edit(repository, "README.md", "# gitops", "# Ours")
    edit(repository, "environments/dev/web/kustomization.yaml", "count: 1", "count: 2")
    commit(repository, {"docs/ours.md": "ours\n", "renovate.json": None, "environments/prod/web/patch.yaml": None})
    (repository / "untracked.md").write_text("")
    (repository / "argocd/root.yaml").unlink()
    found = classes(argosy)
    assert found["README.md"] == ("template-owned", "edited")
    assert found["argocd/dev/web.yaml"] == ("template-owned", "unchanged")
    assert found["argocd/root.yaml"] == ("template-owned", "deleted")
    assert found["renovate.json"] == ("template-owned", "deleted")
    assert found["environments/dev/web/kustomization.yaml"] == ("seeded", "edited")
    assert found["environments/prod/web/kustomization.yaml"] == ("seeded", "unchanged")
    assert found["environments/prod/web/patch.yaml"] == ("seeded", "deleted")
    assert found["docs/ours.md"] == ("user", "unchanged")
    assert "untracked.md" not in found


def test_text(argosy: Argosy, repository: Path) -> None:
    edit(repository, "README.md", "# gitops", "# Ours")
    summary = argosy("status").out
    assert "dev: web\n" in summary
    assert ", the newest\n" in summary
    assert "1 template-owned edited" in summary
    assert "template-owned  edited     README.md\n" in argosy("status", "--files").out


def test_other_line_endings_are_no_edit(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops")
    commit(root, {".gitattributes": None})
    git(root, "config", "core.autocrlf", "true")
    git(root, "rm", "--quiet", "-r", "--cached", ".")
    git(root, "reset", "--quiet", "--hard")
    monkeypatch.chdir(root)
    assert b"\r\n" in (root / "environments/dev/web/service.yaml").read_bytes()
    assert {path for path, (_, state) in classes(argosy).items() if state != "unchanged"} == {".gitattributes"}


def test_a_shallow_clone_says_so(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    assert "shallow" in argosy("status", "--repository", str(tmp_path / "shallow")).err
