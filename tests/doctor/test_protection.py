"""What the doctor says of branch protection: applied, different, or not to be seen."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from argosy.hosting import client
from argosy.repository.model import CiHost, Production, Repository, RevisionStyle
from tests.changing import edit, git, model
from tests.conftest import Argosy
from tests.doctor.stories import URL, cloned, doctor
from tests.hosting.server import TOKEN, Server, playing

HOSTS = {
    CiHost.GITHUB: ("protection/github-ruleset.json", URL, "GITHUB_TOKEN"),
    CiHost.GITLAB: ("protection/gitlab.json", "https://gitlab.com/acme/gitops.git", "GITLAB_TOKEN"),
    CiHost.BITBUCKET: ("protection/bitbucket.json", "https://bitbucket.org/acme/gitops.git", "BITBUCKET_TOKEN"),
}


def protected(ci: CiHost, revision: RevisionStyle = RevisionStyle.TRUNK, **switches: Any) -> Repository:
    """Return a repository that says how its branches are to be protected."""
    made = model(ci=ci, revision=revision)
    production = Production(branch_protection=True, **switches)
    return replace(made, settings=replace(made.settings, production=production))


def applied(root: Path, ci: CiHost) -> dict[str, Any]:
    """Return what a host enforces once the file is applied, as its API tells it."""
    document = json.loads((root / HOSTS[ci][0]).read_text())
    if ci is CiHost.GITHUB:
        return {"rules": [{**rule, "ruleset_id": 1} for rule in document["rules"]]}
    if ci is CiHost.BITBUCKET:
        return {"restrictions": [{"users": [], "groups": [], **rule} for rule in document]}
    for branch in document["protected_branches"]:
        branch["push_access_levels"] = [{"access_level": branch.pop("push_access_level")}]
        branch["merge_access_levels"] = [{"access_level": branch.pop("merge_access_level")}]
    return {**document}


class Case:
    """A repository, and its host."""

    def __init__(self, root: Path, ci: CiHost, server: Server) -> None:
        self.root, self.ci, self.server = root, ci, server
        self.file, self.url, self.variable = HOSTS[ci]


@pytest.fixture(params=HOSTS)
def ci(request: pytest.FixtureRequest) -> CiHost:
    """Return each host in turn."""
    return CiHost(request.param)


@pytest.fixture
def case(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch, ci: CiHost) -> Iterator[Case]:
    """Return a repository that is where one is, on a host that is played."""
    with ExitStack() as stack:
        server = stack.enter_context(playing(ci.value))
        root = cloned(tmp_path, protected(ci, signature_keys=("0123456789ABCDEF",)))
        git(root, "remote", "set-url", "origin", HOSTS[ci][1])
        monkeypatch.setenv("ARGOSY_HOST_API", server.url)
        for name in ("ARGOSY_TOKEN", "GH_TOKEN", *(each[2] for each in HOSTS.values())):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(client, "BACKOFF", 0)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv(HOSTS[ci][2], TOKEN)
        monkeypatch.chdir(root)
        yield Case(root, ci, server)


CHECK = "branches-protected"


def test_it_is_applied(argosy: Argosy, case: Case) -> None:
    case.server.protection = applied(case.root, case.ci)
    told = doctor(argosy)
    assert told.state(CHECK) == "ok"
    assert told.of(CHECK, "ok")["seen"].endswith(f"main is protected as {case.file} says.")
    assert told.state("code-owners") == "ok"


def test_nothing_is_applied(argosy: Argosy, case: Case) -> None:
    case.server.protection = {"project": {}, "protected_branches": []}
    told = doctor(argosy)
    assert told.code == 1
    found = told.of(CHECK, "problem")
    assert f"main is not protected as {case.file} says" in found["seen"]
    assert "Once: protect the branches" in found["advice"]
    if case.ci is CiHost.GITHUB:
        assert found["command"] == f"gh api --method POST repos/acme/gitops/rulesets --input {case.file}"


def test_force_push_is_allowed(argosy: Argosy, case: Case) -> None:
    there = applied(case.root, case.ci)
    match case.ci:
        case CiHost.GITHUB:
            there["rules"] = [rule for rule in there["rules"] if rule["type"] != "non_fast_forward"]
        case CiHost.GITLAB:
            there["protected_branches"][0]["allow_force_push"] = True
        case _:
            there["restrictions"] = [rule for rule in there["restrictions"] if rule["kind"] != "force"]
    case.server.protection = there
    assert doctor(argosy).of(CHECK, "problem")["seen"].endswith("says: force push is allowed.")


def test_there_is_no_token(argosy: Argosy, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(case.variable)
    found = doctor(argosy).of(CHECK, "unknown")
    assert "no token for" in found["seen"]
    # As gh asks for them.
    names = "GH_TOKEN or GITHUB_TOKEN" if case.variable == "GITHUB_TOKEN" else case.variable
    assert f"ARGOSY_TOKEN or {names}" in found["advice"]
    assert case.server.requests == []


def test_the_token_has_no_right(argosy: Argosy, case: Case) -> None:
    case.server.fail_next(403, on="GET", times=9)
    found = doctor(argosy).of(CHECK, "unknown")
    assert "403" in found["seen"]
    assert "The token needs " in found["advice"]


def test_a_file_that_says_something_else(argosy: Argosy, case: Case) -> None:
    for text in ("[1]", '{"rules": 1}'):
        (case.root / case.file).write_text(text)
        assert "cannot be read" in doctor(argosy).of(CHECK, "unknown")["seen"]


def test_nobody_is_made_to_own_anything(argosy: Argosy, case: Case) -> None:
    case.server.protection = applied(case.root, case.ci)
    for place in ("CODEOWNERS", ".bitbucket/CODEOWNERS"):
        (case.root / place).unlink(missing_ok=True)
    expected = "ok" if case.ci is CiHost.BITBUCKET else "problem"
    assert doctor(argosy).state("code-owners") == expected


class TestOnGitHub:
    """What GitHub alone has, and what no host has a part in."""

    @pytest.fixture
    def ci(self) -> CiHost:
        return CiHost.GITHUB

    def test_offline(self, argosy: Argosy, case: Case) -> None:
        told = doctor(argosy, "--offline")
        assert "--offline" in told.of(CHECK, "unknown")["seen"]
        assert case.server.requests == []

    def test_the_host_is_not_reached(self, argosy: Argosy, case: Case) -> None:
        case.server.die_next(on="GET")
        for _ in range(9):
            case.server.die_next(on="GET")
        assert doctor(argosy).state(CHECK) == "unknown"

    def test_a_file_that_is_no_json(self, argosy: Argosy, case: Case) -> None:
        for text in ("{", "[" * 100_000):
            (case.root / case.file).write_text(text)
            assert "cannot be read" in doctor(argosy).of(CHECK, "unknown")["seen"]

    def test_a_remote_that_is_no_host(self, argosy: Argosy, case: Case) -> None:
        git(case.root, "remote", "set-url", "origin", (case.root.parent / "github.git").as_uri())
        assert "not a project on a Git host" in doctor(argosy).of(CHECK, "unknown")["seen"]
        git(case.root, "remote", "remove", "origin")
        assert "The repository has no remote" in doctor(argosy).of(CHECK, "unknown")["seen"]

    def test_the_default_branch_by_its_name(self, argosy: Argosy, case: Case) -> None:
        edit(case.root, case.file, "refs/heads/main", "~DEFAULT_BRANCH")
        case.server.protection = applied(case.root, case.ci)
        assert "On GitHub, main is protected" in doctor(argosy).of(CHECK, "ok")["seen"]

    def test_rules_that_an_administrator_alone_sees(self, argosy: Argosy, case: Case) -> None:
        case.server.protection = {"older": {"required_linear_history": {"enabled": True}}}
        case.server.is_administrator = False
        found = doctor(argosy).of(CHECK, "unknown")
        assert "GitHub does not say about main" in found["seen"]
        assert "administration" in found["advice"]


class TestOnGitea:
    """Gitea takes none of the files, but runs GitHub's workflows: its file says how branches are to be protected."""

    @pytest.fixture
    def ci(self) -> CiHost:
        return CiHost.GITHUB

    def test_what_is_advised_makes_it_so(self, argosy: Argosy, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        git(case.root, "remote", "set-url", "origin", "https://codeberg.org/acme/gitops.git")
        with playing("gitea") as server:
            monkeypatch.setenv("ARGOSY_HOST_API", server.url)
            monkeypatch.setenv("ARGOSY_TOKEN", TOKEN)
            advised = self.advised(argosy, "POST", "branch_protections")
            server.protection = {**advised, "block_admin_merge_override": False, "apply_to_admins": False}
            assert "administrators or others are exempt" in doctor(argosy).of(CHECK, "problem")["seen"]
            server.protection |= self.advised(argosy, "PATCH", "branch_protections/main")
            assert doctor(argosy).state(CHECK) == "ok"

    @staticmethod
    def advised(argosy: Argosy, method: str, end: str) -> dict[str, Any]:
        """Return what the command that the doctor advises sends."""
        words = shlex.split(doctor(argosy).of(CHECK, "problem")["command"])
        assert (words[0], words[words.index("--request") + 1], words[-1].endswith(f"/{end}")) == ("curl", method, True)
        return dict(json.loads(words[words.index("--json") + 1]))


def test_each_branch_that_is_deployed_from(tmp_path: Path, tools: Path, argosy: Argosy) -> None:
    root = cloned(tmp_path, protected(CiHost.GITHUB, RevisionStyle.BRANCH))
    found = doctor(argosy, "--offline", "--repository", str(root)).of(CHECK, "unknown")
    assert found["seen"].startswith("Whether main, dev, prod is protected")


def test_a_repository_that_says_nothing_of_it(tmp_path: Path, tools: Path, argosy: Argosy) -> None:
    root = cloned(tmp_path)
    told = doctor(argosy, "--repository", str(root))
    found = told.of(CHECK, "unknown")
    assert found == told.of("code-owners", "unknown")
    assert found["command"] == "argosy set repository branchProtection=true ci=github"
    edit(root, ".copier-answers.yml", "ci: none", "ci: [github]")
    again = doctor(argosy, "--offline", "--repository", str(root))
    assert again.of(CHECK, "unknown") == found
    assert ".copier-answers.yml" in again.of("manifests", "problem")["seen"]
