"""Repositories whose version of the template is not what is recorded: made by Copier, or left behind by an update."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from copier import run_copy

from argosy.change import origin, planning
from argosy.change.planning import Change
from argosy.errors import ArgosyError
from argosy.git.objects import Blob
from argosy.repository import layout, store
from argosy.repository.model import Format
from argosy.template import creation, rendering, versions
from tests.changing import commit, create, edit, files, git, model
from tests.conftest import Argosy

ANSWERS = ".copier-answers.yml"
QUICK = ("--commit", "--quiet", "--no-validate")
CHART = "applications/web/charts/web"


def outdated(argosy: Argosy) -> list[str]:
    """Return the files of the template that an update left behind."""
    told = json.loads(argosy("status", "--files", "--output", "json").out)["files"]
    found = {each["path"]: each["class"] for each in told if each["state"] == "outdated"}
    assert {path for path, owner in found.items() if owner != "template-owned"} <= {"CODEOWNERS"}
    return [*found]


class TestCopier:
    """What plain `copier copy` makes: it records a tag, a commit or nothing."""

    @pytest.fixture
    def template(self, tmp_path: Path) -> Path:
        """Return a clone of the template alone, with a tag at an earlier version."""
        assert versions.write_history(versions._CHECKOUT, tmp_path / "history")
        git(tmp_path, "clone", "--quiet", "--branch", "history", "history", "template")
        git(tmp_path / "template", "tag", "v1.0.0", "HEAD~2")
        return tmp_path / "template"

    def made(self, template: Path, root: Path, ref: str | None = None) -> Path:
        """Have Copier make a repository, and commit it."""
        data = {"format": "manifests", "ci": "none"}
        run_copy(str(template), root, data=data, vcs_ref=ref, defaults=True, quiet=True)
        git(root, "init", "--quiet", "--initial-branch=main")
        commit(root)
        return root

    def test_the_first_command_records_the_version(
        self, argosy: Argosy, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with versions.checkout(git(template, "rev-parse", "HEAD~2^{tree}").strip()) as plain:
            folder = self.made(plain.root, tmp_path / "folder")
        cases = (
            (self.made(template, tmp_path / "tag"), "v1.0.0", "HEAD~2"),
            (self.made(template, tmp_path / "clone", "HEAD~4"), git(template, "rev-parse", "HEAD~4"), "HEAD~4"),
            (folder, "", "HEAD~2"),
        )
        for root, recorded, revision in cases:
            monkeypatch.chdir(root)
            answers = yaml.safe_load(Path(ANSWERS).read_text())
            assert recorded.startswith(answers.get("_commit", "")), root
            edit(root, "README.md", "# gitops\n", "# Our gitops\n")
            commit(root)
            version = git(template, "rev-parse", f"{revision}^{{tree}}").strip()
            assert argosy("set", "environment", "dev", "autoSync=false", *QUICK).code == 0, root
            answers = yaml.safe_load(Path(ANSWERS).read_text())
            assert answers["_src_path"] == versions.URL, root
            # Where two versions give the same for a model, nothing tells which it was.
            model, trees = store.load(root).repository, []
            for each in (answers["_commit"], version):
                with versions.checkout(each) as one:
                    trees.append({**rendering.render(model, template=one), ANSWERS: None})
            assert trees[0] == trees[1], root
        told = json.loads(argosy("status", "--files", "--output", "json").out)["files"]
        assert [each["path"] for each in told if each["state"] != "unchanged"] == ["README.md"]
        assert argosy("update", "--commit", "--quiet").code == 0
        fresh = rendering.render(store.load(root).repository)
        for path, (_, content) in files(root).items():
            assert content.replace(b"# Our gitops", b"# gitops") == fresh[path].content

    def test_of_another_template(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # Of dozens of versions, the last ones and the first ones, which have the fewest files.
        newest_first = versions.versions()
        some = (*newest_first[:2], *newest_first[-2:])
        monkeypatch.setattr(versions._History, "versions", some)
        root = create(tmp_path / "gitops")
        edit(root, ANSWERS, versions.current().version, "v2.0.0")
        for path in git(root, "ls-files").split():
            if not layout.is_seeded(path) and path.endswith((".yaml", ".md")) and not layout.is_settings(path):
                (root / path).write_text("# Another template's.\n" + (root / path).read_text())
        commit(root)
        with pytest.raises(ArgosyError, match="does not know the template's version v2"):
            origin.version(root, store.load(root))


class TestLeftBehind:
    """What an update of an argosy left behind that brought up to date only what belongs to no application."""

    @pytest.fixture
    def repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return a repository of an early version that was updated so, which is where one is."""
        root, early, current = tmp_path / "gitops", versions.versions()[-1], versions.current().version
        with versions.checkout(early) as known:
            creation.create(root, rendering.render(model(form=Format.HELM), template=known), branch="main")
        monkeypatch.chdir(root)
        commit(root, {f"{CHART}/templates/own.yaml": "{{- /* Ours. */ -}}\n", f"{CHART}/templates/NOTES.txt": None})
        edit(root, f"{CHART}/templates/service.yaml", "apiVersion", "# Ours.\napiVersion")
        commit(root)
        present = store.load(root).repository
        plan = planning.plan(root, Change(present, present, from_version=early, to_version=current))
        general = [each for each in plan.touched if layout.application_of(each.path) is None]
        done = {each.path: each.blob for each in general if each.path not in layout.CODEOWNERS}
        commit(root, {path: blob.content if blob else None for path, blob in done.items()}, "Update")
        return root

    def test_an_update_brings_it_up_to_date(self, argosy: Argosy, repository: Path) -> None:
        fresh = planning.as_files(rendering.render(store.load(repository).repository))
        ours = {path: content for path, (_, content) in files(repository).items()}
        left = outdated(argosy)
        assert {f"{CHART}/templates/tests/connection.yaml", f"{CHART}/templates/_rollout.tpl"} < {*left}
        assert {"argocd/dev/web.yaml", "CODEOWNERS"} < {*left}
        assert {*left} == {
            path
            for path in {*fresh, *ours}
            if fresh.get(path, Blob("", b"")).content != ours.get(path, b"")
            and not path.endswith(("own.yaml", "service.yaml"))
            and (path in layout.CODEOWNERS or not layout.is_seeded(path))
        }
        # Other commands leave it as it is.
        assert argosy("set", "environment", "dev", "autoSync=false", *QUICK).code == 0
        assert outdated(argosy) == left
        check = argosy("update", "--check")
        assert (check.code, f"left {len(left)} files as they were" in check.out) == (1, True)

        result = argosy("update", "--commit")
        assert result.code == 0, result.err
        assert f"left {len(left)} of these as they were" in result.err
        held = {path: content for path, (_, content) in files(repository).items()}
        fresh = planning.as_files(rendering.render(store.load(repository).repository))
        own = {
            path
            for path in {*fresh, *held}
            if not layout.is_seeded(path) and (path not in fresh or fresh[path].content != held[path])
        }
        assert own == {f"{CHART}/templates/own.yaml", f"{CHART}/templates/service.yaml"}
        assert outdated(argosy) == []
        assert argosy("update", "--check").code == 0

        # What somebody takes back once it came stays so.
        gone, back = f"{CHART}/templates/_rollout.tpl", "argocd/dev/web.yaml"
        commit(repository, {gone: None, back: ours[back]})
        assert outdated(argosy) == []
        assert "Nothing to change." in argosy("update").err
