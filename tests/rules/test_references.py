"""What points at what: revisions, in clones as people and the hosts' CI make them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import argosy.rules.catalogue  # noqa: F401 - registers the rules
from argosy.argocd.view import View
from argosy.rules.registry import RULES, files_of
from argosy.validation import pipeline
from tests.changing import git
from tests.rules.subjects import GIT, application, problems
from tests.validating import write_example, write_files

STARTED = ("init --quiet .", "remote add origin {host}")
ALL = "fetch --quiet origin +refs/heads/*:refs/remotes/origin/*"
CLONES = {
    # The commands that make the clone, and whether what it lacks is missing rather than unknown.
    "no remote": (("clone --quiet {host} .", "remote remove origin"), True),
    "clone": (("clone --quiet {host} .",), True),
    "pushed and pulled": (
        (
            "clone --quiet {host} .",
            "clone --quiet --bare {host} {elsewhere}",
            "remote remove origin",
            "remote add origin {elsewhere}",
            "push --quiet --set-upstream origin main",
            "pull --quiet",
        ),
        True,
    ),
    "one branch": (("clone --quiet --single-branch {host} .",), False),
    "a remote that was never fetched": (("clone --quiet {host} .", "remote remove origin", STARTED[1]), False),
    # GitHub's action actions/checkout, which Gitea and Forgejo run too.
    "GitHub, pull request": (
        (
            *STARTED,
            "fetch --quiet --no-tags --prune --depth=1 origin +{head}:refs/remotes/pull/7/merge",
            "checkout --quiet --force refs/remotes/pull/7/merge",
        ),
        False,
    ),
    "GitHub, push": (
        (
            *STARTED,
            "fetch --quiet --no-tags --prune --depth=1 origin +{head}:refs/remotes/origin/main",
            "checkout --quiet --force -B main refs/remotes/origin/main",
        ),
        False,
    ),
    "GitHub, fetch-depth: 0": ((*STARTED, ALL, "checkout --quiet -B main refs/remotes/origin/main"), True),
    "GitLab, merge request": (
        (
            *STARTED,
            "fetch --quiet --depth=20 origin +refs/pipelines/12:refs/pipelines/12",
            "checkout --quiet --detach {head}",
        ),
        False,
    ),
    "GitLab, branch": (
        (
            *STARTED,
            "fetch --quiet --depth=2 origin +refs/pipelines/12:refs/pipelines/12 "
            "+refs/heads/main:refs/remotes/origin/main",
            "checkout --quiet --detach {head}",
        ),
        False,
    ),
    "Bitbucket": (("clone --quiet --branch=change --depth=50 {host} .",), False),
    "Bitbucket, depth: full": (("clone --quiet --branch=change {host} .",), True),
}


@pytest.fixture(scope="module", params=[1, 3])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository as hosts keep one, with an Application that follows a branch that it does not have.

    Its history is one commit, of which no clone is shallow, or a longer one.
    """
    folder = tmp_path_factory.mktemp("hosting") / "host"
    write_files(folder, files_of(RULES["revision-unknown"].bad.replace("targetRevision: main", "targetRevision: prod")))
    git(folder, "init", "--quiet", "--initial-branch=main", ".")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "add", "--all")
    for _ in range(request.param):
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change")
    for ref in ("heads/change", "pull/7/merge", "merge-requests/7/head", "pipelines/12"):
        git(folder, "update-ref", f"refs/{ref}", "HEAD")
    return folder


@pytest.mark.parametrize("clone", CLONES)
def test_a_branch_that_a_clone_does_not_have_may_be_there(host: Path, tmp_path: Path, clone: str) -> None:
    commands, is_missing = CLONES[clone]
    names = {"host": host.as_uri(), "head": git(host, "rev-parse", "HEAD").strip(), "elsewhere": f"{tmp_path}.git"}
    for command in commands:
        git(tmp_path, *command.format(**names).split())
    found = [each.message for each in pipeline.validate(tmp_path).findings if each.rule == "revision-unknown"]
    assert found == (["This repository has no branch or tag “prod”."] if is_missing else [])


@pytest.mark.parametrize(
    ("revision", "missing"),
    [("{{ .branch }}", 0), ("{{ .head_sha }}", 0), ("refs/pull/{{ .number }}/head", 0), ("x", 2)],
)
def test_the_branch_of_a_pull_request_may_be_there(tmp_path: Path, revision: str, missing: int) -> None:
    example = RULES["applicationset-duplicate"].good.replace(".environment", ".number")
    example = re.sub("list:.*\n.*", "pullRequest: {github: {owner: acme, repo: gitops}}", example)
    write_example(tmp_path, f"# git: main\n{example}".replace("targetRevision: main", f"targetRevision: '{revision}'"))
    found = [each for each in pipeline.validate(tmp_path).findings if each.rule == "revision-unknown"]
    assert sum(1 + len(each.also) for each in found) == missing


@pytest.mark.parametrize(
    ("revision", "is_known"),
    [
        ("refs/heads/main", True),
        ("refs/tags/v1", True),
        ("refs/heads/nope", False),
        ("refs/pull/7/head", True),
        ("heads/main", False),
        ("HEAD", True),
        ("ABCDEF1", True),
        ("abcdef", False),
        ("v1.x", True),
        ("v1", True),
        ("v2", False),
        ("1.2.3\n    tagPrefix: shop-", True),
        ("1.2.4\n    tagPrefix: shop-", False),
    ],
)
def test_what_argo_cd_resolves_is_known(tmp_path: Path, revision: str, is_known: bool) -> None:
    write_example(
        tmp_path, RULES["revision-unknown"].bad.replace("targetRevision: main", f"targetRevision: {revision}")
    )
    git(tmp_path, "branch", "main")
    for tag in ("v1", "shop-1.2.3"):
        git(tmp_path, "tag", tag)
    found = {each.rule for each in pipeline.validate(tmp_path).findings}
    assert ("revision-unknown" not in found) is is_known


@pytest.mark.parametrize(
    ("revision", "prefix", "missing"),
    [
        ("main", "", ""),
        ("refs/heads/main", "", ""),
        ("refs/tags/v1.2.0", "", ""),
        ("refs/heads/prod", "", "no branch or tag “refs/heads/prod”"),
        ("v1.2", "", "no branch or tag “v1.2”"),
        ("1.*", "", ""),
        (">=1.0 <2", "", ""),
        ("1.0 - 1.1", "", "no tag in the range “1.0 - 1.1”"),
        ("^2", "", "no tag in the range “^2”"),
        ("~1.2 || ^3", "", ""),
        ("*", "", ""),
        ("2.x", "shop/", ""),
        ("1.x", "shop/", "no tag that begins with shop/ in the range “1.x”"),
        ("2.0.1", "shop/", ""),
        ("2.0.2", "shop/", "no branch or tag “shop/2.0.2”"),
        ("main", "shop/", ""),
        ("prod", "shop/", "no branch or tag “prod”"),
        ("{{ .revision }}", "", ""),
    ],
)
def test_revisions_and_ranges(revision: str, prefix: str, missing: str, tmp_path: Path) -> None:
    (tmp_path / "apps" / "shop").mkdir(parents=True)
    view = View(tmp_path, revisions=frozenset({"main", "v1.2.0", "v2.0.0-rc.1", "shop/2.0.1"}))
    subject = application({"source": {**GIT, "targetRevision": revision, "tagPrefix": prefix}})
    found = [each.message for each in problems("revision-unknown", subject, view)]
    assert len(found) == bool(missing)
    assert all(missing in each for each in found)
