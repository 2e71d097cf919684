"""`argosy remove`, as people meet it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, RevisionStyle
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy

FINALIZERS = "  finalizers:\n    - resources-finalizer.argocd.argoproj.io{}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model(("api", "web")))
    monkeypatch.chdir(root)
    return root


class TestApplication:
    def test_tells_what_goes(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "environments/prod/web/deployment.yaml", "replicas: 3", "replicas: 9")
        commit(repository, {"applications/web/NOTES.md": "ours\n"})
        result = argosy("remove", "app", "web", "--yes", "--commit")
        assert result.code == 0, result.err
        edited = result.err.partition("Written or edited by hand")[2].partition("When this is merged")[0]
        assert edited.split()[-2:] == ["applications/web/NOTES.md", "environments/prod/web/deployment.yaml"]
        assert "kubectl delete namespace web-prod" in result.err
        assert not Path("applications/web").exists()
        assert git(repository, "status", "--porcelain") == ""

    def test_asks(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        result = argosy("remove", "app", "web")
        assert (result.code, state(repository)) == (2, before)
        assert "--yes" in result.err

    def test_dry_run_shows_what_then_happens(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        dry = argosy("remove", "app", "web", "--dry-run")
        assert (dry.code, state(repository)) == (0, before)
        assert argosy("remove", "app", "web", "--yes").code == 0
        assert git(repository, "diff", "--staged", "--no-renames") == dry.out

    @pytest.mark.usefixtures("repository")
    def test_json_is_all_there_is(self, argosy: Argosy) -> None:
        told = json.loads(argosy("remove", "app", "web", "--yes", "--output", "json").out)
        assert {each["kind"] for each in told["files"]} == {"deleted"}

    @pytest.mark.parametrize("ignored", [True, False])
    def test_files_that_git_does_not_track_would_stay(self, argosy: Argosy, repository: Path, *, ignored: bool) -> None:
        if ignored:
            (repository / ".git/info/exclude").write_text("*.tgz\n")
        (repository / "environments/dev/web/chart.tgz").write_text("")
        before = state(repository)
        result = argosy("remove", "app", "web", "--yes")
        assert (result.code, state(repository)) == (1, before)
        assert "environments/dev/web/chart.tgz" in result.err

    def test_uncommitted_changes(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "environments/prod/web/deployment.yaml", "replicas: 3", "replicas: 9")
        before = state(repository)
        assert argosy("remove", "app", "web", "--yes").code == 1
        assert state(repository) == before


class TestWhatRuns:
    def test_namespaces_that_a_cluster_needs_stay(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also that of another Argo CD, where this one is not in `argocd`."""
        namespaces = ("argocd", "default", "gitops-system", "kube-node-lease", "kube-public", "kube-system", "shop")
        bare = model(environments=tuple(f"env{number}" for number in range(len(namespaces))))
        production = replace(bare.settings.production, argocd_namespace="gitops-system")
        environments = tuple(map(lambda each, its: replace(each, namespace=its), bare.environments, namespaces))
        chosen = replace(bare, settings=replace(bare.settings, production=production), environments=environments)
        monkeypatch.chdir(create(tmp_path / "gitops", chosen))
        result = argosy("remove", "app", "web", "--yes", "--no-validate")
        assert result.code == 0, result.err
        assert re.findall("kubectl delete namespace (.*)", result.err) == ["shop"]

    @pytest.mark.parametrize("kind", ["", "/background"])
    def test_finalizers_take_two_commits(self, argosy: Argosy, repository: Path, kind: str) -> None:
        edit(
            repository,
            "argocd/prod/web.yaml",
            "  namespace: argocd\n",
            "  namespace: argocd\n" + FINALIZERS.format(kind),
        )
        commit(repository)
        result = argosy("remove", "app", "web", "--yes", "--commit")
        assert result.code == 0, result.err
        assert git(repository, "log", "-2", "--format=%s").splitlines() == [
            "Remove web",
            "Remove web: keep what runs (1 of 2)",
        ]
        assert "push the first alone" in result.err
        assert "Argo CD would delete what web-prod deployed" in result.err
        assert "Argo CD lets go of web-dev." in result.err
        assert git(repository, "diff", "--name-only", "HEAD~2", "HEAD~1") == "argocd/prod/web.yaml\n"
        first = yaml.safe_load(git(repository, "show", "HEAD~1:argocd/prod/web.yaml"))
        assert "finalizers" not in first["metadata"]
        assert not Path("argocd/prod/web.yaml").exists()

    def test_without_commit_the_first_step_is_made_alone(self, argosy: Argosy, repository: Path) -> None:
        edit(
            repository, "argocd/prod/web.yaml", "  namespace: argocd\n", "  namespace: argocd\n" + FINALIZERS.format("")
        )
        commit(repository)
        result = argosy("remove", "app", "web", "--yes")
        assert result.code == 0
        assert git(repository, "status", "--porcelain") == "M  argocd/prod/web.yaml\n"
        assert "run this command again" in result.err
        commit(repository)
        assert argosy("remove", "app", "web", "--yes", "--quiet").code == 0
        assert not Path("argocd/prod/web.yaml").exists()

    def test_an_applicationset_that_cascades(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = create(tmp_path / "gitops", model(("api", "web"), argocd=ArgocdStyle.APPLICATIONSET))
        monkeypatch.chdir(root)
        edit(
            root,
            "argocd/applicationset.yaml",
            "preserveResourcesOnDeletion: true",
            "preserveResourcesOnDeletion: false",
        )
        commit(root)
        assert argosy("remove", "app", "web", "--yes", "--commit").code == 0
        made = git(root, "show", "HEAD~1:argocd/applicationset.yaml")
        assert yaml.safe_load(made)["spec"]["syncPolicy"] == {"preserveResourcesOnDeletion": True}
        assert made.count("#") == git(root, "show", "HEAD~2:argocd/applicationset.yaml").count("#")

    def test_applications_are_not_swapped_for_a_set_while_they_cascade(self, argosy: Argosy, repository: Path) -> None:
        edit(
            repository, "argocd/prod/web.yaml", "  namespace: argocd\n", "  namespace: argocd\n" + FINALIZERS.format("")
        )
        commit(repository)
        before = state(repository)
        result = argosy("set", "repository", "argocd=applicationset")
        assert (result.code, state(repository)) == (1, before)
        assert "finalizer" in result.err


class TestEnvironment:
    def test_in_the_middle(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = create(tmp_path / "gitops", model(environments=("dev", "qa", "prod"), revision=RevisionStyle.BRANCH))
        for name in ("dev", "prod", "qa"):
            git(root, "branch", name)
        monkeypatch.chdir(root)
        result = argosy("remove", "env", "qa", "--yes", "--commit")
        assert result.code == 0, result.out
        assert yaml.safe_load(Path("environments/prod/environment.yaml").read_text())["promotesFrom"] == "dev"
        assert not Path("environments/qa").exists()
        assert not Path("argocd/qa").exists()
        assert "Nothing follows the branch qa then" in result.err

    @pytest.mark.usefixtures("repository")
    def test_unknown(self, argosy: Argosy) -> None:
        result = argosy("remove", "env", "prd", "--yes")
        assert result.code == 2
        assert "Did you mean “prod”?" in result.err
