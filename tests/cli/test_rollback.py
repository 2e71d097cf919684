"""`argosy rollback`, as people meet it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from argosy.hosting import client
from tests import shared
from tests.changing import commit, git, state
from tests.conftest import Argosy, in_process
from tests.hosting.server import playing
from tests.promoting import NEW, OLD, edit, message, on_host, path, release, start, text, with_remote

PROD = path("prod")
BACK = ("rollback", "web", "prod", "--yes", "--commit")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository in which a promotion from dev to prod is committed."""

    def make(place: Path) -> None:
        start(place, environments=("dev", "prod"))
        release(place)
        promote(in_process, "--commit", "--repository", str(place))

    root = shared.repository("promoted to prod", make, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def promote(argosy: Argosy, *options: str) -> None:
    """Promote web to prod, which is validated where it is rolled back."""
    result = argosy("promote", "web", "--to", "prod", "--yes", "--no-validate", *(options or ("--commit",)))
    assert result.code == 0, result.err + result.out


def release_again(argosy: Argosy, root: Path) -> None:
    edit(root, path("dev"), NEW, "1.29.5-alpine")
    promote(argosy)


def test_the_bytes_of_before(argosy: Argosy, repository: Path) -> None:
    before = text(repository, PROD, "HEAD^")
    result = argosy(*BACK)
    assert (result.code, text(repository, PROD)) == (0, before), result.err
    assert "as it was before" in result.out
    assert message(repository).startswith("Roll web back in prod\n\nweb in prod:\n")
    origin = git(repository, "rev-parse", "HEAD~2").strip()
    assert message(repository).endswith(f"Argosy-Rollback: web prod {origin}")
    nothing = argosy(*BACK)
    assert (nothing.code, "has no promotion of web to prod" in nothing.err) == (2, True)
    promote(argosy)
    assert NEW in text(repository, PROD)


def test_many_steps(argosy: Argosy, repository: Path) -> None:
    release_again(argosy, repository)
    told = argosy("rollback", "web", "prod", "--steps", "3", "--yes")
    assert (told.code, "has only 2 promotions" in told.err) == (2, True)
    assert argosy(*BACK, "--no-validate").code == 0
    assert NEW in text(repository, PROD)
    promote(argosy)
    assert argosy(*BACK, "--steps", "2").code == 0
    assert OLD in text(repository, PROD)


def test_to_a_commit(argosy: Argosy, repository: Path) -> None:
    git(repository, "tag", "known-good")
    release_again(argosy, repository)
    assert argosy(*BACK, "--to", "known-good").code == 0
    assert NEW in text(repository, PROD)
    told = argosy(*BACK, "--to", "known-good")
    assert (told.code, "since" in told.err) == (2, True)
    git(repository, "switch", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Else")
    git(repository, "switch", "--quiet", "main")
    for arguments, said in (
        (("--to", "other"), "is not in the history"),
        (("--to", "nowhere"), "no revision “nowhere”"),
        (("--to", "HEAD", "--steps", "1"), "exclude each other"),
    ):
        told = argosy("rollback", "web", "prod", *arguments)
        assert (told.code, said in told.err) == (2, True), told.err


def test_a_hand_edit_since(argosy: Argosy, repository: Path) -> None:
    edit(repository, PROD, "replicas: 3", "replicas: 5")
    edit(repository, PROD, NEW, "1.29.4-hotfix")
    before = state(repository)
    result = argosy(*BACK)
    assert (result.code, state(repository)) == (3, before)
    assert "set by hand in prod since it was promoted" in result.out
    assert argosy(*BACK, "--take", "**").code == 0
    assert OLD in text(repository, PROD)
    assert "replicas: 5" in text(repository, PROD)


def test_files_that_came_and_went(argosy: Argosy, repository: Path) -> None:
    old = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: old\ndata: {}\n"
    folder = "environments/{}/web/{}.yaml"
    commit(repository, {folder.format(name, "old"): old for name in ("dev", "prod")})
    new: dict[str, str | bytes | None] = {
        folder.format("dev", "new"): old.replace("old", "new"),
        folder.format("dev", "old"): None,
    }
    commit(repository, new)
    promote(argosy, "--commit", "--take", "**")
    assert not (repository / folder.format("prod", "old")).exists()
    assert (repository / folder.format("prod", "new")).exists()
    assert argosy(*BACK, "--no-validate").code == 0
    assert text(repository, folder.format("prod", "old")) == old
    assert not (repository / folder.format("prod", "new")).exists()


@pytest.fixture
def proposed(repository: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return the repository with a second promotion on a branch of its own, while main went on."""

    def make(place: Path) -> None:
        shutil.copytree(repository, place, symlinks=True)
        edit(place, path("dev"), NEW, "1.29.5-alpine")
        promote(argosy, "--branch=release", "--repository", str(place))
        edit(place, "README.md", "\n", "\n\n")

    root = shared.repository("promoted to prod by a pull request", make, repository.with_name("proposed"))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("how", ["squash", "merge", "merge-with-body", "rebase"])
def test_after_a_pull_request_is_merged(argosy: Argosy, proposed: Path, how: str) -> None:
    repository, before = proposed, text(proposed, PROD)
    told = git(repository, "log", "-1", "--format=%B", "release")
    if how == "squash":
        git(repository, "merge", "--quiet", "--squash", "release")
        listed = "".join(f"  {line}\n" for line in told.splitlines())
        git(repository, "commit", "--quiet", "--message", f"Promote (#7)\n\n* Promote web\n{listed}")
    elif how == "rebase":
        git(repository, "cherry-pick", "release")
    else:
        body = told if how == "merge-with-body" else ""
        git(repository, "merge", "--quiet", "--no-ff", "--message", f"Merge pull request #7\n\n{body}", "release")
    assert "1.29.5-alpine" in text(repository, PROD)
    result = argosy(*BACK)
    assert (result.code, text(repository, PROD)) == (0, before), result.err
    assert argosy(*BACK, "--no-validate").code == 0
    assert OLD in text(repository, PROD)


def test_on_a_branch(argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    result = argosy("rollback", "web", "prod", "--yes", "--branch", "--output", "json")
    assert (result.code, state(repository)) == (0, before)
    told = json.loads(result.out)["promotions"][0]
    assert (told["branch"], told["moves"][0]["kind"]) == ("rollback/web-prod", "rollback")
    assert {each["verdict"] for each in told["moves"][0]["keys"]} == {"restored"}
    assert OLD in text(repository, PROD, "rollback/web-prod")


def test_a_pull_request(argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF", 0)
    bare = with_remote(repository)
    with playing("gitea") as server:
        on_host(repository, "gitea", server, monkeypatch)
        assert argosy("rollback", "web", "prod", "--yes", "--pull-request").code == 0
        assert server.pull_requests[0].title == "Roll web back in prod"
    assert OLD in text(bare, PROD, "rollback/web-prod")


def test_a_shallow_clone(argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    for arguments in (("rollback", "web", "prod"), ("promote", "web", "--to", "prod")):
        result = argosy(*arguments)
        assert (result.code, "git fetch --unshallow" in result.err) == (1, True), result.err


def test_wrong_usage(argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    for arguments in (("wbe", "prod"), ("web", "prd"), ("web",), ("web", "prod", "--steps", "0")):
        assert argosy("rollback", *arguments).code == 2, arguments
    assert state(repository) == before


CHART = """\
  source:
    repoURL: https://charts.example.com
    chart: web
    targetRevision: "1.0.0"  # Renovate keeps it.
    helm:
      valuesObject:
        replicaCount: {replicas}
"""


def test_the_version_of_a_remote_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> None:
    root = start(tmp_path / "gitops", environments=("dev", "prod"))
    monkeypatch.chdir(root)
    for replicas, environment in enumerate(("dev", "prod"), 1):
        application, project = (root / "argocd" / environment / name for name in ("web.yaml", "project.yaml"))
        head, _, rest = application.read_text().partition("  source:\n")
        tail = rest[rest.index("  destination:\n") :]
        application.write_text(head + CHART.format(replicas=replicas) + tail)
        allowed = project.read_text().replace("  sourceRepos:\n", "  sourceRepos:\n    - https://charts.example.com\n")
        project.write_text(allowed)
    git(root, "commit", "--quiet", "--all", "--message", "Take web from a chart repository")
    edit(root, "argocd/dev/web.yaml", '"1.0.0"', '"2.0.0"')
    before = text(root, "argocd/prod/web.yaml")
    promote(argosy)
    assert text(root, "argocd/prod/web.yaml") == before.replace('"1.0.0"', '"2.0.0"')
    result = argosy(*BACK)
    assert (result.code, text(root, "argocd/prod/web.yaml")) == (0, before), result.err
