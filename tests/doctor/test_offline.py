"""What the doctor finds in a repository and its remotes, without a cluster."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from argosy.doctor import remotes, rules, webhooks
from argosy.doctor.case import Choice
from argosy.doctor.examination import examine
from argosy.doctor.notice import seconds
from argosy.repository.model import Format, RevisionStyle
from argosy.rules.catalogue import ordered
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.doctor.stories import URL, cloned, doctor, pushed

VALUES = "environments/dev/web/values.yaml"
APPLICATION = "argocd/dev/web.yaml"
TEMPLATE = "applications/web/charts/web/templates/deployment.yaml"
WORKLOAD = '{{ include "app.workload" . }}\n'


@pytest.fixture
def repository(tmp_path: Path, tools: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with everything pushed, which is where one is."""
    root = cloned(tmp_path)
    monkeypatch.chdir(root)
    return root


def test_all_is_well(argosy: Argosy, repository: Path) -> None:
    told = doctor(argosy)
    assert (told.code, told.problems()) == (0, [])
    assert told.state("sync-status") == "unknown"
    assert told.of("sync-status", "unknown")["seen"] == "No cluster was asked."
    advice = told.of("webhook", "unknown")["advice"]
    assert "https://github.com/acme/gitops/settings/hooks" in advice
    assert "webhook.github.secret" in advice


@pytest.mark.parametrize("form", [Format.KUSTOMIZE, Format.MANIFESTS])
def test_the_other_formats(argosy: Argosy, tmp_path: Path, tools: Path, form: Format) -> None:
    told = doctor(argosy, "--repository", str(cloned(tmp_path, model(form=form))))
    assert (told.code, told.problems()) == (0, [])


# Stuck OutOfSync


def test_the_remote_is_another_repository(argosy: Argosy, repository: Path) -> None:
    git(repository, "remote", "set-url", "origin", "https://github.com/acme/moved.git")
    told = doctor(argosy, "--offline")
    found = told.of("repository-url", "problem")
    assert found["command"] == f"git remote set-url origin {URL}"
    assert f"No remote of this clone is {URL}" in found["seen"]
    assert len(found["applications"]) == 3


def test_there_is_no_remote(argosy: Argosy, repository: Path) -> None:
    git(repository, "remote", "remove", "origin")
    told = doctor(argosy, "web", "--env", "dev")
    assert told.of("repository-url", "problem")["command"] == f"git remote add origin {URL}"
    assert told.state("pushed") == "unknown"


def test_the_same_repository_by_another_protocol(argosy: Argosy, repository: Path) -> None:
    bare = (repository.parent / "github.git").as_uri()
    git(repository, "config", "--replace-all", f"url.{bare}.insteadOf", "git@github.com:acme/gitops.git")
    git(repository, "remote", "set-url", "origin", "git@github.com:acme/gitops.git")
    assert doctor(argosy).problems() == []


def test_the_url_of_an_application_is_mistyped(argosy: Argosy, repository: Path) -> None:
    wrong = (repository.parent / "nowhere.git").as_uri()
    pushed(repository, APPLICATION, URL, wrong)
    told = doctor(argosy)
    found = told.check("repository-url")["observations"]
    assert "repository-foreign" in found[0]["seen"]
    assert any(wrong in each["seen"] and "not read" in each["seen"] for each in found if each["state"] == "unknown")


def test_nothing_is_pushed(argosy: Argosy, tmp_path: Path, tools: Path) -> None:
    root = cloned(tmp_path)
    git(tmp_path / "github.git", "update-ref", "-d", "refs/heads/main")
    told = doctor(argosy, "--repository", str(root))
    assert told.of("target-revision", "problem")["seen"] == "origin has no “main”: it is only here."
    assert told.of("target-revision", "problem")["command"] == "git push origin main"
    assert told.of("pushed", "problem")["command"] == "git push --set-upstream origin main"
    assert told.state("path") == "unknown"


def test_a_revision_that_is_nowhere(argosy: Argosy, repository: Path) -> None:
    pushed(repository, APPLICATION, 'targetRevision: "main"', 'targetRevision: "mian"')
    found = doctor(argosy).of("target-revision", "problem")
    assert "no branch and no tag “mian”. Its branches: main." in found["seen"]
    assert f"{APPLICATION}:" in found["advice"]
    assert found["applications"] == ["web-dev"]


def test_kinds_of_revisions(argosy: Argosy, repository: Path) -> None:
    git(repository, "tag", "--annotate", "--message=one", "v1.0.0")
    git(repository, "push", "--quiet", "origin", "v1.0.0")
    before = "main"
    for revision, state in (
        *(("HEAD", "ok"), ("v1.0.0", "ok"), ("refs/heads/main", "ok")),
        *(("v1.*", "unknown"), ("0" * 40, "unknown")),
    ):
        pushed(repository, APPLICATION, f'targetRevision: "{before}"', f'targetRevision: "{revision}"')
        assert doctor(argosy, "web", "--env", "dev").state("target-revision") == state, revision
        before = revision


def test_a_pinned_commit(argosy: Argosy, repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD").strip()
    pushed(repository, APPLICATION, 'targetRevision: "main"', f'targetRevision: "{first}"')
    told = doctor(argosy, "web", "--env", "dev")
    assert told.of("target-revision", "ok")["seen"] == f"{first[:7]} is pinned, and in origin/main."
    assert told.state("path") == "ok"
    assert "pinned" in told.of("pushed", "ok")["seen"]


def test_a_path_that_is_not_pushed(argosy: Argosy, repository: Path) -> None:
    git(repository, "mv", "environments/dev/web/values.yaml", "environments/dev/web/other.yaml")
    edit(repository, APPLICATION, "dev/web/values.yaml", "dev/web/other.yaml")
    commit(repository)
    told = doctor(argosy, "web", "--env", "dev")
    assert "environments/dev/web/other.yaml is here, and not in main of origin" in told.of("path", "problem")["seen"]
    assert told.of("path", "problem")["command"] == "git push origin main"
    assert told.of("pushed", "problem")["seen"] == "main has 1 commit that origin does not have."
    git(repository, "switch", "--quiet", "--create", "work")
    command = doctor(argosy, "web", "--env", "dev").of("path", "problem")["command"]
    assert command.splitlines() == [
        "git switch main",
        "git checkout work -- environments/dev/web/other.yaml",
        "git commit --message 'Add environments/dev/web/other.yaml'",
        "git push origin main",
    ]


def test_a_values_file_that_git_ignores(argosy: Argosy, repository: Path) -> None:
    (repository / ".gitignore").write_text("values.yaml\n")
    git(repository, "rm", "--quiet", "--cached", VALUES)
    git(repository, "add", ".gitignore")
    git(repository, "commit", "--quiet", "--message=Ignore")
    git(repository, "push", "--quiet", "origin", "main")
    found = doctor(argosy, "web", "--env", "dev").of("path", "problem")
    assert ".gitignore keeps it out" in found["seen"]
    assert found["command"] == f"git check-ignore --verbose {VALUES}"


def test_a_path_that_is_nowhere(argosy: Argosy, repository: Path) -> None:
    pushed(repository, APPLICATION, "path: applications/web/charts/web", "path: applications/web/charts/wbe")
    found = doctor(argosy, "web", "--env", "dev").of("path", "problem")
    assert found["seen"].startswith(f"{APPLICATION}:")
    assert found["seen"].endswith("[path-missing]")


def test_an_invalid_manifest(argosy: Argosy, repository: Path) -> None:
    edit(repository, TEMPLATE, WORKLOAD, WORKLOAD + "specs: {}\n")
    told = doctor(argosy)
    assert "[kubernetes-schema]" in told.of("manifests", "problem")["seen"]
    assert told.of("manifests", "problem")["applications"] == ["web-dev", "web-prod"]


# Changes are not detected


def test_what_is_not_committed(argosy: Argosy, repository: Path) -> None:
    edit(repository, VALUES, "replicaCount: 1", "replicaCount: 2")
    (repository / "environments/prod/web/new.yaml").write_text("")
    (repository / "notes.md").write_text("")
    seen = doctor(argosy).of("pushed", "problem")["seen"]
    assert seen == f"Not committed, so Argo CD cannot see it: {VALUES} and environments/prod/web/new.yaml."
    assert VALUES in doctor(argosy, "--env", "dev").of("pushed", "problem")["seen"]
    assert VALUES not in doctor(argosy, "--env", "prod").of("pushed", "problem")["seen"]


def test_somebody_else_pushed(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(tmp_path / "github.git"), "other")
    commit(tmp_path / "other", {VALUES: "replicaCount: 5\n"})
    git(tmp_path / "other", "push", "--quiet", "origin", "main")
    told = doctor(argosy)
    assert told.of("pushed", "problem")["command"] == "git fetch origin"
    assert told.of("path", "unknown")["command"] == "git fetch origin"
    git(repository, "fetch", "--quiet", "origin")
    assert told.of("pushed", "problem")["seen"].startswith("origin has commits of main that this clone does not have")
    assert doctor(argosy).of("pushed", "problem")["seen"] == "main is 1 commit behind origin."


def test_a_branch_that_nobody_follows(argosy: Argosy, repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "feature")
    assert doctor(argosy).state("pushed") == "ok"
    commit(repository, {VALUES: "replicaCount: 5\n"})
    found = doctor(argosy).of("pushed", "problem")
    assert found["seen"] == "feature is checked out and has 1 commit that no branch has which Argo CD follows: main."


def test_a_branch_for_each_environment(argosy: Argosy, tmp_path: Path, tools: Path) -> None:
    root = cloned(tmp_path, model(revision=RevisionStyle.BRANCH))
    told = doctor(argosy, "--repository", str(root))
    assert set(told.problems()) >= {"target-revision"}
    for name in ("dev", "prod"):
        git(root, "push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
    assert doctor(argosy, "--repository", str(root)).problems() == []
    # Somebody else has pushed to prod, and nobody has pulled; the edit of dev's values is on the default branch.
    git(root, "branch", "prod")
    git(root, "switch", "--quiet", "--create", "aside")
    commit(root, {"NOTES.md": "Ask Ada.\n"})
    git(root, "push", "--quiet", "origin", "HEAD:refs/heads/prod")
    git(root, "switch", "--quiet", "main")
    edited = "environments/dev/web/deployment.yaml"
    edit(root, edited, "replicas: 1", "replicas: 2")
    (root / "README.md").write_text("# Ours\n")
    found = doctor(argosy, "--repository", str(root)).check("pushed")["observations"]
    commands = {each["seen"]: each["command"] for each in found if each["state"] == "problem"}
    assert commands == {
        f"Argo CD reads from dev what is edited here, and not committed: {edited}.": (
            f"git stash push --include-untracked -- {edited} && git switch dev && git stash pop"
        ),
        "prod is 1 commit behind origin.": "git fetch origin prod:prod",
    }
    git(root, "fetch", "origin", "prod:prod")
    assert git(root, "rev-parse", "prod") == git(root, "rev-parse", "aside")


def test_an_application_that_is_left_alone_and_has_a_finalizer(argosy: Argosy, repository: Path) -> None:
    edit(repository, APPLICATION, ";/environments/dev/web", "")
    paused = '  annotations:\n    argocd.argoproj.io/skip-reconcile: "true"\n'
    edit(repository, APPLICATION, "  annotations:\n", paused)
    finalizer = "  finalizers: [resources-finalizer.argocd.argoproj.io]\n"
    edit(repository, APPLICATION, "  namespace: argocd\n", f"  namespace: argocd\n{finalizer}")
    told = doctor(argosy)
    found = told.of("generate-paths", "problem")
    assert "does not cover" in found["seen"]
    assert found["applications"] == told.of("paused", "problem")["applications"] == ["web-dev"]
    said = {each["seen"]: (each["state"], each["applications"]) for each in told.check("finalizers")["observations"]}
    assert [each for seen, each in said.items() if "deletes what it deployed" in seen] == [("ok", ["web-dev"])]


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("github.com", "GitHub"),
        ("acme.ghe.com", "GitHub"),
        ("gitlab.example.com", "GitLab"),
        ("bitbucket.org", "Bitbucket"),
        ("bitbucket.example.com", "Bitbucket Data Center"),
        ("dev.azure.com", "Azure DevOps"),
        ("codeberg.org", "Gitea"),
        ("git.example.com", None),
    ],
)
def test_hosts(host: str, kind: str | None) -> None:
    found = webhooks.webhook(host)
    assert (found.host if found else None) == kind


# Permissions, rendering, drift, deletion, quota


def test_a_project_that_denies_a_kind(argosy: Argosy, repository: Path) -> None:
    edit(repository, "argocd/dev/project.yaml", "kind: Deployment", "kind: StatefulSet")
    found = doctor(argosy, "web").of("projects", "problem")
    assert "does not permit the kind Deployment" in found["seen"]
    assert found["applications"] == ["web-dev"]


def test_a_chart_that_fails_in_one_environment(argosy: Argosy, repository: Path) -> None:
    edit(
        repository,
        TEMPLATE,
        WORKLOAD,
        WORKLOAD + '{{ if gt (int .Values.replicaCount) 2 }}{{ fail "too many" }}{{ end }}\n',
    )
    told = doctor(argosy)
    found = told.of("render", "problem")
    assert found["seen"].startswith(f"{TEMPLATE}:2: ")
    assert "too many" in found["seen"]
    assert found["applications"] == ["web-prod"]
    assert found["command"] == (
        "helm template web applications/web/charts/web --namespace web-prod "
        "--values environments/prod/values.yaml --values environments/prod/web/values.yaml"
    )


def test_a_values_file_that_is_missing(argosy: Argosy, repository: Path) -> None:
    commit(repository, {VALUES: None})
    git(repository, "push", "--quiet", "origin", "main")
    told = doctor(argosy, "web", "--env", "dev")
    assert "[value-file-missing]" in told.of("values", "problem")["seen"]
    assert "[value-file-missing]" in told.of("path", "problem")["seen"]
    assert "a values file is missing" in told.of("render", "unknown")["seen"]


def test_an_overlay_that_does_not_build(argosy: Argosy, tmp_path: Path, tools: Path) -> None:
    root = cloned(tmp_path, model(form=Format.KUSTOMIZE))
    edit(
        root,
        "environments/dev/web/kustomization.yaml",
        "../../../applications/web/base",
        "../../../applications/web/bass",
    )
    found = doctor(argosy, "--repository", str(root)).of("render", "problem")
    assert "[kustomize-build]" in found["seen"]
    assert found["command"] == "kubectl kustomize environments/dev/web"


def test_a_remote_chart_is_not_rendered_here(argosy: Argosy, repository: Path) -> None:
    text = (repository / APPLICATION).read_text()
    head = text[: text.index("    path: ")].replace(URL, "https://charts.example.com").replace('"main"', '"1.2.3"')
    commit(repository, {APPLICATION: f"{head}    chart: redis\n{text[text.index('  destination:') :]}"})
    git(repository, "push", "--quiet", "origin", "main")
    told = doctor(argosy, "web", "--env", "dev")
    assert told.of("render", "unknown")["seen"].startswith("Not rendered here: the chart redis 1.2.3")
    assert told.of("repository-url", "ok")["seen"] == "No source is a Git repository."


def test_an_empty_automated(argosy: Argosy, repository: Path) -> None:
    edit(repository, APPLICATION, "    automated:\n      prune: true\n      selfHeal: true\n", "    automated:\n")
    told = doctor(argosy)
    assert "[automated-empty]" in told.of("automated", "problem")["seen"]
    seen = {each["seen"]: each["applications"] for each in told.check("self-heal")["observations"]}
    assert seen == {"No: there is no automatic sync.": ["web-dev"], "Yes.": ["web-prod", "root"]}


def test_an_environment_that_is_synced_by_hand_is_no_problem(argosy: Argosy, repository: Path) -> None:
    pushed(repository, APPLICATION, "      selfHeal: true\n", "")
    told = doctor(argosy)
    assert told.problems() == []
    assert any("stays until the next commit" in each["seen"] for each in told.check("self-heal")["observations"])


def test_an_autoscaler_that_fights(argosy: Argosy, repository: Path) -> None:
    chart = "applications/web/charts/web/templates"
    autoscaler = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  maxReplicas: 3\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
    )
    (repository / f"{chart}/own.yaml").write_text(autoscaler)
    assert "[autoscaler-fights-self-heal]" in doctor(argosy, "web", "--env", "prod").of("fights", "problem")["seen"]


def test_what_is_ignored_and_when_windows_are(argosy: Argosy, repository: Path) -> None:
    ignored = "  ignoreDifferences:\n    - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}\n"
    edit(repository, APPLICATION, "  ignoreDifferences:\n", ignored)
    window = (
        "  syncWindows:\n    - {kind: deny, schedule: '0 22 * * *', duration: 8h, applications: ['*']}\n  destinations:"
    )
    edit(repository, "argocd/dev/project.yaml", "  destinations:", window)
    told = doctor(argosy)
    left = [each["seen"] for each in told.check("fights")["observations"]]
    assert "/spec/replicas of Deployment is left as it is, whoever changes it." in left
    assert told.of("windows", "ok")["command"] == "argocd proj windows list dev"


def test_a_quota_that_is_too_small(argosy: Argosy, tmp_path: Path, tools: Path) -> None:
    root = cloned(tmp_path)
    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: web}\nspec: {hard: {pods: '2'}}\n"
    commit(root, {"applications/web/charts/web/templates/quota.yaml": quota})
    told = doctor(argosy, "--repository", str(root), "--offline")
    found = told.of("asked", "problem")
    assert found["seen"] == "web-prod: more is asked for than the quota allows: pods 3 of 2."
    assert found["applications"] == ["web-prod"]
    assert told.of("asked", "ok")["applications"] == ["web-dev"]


# The network


def test_offline_nothing_is_asked(argosy: Argosy, repository: Path) -> None:
    git(repository, "config", f"url.{(repository.parent / 'gone').as_uri()}.insteadOf", URL)
    assert (
        "as last fetched: --offline asks no remote" in doctor(argosy, "--offline").of("target-revision", "ok")["seen"]
    )


def test_a_remote_that_cannot_be_reached(argosy: Argosy, repository: Path) -> None:
    (repository.parent / "github.git").rename(repository.parent / "gone.git")
    found = doctor(argosy).of("target-revision", "ok")["seen"]
    assert "as last fetched: `git ls-remote --quiet` failed" in found
    git(repository, "update-ref", "-d", "refs/remotes/origin/main")
    assert doctor(argosy).of("target-revision", "unknown")["command"] == "git ls-remote origin main"


def test_a_remote_that_does_not_answer(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/acme/gitops.git"
        (found,) = remotes.read(repository, [url], offline=False).values()
    assert (found.refs, found.is_asked) == (None, False)
    assert "got no answer" in found.trouble


# What there is to examine


def test_an_application_that_is_not_there(argosy: Argosy, repository: Path) -> None:
    result = argosy("doctor", "wep")
    assert (result.code, result.out) == (2, "")
    assert "Did you mean “web”?" in result.err
    assert "There is dev, prod." in argosy("doctor", "web", "--env", "x").err


def test_a_folder_without_applications(argosy: Argosy, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = argosy("doctor", "--repository", str(tmp_path / "empty"))
    assert result.code == 2
    assert "no Argo CD Application" in result.err


def test_a_repository_that_argosy_did_not_make(argosy: Argosy, tmp_path: Path, tools: Path) -> None:
    root = tmp_path / "own"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n"
        "  project: default\n  source: {repoURL: 'https://example.com/o/r.git', path: shop, targetRevision: main}\n"
        "  destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n"
    )
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80}]}\n"
    commit(root, {"app.yaml": application, "shop/service.yaml": service})
    told = doctor(argosy, "shop", "--repository", str(root), "--offline")
    assert told.state("argocd") == "unknown"
    assert told.problems() == ["repository-url"]


def test_an_application_by_its_name_in_argo_cd(argosy: Argosy, repository: Path) -> None:
    edit(repository, TEMPLATE, WORKLOAD, WORKLOAD + "specs: {}\n")
    told = doctor(argosy, "web-dev")
    assert told.data["subject"].startswith("1 Application of ")
    assert told.of("manifests", "problem")["applications"] == ["web-dev"]
    assert told.of("sync-status", "unknown")["command"] == "argosy doctor web --env dev --live"


def test_an_application_of_many_is_examined_alone(tmp_path: Path, tools: Path) -> None:
    root = create(tmp_path / "gitops", model(("api", "web")))
    found = examine(root, Choice(application="web", environment="dev", offline=True))
    assert found.applications == ("web-dev",)


@pytest.mark.parametrize(
    ("duration", "expected"), [("120s", 120), ("1m30s", 90), ("1h", 3600), ("0", 0), ("0s", 0), ("", None), ("x", None)]
)
def test_durations(duration: str, expected: float | None) -> None:
    assert seconds(duration) == expected


def test_the_rules_that_checks_name_are_there() -> None:
    catalogue = {rule.id for rule in ordered()}
    assert catalogue >= rules.ELSEWHERE
    assert catalogue >= {*rules.SILENT, *rules.PROJECT}
