"""`argosy init --create-remote`: a repository is made on its host, pushed to, and its branches are protected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.hosting import Host
from tests.conftest import Argosy, Git, Result
from tests.hosting.conftest import WEB, reach
from tests.hosting.dialect import ME
from tests.hosting.server import Server, playing

Init = Callable[..., Result]
CI = {"github": "github", "gitea": "github", "gitlab": "gitlab", "bitbucket": "bitbucket"}
NAMES = {"github": "GitHub", "gitea": "Gitea", "gitlab": "GitLab", "bitbucket": "Bitbucket"}
RULES = {"github": "rules", "gitea": "rules", "gitlab": "protected_branches", "bitbucket": "restrictions"}
"""What the played host calls its rules."""


@pytest.fixture(autouse=True)
def _nothing_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.exists = False
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def remote(kind: str, git: Git, git_configuration: Path, tmp_path: Path) -> Path:
    """Return the repository on disk that git pushes to at the host's URL."""
    with git_configuration.open("a") as file:
        file.write(f'[url "{(tmp_path / "remote").as_uri()}/"]\n    insteadOf = {WEB[kind]}/\n')
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=trunk", "remote/acme/gitops.git")
    return tmp_path / "remote/acme/gitops.git"


@pytest.fixture
def init(argosy: Argosy, kind: str, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Return what runs argosy init for a repository of the host."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        url = ("--repo-url", f"{WEB[kind]}/acme/gitops.git", "--ci", CI[kind])
        said = ("--defaults", "--app", "", "--env", "dev", "--env", "prod", "--create-remote")
        return argosy("init", "gitops", *url, *said, *arguments)

    return run


def test_the_whole_way(init: Init, server: Server, kind: str, git: Git, remote: Path) -> None:
    done = init("--set", "branchProtection=true", "--revision", "branch")
    assert done.code == 0, done.err
    made = {
        "github": {"name": "gitops", "private": True},
        "gitea": {"name": "gitops", "private": True, "default_branch": "main"},
        "gitlab": {"name": "gitops", "path": "gitops", "namespace_id": 3, "visibility": "private"},
        "bitbucket": {"scm": "git", "is_private": True},
    }
    assert server.made == made[kind]
    pushed = git(remote, "branch", "--format=%(refname:short)").split()
    assert pushed == ["dev", "main", "prod"]
    assert git("gitops", "status", "--short", "--branch") == "## main...origin/main\n"
    about = {
        str(each.get("name") or each.get("rule_name") or each.get("pattern")) for each in server.protection[RULES[kind]]
    }
    assert about == ({"argosy: branches that Argo CD reads"} if kind == "github" else {"dev", "main", "prod"})
    for said in (f"Made acme/gitops on {NAMES[kind]}", "Pushed to", "Protected its branches", "it is pushed"):
        assert said in done.err
    again = init()
    assert (again.code, "not empty" in again.err) == (2, True)


def test_nothing_is_written_where_it_cannot_be_made(
    init: Init, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.exists = True
    there = init()
    assert (there.code, "acme/gitops is on " in there.err, "leave out --create-remote" in there.err) == (1, True, True)
    server.exists = False
    server.fail_next(401)
    wrong = init()
    assert (wrong.code, "is wrong, has expired, or is for another host" in wrong.err) == (1, True)
    monkeypatch.delenv("ARGOSY_TOKEN")
    without = init()
    assert (without.code, "--create-remote needs a token" in without.err) == (2, True)
    assert init("--no-git").code == 2
    assert not Path("gitops").exists()
    assert server.made == {}


@pytest.mark.parametrize("kind", ["gitlab"])
def test_a_clone_of_another_repository_is_not_pushed_to(init: Init, server: Server, kind: str, git: Git) -> None:
    git(Path(), "init", "--quiet", "gitops")
    for other in (f"{WEB[kind]}/acme/other.git", "/srv/git/acme/gitops.git"):
        git("gitops", "config", "remote.origin.url", other)
        refused = init()
        assert (refused.code, f"is {other}" in refused.err, "remote set-url origin" in refused.err) == (2, True, True)
    assert [path.name for path in Path("gitops").iterdir()] == [".git"]
    assert server.made == {}
    # The same project by SSH is no other one; git cannot reach it here.
    git("gitops", "config", "remote.origin.url", f"git@{WEB[kind].removeprefix('https://')}:Acme/gitops")
    git("gitops", "config", "core.sshCommand", "false")
    assert "is made on" in init().err


def test_what_is_half_done_says_how_to_finish(init: Init, server: Server, kind: str, git: Git, tmp_path: Path) -> None:
    server.may_make = False
    refused = init()
    assert (refused.code, "does not let the token make a repository for acme" in refused.err) == (1, True)
    assert "git remote add origin" in refused.err
    assert "git push --set-upstream origin --all" in refused.err
    assert git("gitops", "log", "--format=%s") == "Lay out the GitOps repository\n"
    # It is made and pushed, but the token may not protect its branches.
    (tmp_path / "gitops").rename(tmp_path / "before")
    server.may_make, server.is_administrator, server.has_premium = True, False, False
    unprotected = init("--set", "branchProtection=true", "--quiet")
    assert (unprotected.code, "Could not protect " in unprotected.err) == (3, True)
    assert "README.md says under “Once: protect the branches”" in unprotected.err
    assert "Made" not in unprotected.err


@pytest.mark.parametrize("kind", ["bitbucket"])
def test_git_may_not_push_to_what_is_made(init: Init, server: Server, remote: Path) -> None:
    remote.rename(remote.with_name("gone.git"))
    unpushed = init()
    assert (unpushed.code, "is made on" in unpushed.err, server.exists) == (1, True, True)
    assert "push --set-upstream origin --all" in unpushed.err


@pytest.mark.parametrize("kind", ["bitbucket", "github"])
def test_a_layers_own_protection_is_not_what_the_host_takes(
    init: Init, server: Server, host: Host, kind: str, tmp_path: Path
) -> None:
    said = "[1]\n" if kind == "bitbucket" else "Ask the platform's people.\n"
    ignored = "".join(f"  - {{rule: {each}, reason: not for machines}}\n" for each in ("json-syntax", "file-schema"))
    given = {"copier.yml": "_subdirectory: t\n", "t/.argosy.yaml": f"ignore:\n{ignored}", f"t/{host.rules_file}": said}
    for path, text in given.items():
        (tmp_path / "layer" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "layer" / path).write_text(text)
    done = init("--set", "branchProtection=true", "--template", str(tmp_path / "layer"))
    assert server.made, done.out
    assert done.code == 3
    assert f"{host.rules_file} could not be read: it is not what {NAMES[kind]} takes.\n" in done.err
    assert f"{host.rules_file} is not applied in full" in done.err


def test_an_answer_that_is_lost(host: Host, server: Server) -> None:
    server.die_next(on="POST", after=True)
    host.make("main")
    assert server.made
    with pytest.raises(ArgosyError, match="already"):
        host.make("main")


def test_somebody_elses_and_ones_own(kind: str) -> None:
    with playing(kind, project=f"{ME}/gitops") as server:
        server.exists = False
        reach(kind, server).make("main")
        assert server.made
    if kind == "gitlab":
        with playing(kind, project="acme/team/gitops") as server:
            server.exists = False
            reach(kind, server).make("main")
            assert server.made["namespace_id"] == 3
