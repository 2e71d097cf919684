"""`argosy diff`, as people meet it."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.hosting import client
from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.hosting.server import playing

VALUES = "environments/prod/web/values.yaml"
IMAGE = {
    Format.HELM: VALUES,
    Format.KUSTOMIZE: "environments/prod/web/kustomization.yaml",
    Format.MANIFESTS: "environments/prod/web/deployment.yaml",
}
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n  same: hunter1\n  other: {}\n"
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
"""
TAG = "1.29.3-alpine"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository of plain manifests, which is where one is."""
    root = create(tmp_path / "gitops", model(("shop", "web")))
    monkeypatch.chdir(root)
    return root


def told(argosy: Argosy, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Return what it says as JSON."""
    result = argosy("diff", "--output", "json", *arguments)
    assert result.code == code, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def changes(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (each["application"], f"{resource['kind']}/{resource['name']}", resource["change"])
        for each in found["applications"]
        for resource in each["resources"]
    }


@pytest.mark.parametrize(
    ("form", "style"),
    [
        (Format.HELM, ArgocdStyle.APPLICATIONSET),
        (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONS),
        (Format.MANIFESTS, ArgocdStyle.APPLICATIONSET),
    ],
)
def test_the_image_changes_in_one_environment(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, style: ArgocdStyle
) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), form=form, argocd=style))
    monkeypatch.chdir(root)
    clean = argosy("diff")
    assert (clean.code, clean.out) == (0, "Nothing changes in any cluster.\n")
    edit(root, IMAGE[form], TAG, "1.30.0-alpine")
    result = argosy("diff")
    assert result.code == 0
    assert result.err == "1 of 4 rendered.\n"
    assert "prod: web-prod (" in result.out
    assert f"-      - image: nginx:{TAG}" in result.out
    assert "+      - image: nginx:1.30.0-alpine" in result.out
    assert "shop" not in result.out
    assert "\x1b" not in result.out
    again = argosy("diff", "--exit-code")
    assert (again.code, again.out) == (1, result.out)
    assert ("web-prod", "Deployment/web", "changed") in changes(told(argosy))


@pytest.mark.parametrize("style", ArgocdStyle)
def test_an_application_appears_and_another_vanishes(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), argocd=style))
    monkeypatch.chdir(root)
    added = ("blog", "--env", "dev", "--format", "manifests", "--quiet", "--no-validate")
    assert argosy("add", "app", *added).code == 0
    commit(root)
    for path in (root / "environments/prod/web").iterdir():
        path.unlink()
    (root / "argocd/prod/web.yaml").unlink(missing_ok=True)
    found = told(argosy, "--against", "HEAD~1")
    assert {each["application"]: each["status"] for each in found["applications"]} == {
        "blog-dev": "appears",
        "web-prod": "vanishes",
    }
    assert found["rendered"] == 2
    assert ("blog-dev", "Application/blog-dev", "added") in changes(found)
    assert ("web-prod", "Deployment/web", "removed") in changes(found)
    first, second, third, *_ = argosy("diff", "--against", "HEAD~1").out.splitlines()
    assert first == "+ blog-dev in dev appears."
    assert second.startswith("- web-prod in prod vanishes. Its resources stay in the cluster")
    assert third == ""


@pytest.mark.parametrize("style", ArgocdStyle)
def test_an_application_is_synced_otherwise(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
) -> None:
    root = create(tmp_path / "gitops", model(argocd=style))
    monkeypatch.chdir(root)
    assert argosy("set", "environment", "prod", "autoSync=false", "--quiet", "--no-validate").code == 0
    found = told(argosy)
    assert changes(found) == {("web-prod", "Application/web-prod", "changed")}
    assert "-    automated:\n" in found["applications"][0]["resources"][0]["diff"]


def test_a_project_changes_and_no_application_is_rendered(argosy: Argosy, repository: Path) -> None:
    edit(repository, "argocd/prod/project.yaml", "kind: Service", "kind: Secret")
    edit(repository, "README.md", "# gitops", "# Ours")
    found = told(argosy)
    assert changes(found) == {("root", "AppProject/prod", "changed")}
    assert found["rendered"] == 0


def test_formatting_is_no_difference(argosy: Argosy, repository: Path) -> None:
    path = repository / "environments/prod/web/service.yaml"
    data = yaml.safe_load(path.read_text())
    path.write_text(json.dumps({**data, "status": None}))
    found = told(argosy)
    assert (found["applications"], found["rendered"]) == ([], 1)


def test_what_a_branch_changes_and_not_what_others_did_meanwhile(argosy: Argosy, repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "topic")
    edit(repository, IMAGE[Format.MANIFESTS], TAG, "2")
    commit(repository)
    git(repository, "switch", "--quiet", "main")
    edit(repository, "environments/dev/shop/deployment.yaml", TAG, "3")
    commit(repository)
    ours = {("web-prod", "Deployment/web", "changed")}
    assert changes(told(argosy, "--against", "main", "--at", "topic")) == ours
    assert changes(told(argosy, "--at", "topic")) == ours | {("shop-dev", "Deployment/shop", "changed")}
    git(repository, "switch", "--quiet", "topic")
    assert changes(told(argosy, "--against", "main")) == ours
    edit(repository, "environments/dev/web/deployment.yaml", TAG, "4")
    more = told(argosy, "--against", "main")
    assert changes(more) == ours | {("web-dev", "Deployment/web", "changed")}
    assert more["rendered"] == 2


def test_of_some_applications_and_environments(argosy: Argosy, repository: Path) -> None:
    for environment in ("dev", "prod"):
        for application in ("shop", "web"):
            edit(repository, f"environments/{environment}/{application}/deployment.yaml", TAG, "2")
    assert {each["application"] for each in told(argosy)["applications"]} == {
        "shop-dev",
        "shop-prod",
        "web-dev",
        "web-prod",
    }
    of_web = told(argosy, "web")
    assert ({each["application"] for each in of_web["applications"]}, of_web["rendered"]) == (
        {"web-dev", "web-prod"},
        2,
    )
    one = told(argosy, "web", "--env", "prod")
    assert ({each["application"] for each in one["applications"]}, one["rendered"]) == ({"web-prod"}, 1)
    for arguments, name in ((("wep",), "web"), (("--env", "prd"), "prod")):
        result = argosy("diff", *arguments)
        assert (result.code, result.out) == (2, "")
        assert f"Did you mean “{name}”?" in result.err


def test_values_of_secrets_are_never_shown(argosy: Argosy, repository: Path) -> None:
    path = repository / "environments/prod/web/secret.yaml"
    path.write_text(SECRET.format("hunter2"))
    commit(repository)
    path.write_text(SECRET.format("hunter3") + "  new: hunter4\ndata:\n  old: aHVudGVyNQ==\n")
    for output in ("text", "markdown", "json"):
        printed = argosy("diff", "--output", output).out
        printed += "" if output == "json" else argosy("diff", "--against", "HEAD~1", "--output", output).out
        assert "hunter" not in printed
        assert base64.b64encode(b"hunter5").decode() not in printed
    (resource,) = told(argosy)["applications"][0]["resources"]
    assert (resource["kind"], resource["change"]) == ("Secret", "changed")
    lines = resource["diff"].splitlines()
    assert [line for line in lines if "other" in line] == ["-  other: '*** (as it was)'", "+  other: '*** (changed)'"]
    assert "   same: '***'" in lines
    assert "+  new: '***'" in lines


def test_a_file_that_is_too_large_stops_only_what_needs_it(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argosy.git.repository.LARGEST", 100_000)
    commit(repository, {"big.bin": b"a" * 200_000})
    assert "Nothing changes" in argosy("diff", "--against", "HEAD~1").out
    assert argosy("render", "web", "prod", "--at", "HEAD").code == 0
    added = argosy("add", "app", "api", "--commit", "--no-validate")
    assert added.code == 0, added.err
    assert git(repository, "cat-file", "-s", "HEAD:big.bin").strip() == "200000"
    commit(repository, {"environments/prod/web/dump.yaml": b"a" * 200_000})
    failed = argosy("render", "web", "prod", "--at", "HEAD")
    assert failed.code == 1
    assert "environments/prod/web/dump.yaml" in failed.err
    assert argosy("render", "shop", "prod", "--at", "HEAD").code == 0
    monkeypatch.setattr("argosy.git.LARGEST", 100_000)
    git(repository, "reset", "--quiet", "HEAD~1")  # Now it is not committed.
    (repository / "untracked.bin").write_bytes(b"a" * 200_000)
    assert argosy("render", "shop", "prod").code == 0
    failed = argosy("diff")
    assert failed.code == 2
    assert "web-prod cannot be rendered" in failed.err


def test_a_new_version_of_a_chart_is_one_line_beside_what_matters(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create(tmp_path / "gitops", model(("web",), form=Format.HELM))
    monkeypatch.chdir(root)
    chart = "applications/web/charts/web"
    sums = "      annotations:\n        checksum/config: {{ .Chart.Version | sha256sum }}\n      labels:\n"
    labels = "    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}\n"
    commit(
        root,
        {
            f"{chart}/templates/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n  labels:\n"
            + labels,
            f"{chart}/templates/worker.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: worker\n"
            "spec:\n  selector: {matchLabels: {app: worker}}\n  template:\n    metadata:\n"
            f"{sums}        app: worker\n    spec:\n      containers: [{{name: worker, image: worker:1}}]\n",
        },
    )
    version = yaml.safe_load((root / chart / "Chart.yaml").read_text())["version"]
    edit(root, f"{chart}/Chart.yaml", f"version: {version}", "version: 7.0.0")
    quiet = argosy("diff", "--env", "prod").out
    assert "in labels only" in quiet
    assert "helm.sh/chart" in quiet
    assert "Deployment/worker restarts." in quiet
    assert "\n@@" not in quiet
    edit(root, VALUES, "replicaCount: 3", "replicaCount: 4")
    edit(root, VALUES, TAG, "2")
    text = argosy("diff", "--env", "prod").out
    assert f"  image {TAG} → 2; replicas 3 → 4; Deployment/worker restarts\n--- Deployment/web\n" in text
    assert "7.0.0" not in text
    assert "+    helm.sh/chart: web-7.0.0" in argosy("diff", "--noise", "show").out
    hidden = argosy("diff", "--env", "prod", "--noise", "hide").out
    assert "helm.sh/chart" not in hidden
    assert "in labels only, and Pods of 1 restart.\n" in hidden
    (application,) = told(argosy, "--env", "prod")["applications"]
    noise = {f"{each['kind']}/{each['name']}": each["isNoise"] for each in application["resources"]}
    assert noise["Deployment/worker"]
    assert noise["ConfigMap/more"]
    assert not noise["Deployment/web"]
    assert all("7.0.0" in each["diff"] for each in application["resources"] if each["noise"] != ["checksum/config"])


def test_data_that_would_be_deleted_is_warned_of(argosy: Argosy, repository: Path) -> None:
    kept = CLAIM.replace("name: data", "name: kept\n  annotations:\n    argocd.argoproj.io/sync-options: Prune=false")
    paths = [f"environments/prod/web/{name}.yaml" for name in ("claim", "kept")]
    commit(repository, dict(zip(paths, (CLAIM, kept), strict=True)))
    for path in paths:
        (repository / path).unlink()
    (warning,) = told(argosy)["warnings"]
    assert (warning["application"], warning["resource"]) == ("web-prod", "PersistentVolumeClaim/data")
    assert "would be deleted" in warning["message"]
    text = argosy("diff").out
    assert text.startswith("warning: web-prod in prod: PersistentVolumeClaim/data would be deleted")
    assert (
        "> [!WARNING]\n> - web-prod in prod: PersistentVolumeClaim/data" in argosy("diff", "--output", "markdown").out
    )


def test_what_vanishes_deletes_only_with_the_finalizer(argosy: Argosy, repository: Path) -> None:
    commit(repository, {"environments/prod/web/claim.yaml": CLAIM})
    (repository / "argocd/prod/web.yaml").unlink()
    found = told(argosy)
    assert found["warnings"] == []
    assert "stay in the cluster" in found["applications"][0]["note"]
    git(repository, "checkout", "--quiet", ".")
    finalizers = "  finalizers: [resources-finalizer.argocd.argoproj.io]\nspec:\n"
    edit(repository, "argocd/prod/web.yaml", "spec:\n", finalizers)
    commit(repository)
    (repository / "argocd/prod/web.yaml").unlink()
    found = told(argosy)
    assert [each["resource"] for each in found["warnings"]] == ["PersistentVolumeClaim/data"]
    assert "deletes its resources" in found["applications"][0]["note"]


def test_what_kubernetes_refuses_to_change_is_warned_of(argosy: Argosy, repository: Path) -> None:
    commit(repository, {"environments/prod/web/claim.yaml": CLAIM})
    edit(repository, "environments/prod/web/claim.yaml", "10Gi", "9Gi")
    edit(
        repository,
        "environments/prod/web/deployment.yaml",
        "\n  selector:\n    matchLabels:\n",
        "\n  selector:\n    matchLabels:\n      a: b\n",
    )
    edit(repository, "argocd/prod/web.yaml", "https://kubernetes.default.svc", "https://eu.example.com")
    messages = [each["message"] for each in told(argosy)["warnings"]]
    assert [message.partition(",")[0] for message in messages] == [
        "It deploys to https://eu.example.com: what it deployed to https://kubernetes.default.svc stays there",
        "PersistentVolumeClaim/data shrinks",
        "spec.selector of Deployment/web changes",
    ]


def test_a_move_is_shown_as_one(argosy: Argosy, repository: Path) -> None:
    assert argosy("set", "environment", "prod", "namespace=live", "--yes", "--no-validate", "--quiet").code == 0
    found = told(argosy)
    assert {("web-prod", "Deployment/web", "moved"), ("web-prod", "Service/web", "moved")} <= changes(found)
    stays = "stays there, in no Application. Volumes do not come along."
    assert [each["message"] for each in found["warnings"]] == [
        f"It deploys to the namespace live: what it deployed to {name}-prod {stays}" for name in ("shop", "web")
    ]


def test_a_render_that_fails_on_one_side(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), form=Format.HELM))
    monkeypatch.chdir(root)
    edit(root, "environments/dev/shop/values.yaml", TAG, "2")
    edit(root, VALUES, "replicaCount: 3", "replicaCount: [")
    found = told(argosy, code=2)
    assert {each["application"] for each in found["applications"]} == {"shop-dev"}
    ((fault),) = found["faults"]
    assert (fault["application"], fault["side"]) == ("web-prod", "after")
    assert fault["message"].startswith(f"{VALUES}:")
    result = argosy("diff", "--exit-code")
    assert result.out.startswith("error: web-prod in prod cannot be rendered after the change: ")
    assert (result.code, "Not compared: web-prod cannot be rendered." in result.err) == (2, True)
    commit(root)
    git(root, "checkout", "--quiet", "HEAD~1", "--", VALUES)
    (fault,) = told(argosy, code=2)["faults"]
    assert fault["side"] == "before"


@pytest.mark.parametrize(
    ("style", "path"),
    [(ArgocdStyle.APPLICATIONS, "argocd/prod/web.yaml"), (ArgocdStyle.APPLICATIONSET, "argocd/applicationset.yaml")],
)
def test_applications_do_not_vanish_where_their_file_is_broken(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle, path: str
) -> None:
    root = create(tmp_path / "gitops", model(argocd=style))
    monkeypatch.chdir(root)
    edit(root, path, "metadata:\n", "metadata: }\n")
    found = told(argosy, code=2)
    assert found["applications"] == []
    assert path in found["faults"][0]["message"]


def test_an_application_set_that_fails(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(argocd=ArgocdStyle.APPLICATIONSET))
    monkeypatch.chdir(root)
    edit(root, "argocd/applicationset.yaml", "{{ .env.path.basename }}", "{{ .nothing }}")
    found = told(argosy, code=2)
    assert not [each for each in found["applications"] if each["status"] != "changes"]
    assert found["faults"][0]["application"] == "ApplicationSet applications"
    assert found["faults"][0]["message"].startswith("argocd/applicationset.yaml:")


def test_a_remote_chart_is_not_compared_but_its_version_is(argosy: Argosy, repository: Path) -> None:
    source = "path: environments/prod/web"
    edit(repository, "argocd/prod/web.yaml", source, "chart: web")
    edit(repository, "argocd/prod/web.yaml", "https://github.com/acme/gitops.git", "https://charts.example.com")
    commit(repository)
    edit(repository, "argocd/prod/web.yaml", 'targetRevision: "main"', "targetRevision: 2.0.0")
    found = told(argosy)
    assert changes(found) == {("web-prod", "Application/web-prod", "changed")}
    assert any("is not in this repository" in each["message"] for each in found["skipped"])
    assert "note: web-prod in prod is not compared: the chart web" in argosy("diff").out


def test_a_shared_chart_reaches_what_uses_it(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), form=Format.HELM))
    monkeypatch.chdir(root)
    git(root, "mv", "applications/web/charts/web", "common")
    for environment in ("dev", "prod"):
        edit(root, f"argocd/{environment}/web.yaml", "path: applications/web/charts/web", "path: common")
    commit(root)
    edit(root, "common/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 4")
    assert {each["application"] for each in told(argosy)["applications"]} == {"web-dev", "web-prod"}


def test_branches_of_environments(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(revision=RevisionStyle.BRANCH))
    monkeypatch.chdir(root)
    git(root, "branch", "prod")
    edit(root, IMAGE[Format.MANIFESTS], TAG, "2")
    commit(root)
    assert changes(told(argosy, "--against", "prod")) == {("web-prod", "Deployment/web", "changed")}
    assert changes(told(argosy, "--against", "main", "--at", "prod")) == set()


def test_states_that_are_none(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    assert argosy("diff", "--against", "nowhere").code == 2
    git(repository, "switch", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Other")
    result = argosy("diff", "--against", "main")
    assert result.code == 2
    assert "no commit in common" in result.err
    (tmp_path / "plain").mkdir()
    assert argosy("diff", "--repository", str(tmp_path / "plain")).code == 2


def test_before_the_first_commit_all_appears(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops")
    shutil.rmtree(root / ".git")
    git(root, "init", "--quiet")
    monkeypatch.chdir(root)
    assert {each["status"] for each in told(argosy)["applications"]} == {"appears"}


@pytest.fixture
def remote(repository: Path) -> Path:
    """Return the repository as a clone of one on a host."""
    git(repository, "remote", "add", "origin", "https://github.com/acme/gitops.git")
    return repository


def test_a_comment_follows_the_change(argosy: Argosy, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with playing("github") as server:
        server.add()
        monkeypatch.setenv("ARGOSY_HOST_API", server.url)
        monkeypatch.setenv("ARGOSY_TOKEN", server.token)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/1/merge")
        edit(remote, IMAGE[Format.MANIFESTS], TAG, "2")
        kept = ("--artifact", "diff.md", "--artifact-url", "https://ci.example.com/7")
        first = argosy("diff", "--comment", *kept)
        assert (first.code, first.out.count("\n")) == (0, 1)
        assert "web-prod" in server.comments[0].body
        assert "[The whole difference](https://ci.example.com/7)" in server.comments[0].body
        whole = Path("diff.md").read_text()
        assert "| `web-prod` |" in whole
        Path("diff.md").unlink()
        assert argosy("diff", "--comment", "--artifact-url", "diff.md").code == 2
        (remote.parent / "theirs").write_text("theirs")
        Path("diff.md").symlink_to(remote.parent / "theirs")
        assert argosy("diff", *kept).code == 2
        assert (remote.parent / "theirs").read_text() == "theirs"
        Path("diff.md").unlink()
        assert "cannot be written" in argosy("diff", "--artifact", "nowhere/diff.md").err
        git(remote, "checkout", "--quiet", ".")
        monkeypatch.delenv("GITHUB_REF")
        assert argosy("diff", "--comment", "--pull-request", "1").out == first.out
        (comment,) = server.comments
        assert "Nothing changes in any cluster." in comment.body


def test_a_comment_without_what_it_needs(argosy: Argosy, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARGOSY_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REF", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    nowhere = argosy("diff", "--comment")
    assert (nowhere.code, "--pull-request" in nowhere.err) == (2, True)
    nobody = argosy("diff", "--comment", "--pull-request", "1")
    assert nobody.code == 2
    assert "ARGOSY_TOKEN" in nobody.err
    assert argosy("diff", "--pull-request", "1").code == 2


def test_what_a_branch_brings_to_its_own_environment_is_compared_alone(tmp_path: Path, argosy: Argosy) -> None:
    root = create(tmp_path / "gitops", model(revision=RevisionStyle.BRANCH))
    git(root, "branch", "prod")
    git(root, "switch", "--quiet", "--create", "release", "prod")
    for environment in ("dev", "prod"):
        edit(root, f"environments/{environment}/web/deployment.yaml", TAG, "1.30.0")
    commit(root, message="release")

    def applications(against: str) -> list[str]:
        told = argosy("diff", "--against", against, "--output", "json", "--repository", str(root))
        assert told.code == 0, told.err
        return [each["application"] for each in json.loads(told.out)["applications"]]

    assert applications("prod") == ["web-prod"]
    assert applications("prod~0") == ["web-dev", "web-prod"]
