"""Where the result of each command goes that changes a repository: to a branch of its own, and a pull request."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy
from tests.hosting.server import Server, playing
from tests.promoting import clone, may_ask, message, say_host, with_remote

COMMANDS = {
    "add app shop": "add-shop",
    "add env qa --after dev": "add-the-environment-qa",
    "add component metrics-server": "add-metrics-server",
    "remove app web --yes": "remove-web",
    "rename app web site --yes": "rename-the-application-web-to-site",
    "set app web team=payments": "set-team-payments-of-application-web",
    "apply": "apply-what-was-edited-by-hand",
    "convert web --to kustomize --yes": "convert-web-to-kustomize",
}
"""Commands, and what their branch is called."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model())
    monkeypatch.chdir(root)
    return root


@pytest.fixture(params=["github"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return what the host is."""
    return str(request.param)


@pytest.fixture
def bare(repository: Path, kind: str) -> Path:
    """Return what the repository's remote is."""
    say_host(repository, kind)
    return with_remote(repository)


@pytest.fixture
def server(kind: str, bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return the host that the remote belongs to."""
    assert git(bare, "branch", "--list", "main")
    with playing(kind, "acme/gitops") as server:
        may_ask(server, monkeypatch)
        yield server


@pytest.mark.parametrize("command", COMMANDS)
def test_a_branch_has_what_a_commit_would_have(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    if command == "apply":
        edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false  # until the audit")
    shutil.copytree(repository, tmp_path / "other", symlinks=True)
    before = state(repository)
    result = argosy(*command.split(), "--branch", "--output", "json")
    assert result.code == 0, result.err
    made = json.loads(result.out)
    assert (made["branch"], made["committed"], made["valid"]) == (f"argosy/{COMMANDS[command]}", True, True)
    assert state(repository) == before
    again = argosy(*command.split(), "--branch", "--no-validate", "--output", "json")
    assert json.loads(again.out)["commit"] == made["commit"] == git(repository, "rev-parse", made["branch"]).strip()
    monkeypatch.chdir(tmp_path / "other")
    assert argosy(*command.split(), "--commit", "--no-validate").code == 0  # It was found valid above.
    in_place = git(tmp_path / "other", "rev-parse", "HEAD^{tree}")
    assert git(repository, "rev-parse", f"{made['branch']}^{{tree}}") == in_place
    assert git(repository, "rev-parse", f"{made['branch']}~1") == before[2]


class TestPullRequest:
    @pytest.mark.parametrize("kind", ["github", "gitlab", "bitbucket", "gitea"], indirect=True)
    def test_each_host(self, argosy: Argosy, repository: Path, bare: Path, server: Server) -> None:
        before = state(repository)
        first = argosy("add", "app", "shop", "--pull-request", "--no-validate")
        again = argosy("add", "app", "shop", "--pull-request", "--no-validate", "-m", "Add the shop")
        assert (first.code, again.code) == (0, 0), first.err + again.err
        assert ("Opened:" in first.err, "Updated:" in again.err) == (True, True)
        [made] = server.pull_requests
        assert (made.branch, made.base, made.title) == ("argosy/add-shop", "main", "Add the shop")
        assert message(bare, made.branch).splitlines() == ["Add the shop", "", "Argosy-Change: Add shop"]
        assert "Made by `argosy add app shop --no-validate -m 'Add the shop'`." in made.body
        assert "\n| `applications/shop/application.yaml` | new |\n" in made.body
        assert "shop-prod" in made.body
        assert git(bare, "rev-list", "--count", f"main..{made.branch}").strip() == "1"
        assert state(repository) == before

    def test_a_branch_of_others_is_kept(self, argosy: Argosy, bare: Path, server: Server, tmp_path: Path) -> None:
        assert argosy("add", "app", "shop", "--pull-request", "--no-validate").code == 0
        other = clone(bare, tmp_path / "other")
        git(other, "switch", "--quiet", "argosy/add-shop")
        commit(other, {"theirs.md": "Mine.\n"})
        git(other, "push", "--quiet")
        result = argosy("add", "app", "shop", "--pull-request")
        assert (result.code, "has commits that are not part of this change" in result.err) == (1, True)
        result = argosy("add", "app", "shop", "--pull-request", "--branch=second")
        assert result.code == 0, result.err
        result = argosy("add", "app", "store", "--pull-request", "--branch=second")
        assert (result.code, "has commits that are not part of this change" in result.err) == (1, True)
        assert [each.branch for each in server.pull_requests] == ["argosy/add-shop", "second"]

    @pytest.mark.usefixtures("server")
    def test_no_branch_of_anybody_s_is_moved(self, argosy: Argosy, repository: Path, bare: Path) -> None:
        """What is checked out, deployed or released gets nothing that nobody has looked at, wherever it is known."""
        edit(repository, "environments/prod/environment.yaml", 'revision: "main"', 'revision: "live"')
        commit(repository)
        git(repository, "push", "--quiet", "origin", "main", "main:live", "main:trunk", "main:release", "main:far")
        git(repository, "remote", "set-head", "origin", "trunk")
        git(repository, "fetch", "--quiet", "--prune")
        git(repository, "branch", "here")
        git(repository, "update-ref", "-d", "refs/remotes/origin/far")
        before = {*git(bare, "for-each-ref").splitlines(), *git(repository, "for-each-ref", "refs/heads").splitlines()}
        own = {"main": "is checked out", "live": "is what prod follows", "trunk": "is origin's default"}
        others = {"release": "was not made by this change", "here": "was not made by this change"}
        named = {**own, "@{-1}": "is not a branch", "HEAD": "is not a branch", **others}
        command = ("set", "app", "web", "team=payments", "--no-validate")  # One that renders little.
        # Which names may be is asked before it is looked whether to push; whose branch it is, after that.
        for options, asked in ((["--pull-request"], named), ([], {"live": own["live"], **others})):
            for name, why in asked.items():
                result = argosy(*command, f"--branch={name}", *options)
                assert (result.code, why in result.err) == (1 if name in others else 2, True), result.err
                assert "--branch" in result.err or "as Git does" in result.err
        assert argosy(*command, "--branch=far", "--pull-request").code == 1
        after = {*git(bare, "for-each-ref").splitlines(), *git(repository, "for-each-ref", "refs/heads").splitlines()}
        assert before <= after

    def test_a_branch_that_was_merged_is_used_again(
        self, argosy: Argosy, repository: Path, bare: Path, server: Server
    ) -> None:
        assert argosy("add", "app", "shop", "--pull-request", "--no-validate").code == 0
        git(repository, "merge", "--quiet", "--no-ff", "origin/argosy/add-shop")
        assert argosy("remove", "app", "shop", "--yes", "--commit", "--no-validate").code == 0
        git(repository, "push", "--quiet", "origin", "main")
        assert argosy("add", "app", "shop", "--pull-request").code == 0
        assert [each.branch for each in server.pull_requests][-1] == "argosy/add-shop"
        assert git(bare, "rev-list", "--count", "main..argosy/add-shop").strip() == "1"

    @pytest.mark.usefixtures("server")
    def test_what_runs_is_kept_in_a_pull_request_of_its_own(self, argosy: Argosy, repository: Path, bare: Path) -> None:
        text = "  finalizers:\n    - resources-finalizer.argocd.argoproj.io\n"
        edit(repository, "argocd/prod/web.yaml", "  namespace: argocd\n", f"  namespace: argocd\n{text}")
        commit(repository)
        git(repository, "push", "--quiet", "origin", "main")
        first = argosy("remove", "app", "web", "--yes", "--pull-request")
        assert first.code == 0, first.err
        assert "Once it is merged and synced, run this command again" in first.err
        branch = "origin/argosy/remove-web-keep-what-runs"
        assert git(repository, "diff", "--name-only", "main", branch) == "argocd/prod/web.yaml\n"
        git(repository, "merge", "--quiet", "--ff-only", branch)
        git(repository, "push", "--quiet", "origin", "main")
        second = argosy("remove", "app", "web", "--yes", "--pull-request")
        assert second.code == 0, second.err
        assert "applications/web" not in git(bare, "ls-tree", "-r", "--name-only", "argosy/remove-web")


def test_what_is_not_committed_is_left_out_or_refused(argosy: Argosy, repository: Path) -> None:
    (repository / "README.md").write_text("Mine.\n")
    before = state(repository)
    assert argosy("add", "app", "shop", "--branch", "--no-validate").code == 0
    assert state(repository) == before
    assert git(repository, "diff", "--name-only", "main", "argosy/add-shop", "--", "README.md") == ""
    edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")
    result = argosy("add", "app", "store", "--branch")
    assert result.code == 1
    assert "environments/prod/environment.yaml has uncommitted changes" in result.err
    git(repository, "switch", "--quiet", "--detach")
    assert "No branch is checked out" in argosy("apply", "--branch").err


@pytest.mark.parametrize(
    "command",
    [("set", "env", "prod", "autoSync=false"), ("remove", "app"), ("promote", "web", "--to", "prod"), ("update",)],
    ids=" ".join,
)
def test_a_name_behind_branch_is_told_how_it_names_it(
    argosy: Argosy, repository: Path, command: tuple[str, ...]
) -> None:
    before = state(repository)
    result = argosy(*command, "--branch", "topic")
    assert result.code in {1, 2}
    assert "To name the branch “topic”, write --branch=topic." in result.err
    assert "--branch=" not in argosy(*command, "--branch", "--no-such-option").err
    assert state(repository) == before


def test_a_conflict_and_what_is_not_valid_are_not_written(argosy: Argosy, repository: Path) -> None:
    edit(repository, "argocd/prod/web.yaml", "selfHeal: true", "selfHeal: false")
    edit(repository, "environments/prod/web/deployment.yaml", "replicas: 3", "replicas: many")
    commit(repository)
    before = state(repository)
    result = argosy("set", "env", "prod", "autoSync=false", "--branch=mine")
    assert result.code == 3
    assert "Run argosy set env prod autoSync=false without --pull-request and --branch" in result.err
    result = argosy("set", "app", "web", "team=payments", "--branch=mine")
    assert (result.code, "the result would not be valid" in result.err) == (1, True)
    assert (state(repository), git(repository, "branch", "--list", "mine")) == (before, "")
    assert argosy("set", "app", "web", "team=payments", "--branch=mine", "--no-validate").code == 0
