"""`argosy status`, as people meet it."""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from argosy.kubernetes import kubectl
from argosy.repository.model import Format
from argosy.template import creation
from tests.changing import commit, create, edit, git, model, rendered
from tests.conftest import Argosy
from tests.kubernetes import played
from tests.status.cluster import application, kubeconfig, serving
from tests.status.stories import NEW, OLD, bump, path, promoted


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model(form=Format.KUSTOMIZE))
    monkeypatch.chdir(root)
    return root


def classes(argosy: Argosy, *arguments: str) -> dict[str, tuple[str, str]]:
    told = json.loads(argosy("status", "--files", "--output", "json", *arguments).out)
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


def test_files_as_text(argosy: Argosy, repository: Path) -> None:
    edit(repository, "README.md", "# gitops", "# Ours")
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
    assert "shallow" in argosy("status", "--files", "--repository", str(tmp_path / "shallow")).err


def bumped(root: Path, environment: str = "dev") -> None:
    bump(root, path(environment, Format.KUSTOMIZE))


def row(argosy: Argosy, *arguments: str) -> str:
    """Return the line about web, without what aligns it."""
    result = argosy("status", *arguments)
    assert result.code == 0, result.err
    return "|".join(
        part for part in next(line for line in result.out.splitlines() if line.startswith("web ")).split("  ") if part
    ).replace("| ", "|")


def test_a_new_repository_has_one_version_everywhere(argosy: Argosy, repository: Path) -> None:
    told = argosy("status", "--exit-code")
    assert told.out.splitlines()[:2] == ["application  dev            prod", f"web          {OLD}  {OLD}"]
    assert "\n2 deployments: none behind.\nTemplate: " in told.out
    assert told.out.endswith(", the newest\n")
    assert told.code == 0


def test_what_is_left_to_promote(argosy: Argosy, repository: Path) -> None:
    bumped(repository)
    today = git(repository, "log", "-1", "--format=%cd", "--date=format:%Y-%m-%d").strip()
    assert row(argosy) == f"web|{NEW}|{OLD}, 1 key behind dev, 1 commit since {today}"
    told = argosy("status", "--exit-code")
    assert (told.code, "2 deployments: 1 behind." in told.out) == (1, True)
    promoted(repository, path("prod", Format.KUSTOMIZE), ("dev", "prod"))
    assert row(argosy) == f"web|{NEW}|{NEW}"


def test_what_is_set_by_hand(argosy: Argosy, repository: Path) -> None:
    bumped(repository, "prod")
    assert row(argosy) == f"web|{OLD}|{NEW}, 1 set by hand"
    assert "2 deployments: 1 set by hand." in argosy("status").out


def test_markdown(argosy: Argosy, repository: Path) -> None:
    bumped(repository)
    told = argosy("status", "--output", "markdown").out
    assert told.startswith(
        "| application | dev | prod |\n| --- | --- | --- |\n| web | `1.30.0-alpine` | `1.29.3-alpine`, 1 key"
    )


def test_json(argosy: Argosy, repository: Path) -> None:
    bumped(repository)
    commit = promoted(repository, path("prod", Format.KUSTOMIZE), ("dev", "prod"))
    bump(repository, path("dev", Format.KUSTOMIZE), NEW, "1.31.0")
    told = json.loads(argosy("status", "--output", "json").out)
    assert [(each["name"], each["applications"], each["promotesFrom"]) for each in told["environments"]] == [
        ("dev", ["web"], ""),
        ("prod", ["web"], "dev"),
    ]
    assert "files" not in told
    (web,) = told["applications"]
    dev, prod = web["environments"]
    assert (dev["version"], dev["images"], dev["behind"], dev["last"]) == ("1.31.0", ["nginx:1.31.0"], None, None)
    assert (prod["version"], prod["behind"]["moving"], prod["behind"]["commits"]) == (NEW, ["images.web.newTag"], 1)
    assert (prod["last"]["commit"], prod["last"]["kind"], prod["last"]["from"]) == (commit, "promotion", "dev")
    assert "live" not in prod


def test_one_application_in_detail(argosy: Argosy, repository: Path) -> None:
    bumped(repository)
    commit = promoted(repository, path("prod", Format.KUSTOMIZE), ("dev", "prod"))
    bump(repository, path("dev", Format.KUSTOMIZE), NEW, "1.31.0")
    text = argosy("status", "web").out
    assert f"prod: {NEW}, 1 key behind dev" in text
    assert f"  image: nginx:{NEW}\n  promoted from dev " in text
    assert f"by Ada <ada@example.com> in {commit[:7]}" in text
    assert f"images.web.newTag   {NEW}" in text
    assert "promoted  the same everywhere" in text
    assert (
        f"| `images.web.newTag` | `{NEW}` | `1.31.0` | **promoted** |"
        in argosy("status", "web", "--output", "markdown").out
    )
    told = json.loads(argosy("status", "web", "--output", "json").out)
    keys = {each["key"]: each["verdict"] for each in told["applications"][0]["environments"][1]["keys"]}
    assert keys["images.web.newTag"] == "promoted"


def test_an_unknown_application(argosy: Argosy, repository: Path) -> None:
    result = argosy("status", "wep")
    assert result.code == 2
    assert "“web”" in result.err


def test_a_version_of_the_template_that_nobody_knows(argosy: Argosy, repository: Path) -> None:
    version = json.loads(argosy("status", "--output", "json").out)["template"]["version"]
    edit(repository, ".copier-answers.yml", version, "f" * 40)
    result = argosy("status")
    assert result.code == 0
    assert "Template: ffffffffffff, unknown to this argosy." in result.out
    assert argosy("status", "--files").code == 2


def test_what_is_not_committed_is_said(argosy: Argosy, repository: Path) -> None:
    edit(repository, path("prod", Format.KUSTOMIZE), OLD, NEW)
    told = argosy("status").out
    assert "Uncommitted changes of prod are ignored.\n" in told
    assert NEW not in told


def test_nothing_is_committed(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    creation.create(tmp_path / "gitops", rendered(model()), branch="main", use_git=False)
    git(tmp_path / "gitops", "init", "--quiet")
    monkeypatch.chdir(tmp_path / "gitops")
    result = argosy("status")
    assert result.code == 2
    assert "Nothing is committed" in result.err


def test_options_that_do_not_go_together(argosy: Argosy, repository: Path) -> None:
    assert argosy("status", "--context", "x").code == 2
    assert argosy("status", "web", "--files").code == 2


# With a cluster


@pytest.fixture
def kubernetes(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the kubeconfig is to be, with nothing else there that kubectl would look at."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(kubectl.bundled() or '').parent}{os.pathsep}{os.environ['PATH']}")
    played.instead(monkeypatch)
    return tmp_path / "kubeconfig"


def test_live_in_several_clusters(argosy: Argosy, kubernetes: Path) -> None:
    for name in ("eu1", "us1"):
        assert argosy("add", "cluster", name, "--server", f"https://{name}.example.com", "--commit").code == 0
    assert argosy("set", "env", "prod", "clusters=eu1,us1", "--yes", "--commit").code == 0
    eu, us = (
        application(f"web-prod-{name}", health=health) for name, health in (("eu1", "Healthy"), ("us1", "Degraded"))
    )
    with serving([eu, us]) as url:
        kubeconfig(kubernetes, url)
        assert row(argosy, "--live").endswith("Synced 0123456, Degraded")
        assert "  Argo CD: in us1\n" in argosy("status", "web", "--live").out
    with serving([eu]) as url:
        kubeconfig(kubernetes, url)
        assert row(argosy, "--live").endswith("Unknown 0123456, Healthy")
        assert "  Argo CD: us1: there is no Application\n" in argosy("status", "web", "--live").out


def test_live(argosy: Argosy, kubernetes: Path) -> None:
    there = application(
        "web-prod",
        sync="OutOfSync",
        health="Degraded",
        conditions=[{"type": "ComparisonError", "message": "no such path"}],
    )
    with serving([there, application("other-dev")]) as url:
        kubeconfig(kubernetes, url, context="blue", current="")
        assert row(argosy, "--live", "--context", "blue") == f"web|{OLD}, not there|{OLD}, OutOfSync 0123456, Degraded"
        text = argosy("status", "web", "--live", "--context", "blue").out
        told = json.loads(argosy("status", "--live", "--context", "blue", "--output", "json").out)
    assert "  Argo CD: no such path\n" in text
    dev, prod = told["applications"][0]["environments"]
    assert dev["live"] is None
    assert prod["live"] == {
        "namespace": "argocd",
        "sync": "OutOfSync",
        "health": "Degraded",
        "revision": "0123456789abcdef",
        "message": "no such path",
    }


def test_a_sync_that_is_tried_again_says_why(argosy: Argosy, kubernetes: Path) -> None:
    message = "one or more objects failed to apply, reason: it is invalid. Retrying attempt #3 at 4:43PM."
    tried = {"phase": "Running", "retryCount": 3, "message": message}
    with serving([application("web-prod", sync="OutOfSync", health="Missing", operationState=tried)]) as url:
        kubeconfig(kubernetes, url, context="blue", current="")
        assert f"  Argo CD: {message}\n" in argosy("status", "web", "--live", "--context", "blue").out


def test_of_several_applications_of_one_name_the_one_that_is_meant(argosy: Argosy, kubernetes: Path) -> None:
    meant = {"destination": {"server": "https://kubernetes.default.svc", "namespace": "web-prod"}}
    other = {"destination": {"server": "https://kubernetes.default.svc", "namespace": "elsewhere"}}
    listed = [
        application("web-prod", namespace="argocd", spec=other, health="Missing"),
        application("web-prod", namespace="b", spec=meant, health="Progressing"),
        application("web-prod", namespace="c", spec=other, health="Missing"),
    ]
    with serving(listed) as url:
        kubeconfig(kubernetes, url)
        assert row(argosy, "--live").endswith("Synced 0123456, Progressing")


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (serving(None), ("Cannot list applications: unknown resource.", "argosy bootstrap")),
        (serving(refused=True), ("Cannot list applications: forbidden.", "kubectl auth can-i")),
    ],
    ids=["without Argo CD", "forbidden"],
)
def test_a_cluster_that_tells_nothing(
    argosy: Argosy, kubernetes: Path, cluster: AbstractContextManager[str], told: tuple[str, str]
) -> None:
    with cluster as url:
        kubeconfig(kubernetes, url)
        result = argosy("status", "--live")
    assert (result.code, result.out) == (2, "")
    assert all(each in result.err for each in told)


def test_a_cluster_that_is_not_there(argosy: Argosy, kubernetes: Path) -> None:
    with serving() as url:
        kubeconfig(kubernetes, url)
    result = argosy("status", "--live")
    assert (result.code, result.out) == (2, "")
    assert "Cannot list applications: cluster unreachable" in result.err


def test_a_context_that_is_not_there(argosy: Argosy, kubernetes: Path) -> None:
    kubeconfig(kubernetes, "http://127.0.0.1:1")
    result = argosy("status", "--live", "--context", "green")
    assert result.code == 2
    assert "Cannot list applications in context green: no such context in the kubeconfig" in result.err
    assert "get-contexts" in result.err


def test_no_context_at_all(argosy: Argosy, kubernetes: Path) -> None:
    result = argosy("status", "--live")
    assert result.code == 2
    assert "no cluster is configured" in result.err
