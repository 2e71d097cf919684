"""`argosy doctor`, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.changing import commit, edit, model
from tests.conftest import Argosy
from tests.doctor.cluster import Api
from tests.doctor.conftest import basic_tools, kubernetes, tools  # noqa: F401 - fixtures
from tests.doctor.stories import cloned, deployed, one, reached

MANIFEST = "environments/dev/web/deployment.yaml"


@pytest.fixture
def repository(kubernetes: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """Return a repository with everything pushed, which is where one is."""
    root = cloned(kubernetes, model())
    monkeypatch.chdir(root)
    return root


def test_a_checklist(argosy: Argosy, repository: Path) -> None:
    result = argosy("doctor", "web")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "2 Applications of gitops; no cluster was asked."
    assert lines[2:5] == [
        "1. An Application is stuck OutOfSync",
        "  ok       repoURL is this repository's – web-dev and web-prod: https://github.com/acme/gitops.git is the "
        "remote origin.",
        f"  ok       targetRevision exists there – web-dev and web-prod: “main” of origin is at {lines[4][-8:-1]}.",
    ]
    blind = lines.index("  unknown  the Application in the cluster is the one in Git")
    unasked = lines.index("           No cluster was asked.", blind)
    assert all(line.startswith("  unknown  ") for line in lines[blind:unasked])
    assert lines[unasked + 1] == "           $ argosy doctor web --live"
    assert [line for line in lines if line[:1].isdecimal()][1:] == [
        "1. An Application is stuck OutOfSync",
        "2. Argo CD does not detect changes in Git",
        "3. Argo CD is not permitted to deploy",
        "4. A Helm chart or an overlay does not render",
        "5. The cluster is not what Git says, after changes by hand",
        "6. Something is not deleted, or was deleted unexpectedly",
        "7. Quotas are used up",
        "8. A change was merged without review",
        "9. The tools here are not Argo CD's",
    ]
    assert lines[-1].startswith("No problem found: ")


def test_a_problem_and_what_to_do(argosy: Argosy, repository: Path) -> None:
    commit(repository, {MANIFEST: (repository / MANIFEST).read_text() + "# new\n"})
    result = argosy("doctor", "web", "--env", "dev")
    assert result.code == 1
    assert (
        "  PROBLEM  what is here is committed and pushed\n"
        "           main has 1 commit that origin does not have.\n"
        "           Push.\n"
        "           $ git push origin main\n"
    ) in result.out
    assert result.out.splitlines()[-4].startswith("1 problem found; ")
    assert result.out.endswith("Push.\n           $ git push origin main\n")


def test_a_cluster(argosy: Argosy, repository: Path, kubernetes: Path) -> None:  # noqa: F811
    with reached(Api(deployed(repository)), kubernetes) as api:
        one(api, "Application", "web-dev")["status"]["sync"]["status"] = "OutOfSync"
        one(api, "Application", "web-dev")["status"]["conditions"] = [
            {"type": "ComparisonError", "message": "authentication required"}
        ]
        result = argosy("doctor", "--context", "test", "--env", "dev")
    # With the cause, although what it leads to was looked at before.
    assert result.out.splitlines()[-3].endswith("ComparisonError: authentication required")
    assert result.code == 1
    assert "; the cluster of the context test (http://127.0.0.1:" in result.out
    assert "$ kubectl --context test --namespace argocd patch application.argoproj.io web-dev" in result.out


def test_markdown(argosy: Argosy, repository: Path) -> None:
    edit(repository, MANIFEST, "kind: ", "kind:  ")
    out = argosy("doctor", "--output", "markdown").out
    assert out.startswith("### 1 problem found\n\n3 Applications of gitops; no cluster was asked. ")
    assert "- [x] repoURL is this repository's\n" in out
    assert (
        "- [ ] **problem** what is here is committed and pushed\n"
        f"  - Not committed, so Argo CD cannot see it: {MANIFEST}. Commit and push it.\n"
        "    `git add --all && git commit && git push`\n"
    ) in out


def test_json(argosy: Argosy, repository: Path) -> None:
    found = json.loads(argosy("doctor", "--output", "json").out)
    assert [each["id"] for each in found["symptoms"]] == [
        *("out-of-sync", "not-detected", "permissions", "rendering", "drift", "deletion", "quota", "review", "tools")
    ]
    ids = [check["id"] for symptom in found["symptoms"] for check in symptom["checks"]]
    assert len(ids) == len(set(ids)) == sum(found["summary"]["checks"].values())
    assert set(found["symptoms"][0]["checks"][0]["observations"][0]) == {
        *("state", "seen", "advice", "command", "applications")
    }


def test_quietly_and_nothing_is_changed(argosy: Argosy, repository: Path) -> None:
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    assert argosy("doctor", "--quiet").out == ""
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before
    edit(repository, MANIFEST, "kind: ", "kind:  ")
    assert "PROBLEM" in argosy("doctor", "--quiet").out
