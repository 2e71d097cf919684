"""An application comes to its first next environment with a promotion."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from argosy.hosting import client
from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from argosy.template import versions
from tests.conftest import Argosy, Git, Process
from tests.hosting.server import playing
from tests.promoting import message, on_host, path, start, text, with_remote

SETTINGS = """
config:
  LOG_LEVEL: debug
env:
  DB: db.dev.internal
resources: {limits: {memory: 64Mi}}
ingress:
  hosts: [{host: api.dev.example.com}]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with web everywhere, which is where one is."""
    root = start(tmp_path / "gitops", Format.HELM)
    monkeypatch.chdir(root)
    return root


def added(argosy: Argosy, *arguments: str) -> None:
    image = ("--image", "ghcr.io/acme/api:2.0")
    made = argosy("add", "app", "api", "--env", "dev", *image, "--commit", "--no-validate", *arguments)
    assert made.code == 0, made.err


def test_to_a_repository_that_copier_made(argosy: Argosy, git: Git, repository: Path) -> None:
    added(argosy)
    answers, known = repository / ".copier-answers.yml", versions.current().version
    answers.write_text(answers.read_text().replace(known, "v1.2.0"))
    git(repository, "commit", "--quiet", "--all", "--message", "Say where it is from")
    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--leave", "**", "--no-validate")
    assert made.code == 0, made.err
    assert known in git(repository, "show", "HEAD:.copier-answers.yml")


def test_what_people_set_comes_along_and_the_rest_is_what_the_environment_says(
    argosy: Argosy, git: Git, repository: Path
) -> None:
    added(argosy, "--port", "9000")
    values = repository / path("dev", Format.HELM, "api")
    values.write_text(values.read_text() + SETTINGS)
    (repository / "environments/dev/api/notes.txt").write_text("Read me\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Configure api")

    everything = argosy("promote", "--all", "--to", "staging", "--dry-run")
    assert "Not in staging yet, and so left out: api." in everything.err + everything.out
    assert "argosy promote api --from dev --to staging brings it there." in everything.err + everything.out

    asked = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert asked.code == 3
    assert not (repository / "environments/staging/api").exists()
    verdicts = {line.split()[0]: line for line in asked.out.splitlines() if line}
    assert "ingress.hosts" in verdicts
    assert "staging needs a value of its own" in verdicts["resources"]
    assert "it names dev; staging needs a value of its own" in verdicts["env"]
    assert "comes with api" in verdicts["config"]

    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--leave", "**", "--take", "resources")
    assert made.code == 0, made.err
    assert message(repository).splitlines()[-1].startswith("Argosy-Promotion: api dev -> staging ")
    found = yaml.safe_load(text(repository, path("staging", Format.HELM, "api")))
    assert found["image"] == {"repository": "ghcr.io/acme/api", "tag": "2.0"}
    assert (found["service"]["port"], found["replicaCount"]) == (9000, 2)
    assert (found["config"], found["resources"]) == ({"LOG_LEVEL": "debug"}, {"limits": {"memory": "64Mi"}})
    assert not {"env", "ingress"} & found.keys()
    assert text(repository, "environments/staging/api/notes.txt") == "Read me\n"
    assert 'name: "api-staging"' in text(repository, "argocd/staging/api.yaml")

    # Nothing was there before.
    back = argosy("rollback", "api", "staging", "--yes", "--commit")
    assert (back.code, "git rm -r environments/staging/api, then argosy apply --commit" in back.err) == (2, True), (
        back.err
    )
    assert f"api came to staging with {git(repository, 'rev-parse', 'HEAD')[:7]}" in back.err

    # It is an application like any other from then on.
    assert argosy("apply", "--dry-run").out.count("staging") == 0
    values.write_text(values.read_text().replace('"2.0"', '"2.1"'))
    git(repository, "commit", "--quiet", "--all", "--message", "Release")
    again = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert again.code == 0, again.err + again.out
    assert "2.1" in argosy("history", "api", "staging", "--limit", "1").out


def test_several_at_once_beside_one_that_is_there(argosy: Argosy, git: Git, repository: Path) -> None:
    added(argosy)
    made = argosy("add", "app", "jobs", "--env", "dev", "--format", "kustomize", "--commit", "--no-validate")
    assert made.code == 0, made.err
    made = argosy("promote", "web", "api", "jobs", "--to", "staging", "--yes", "--commit")
    assert made.code == 0, made.err
    # Each is told of, also what is as the template wrote it.
    told = [each.split()[1] for each in message(repository).splitlines() if each.startswith("Argosy-Promotion: ")]
    assert told == ["api", "jobs"]
    assert "promotion  dev   staging" in argosy("history", "jobs", "staging").out
    changed = git(repository, "show", "--name-only", "--format=", "HEAD").split()
    assert {each.rpartition("/")[0] for each in changed} == {
        *("argocd/staging", "environments/staging/api", "environments/staging/jobs")
    }
    assert argosy("validate", "--quiet").code == 0
    gone = argosy("promote", "jobs", "--to", "prod", "--from", "dev", "--dry-run", "--no-validate")
    assert gone.code == 0, gone.err


def test_along_a_chain(argosy: Argosy, git: Git, repository: Path, git_configuration: Path) -> None:
    added(argosy)
    identity = git_configuration.read_text()
    git_configuration.write_text("")
    assert argosy("promote", "api", "--to", "prod", "--chain", "--dry-run").code == 0
    git_configuration.write_text(identity)
    made = argosy("promote", "api", "web", "--to", "prod", "--chain", "--yes", "--commit")
    assert made.code == 0, made.err
    told = [each for each in message(repository).splitlines() if each.startswith("Argosy-Promotion: api ")]
    assert [each.split()[1:5] for each in told] == [["api", "dev", "->", "staging"], ["api", "staging", "->", "prod"]]
    found = yaml.safe_load(text(repository, path("prod", Format.HELM, "api")))
    assert (found["image"]["tag"], found["replicaCount"]) == ("2.0", 3)
    assert git(repository, "status", "--porcelain") == ""
    assert argosy("apply", "--dry-run").out == ""


@pytest.mark.parametrize("style", ArgocdStyle)
def test_from_branch_to_branch(
    argosy: Argosy, process: Process, git: Git, tmp_path: Path, *, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
) -> None:
    root = start(tmp_path / "gitops", Format.HELM, argocd=style, revision=RevisionStyle.BRANCH)
    monkeypatch.chdir(root)
    added(argosy)
    git(root, "switch", "--quiet", "dev")
    values = root / path("dev", Format.HELM, "api")
    quota = '{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: "9"}}}'
    values.write_text(f"{values.read_text()}extraManifests: [{quota}]\n")
    git(root, "commit", "--quiet", "--all", "--message", "Configure api")
    git(root, "switch", "--quiet", "staging")
    places = ("main", "staging", "prod")
    before = git(root, "rev-parse", *places)
    if style is ArgocdStyle.APPLICATIONS:
        refused(argosy, git, root, places)
        stop_half_way(process, git, root, places)
        assert argosy("abort").code == 0
        assert (git(root, "rev-parse", *places), git(root, "status", "--porcelain")) == (before, "")

    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit")
    assert made.code == 0, made.err
    order = ("staging", "main") if style is ArgocdStyle.APPLICATIONS else ("main", "staging")
    assert "".join(f"\n  git push origin {each}" for each in order) in made.err
    assert message(root).splitlines()[-1].startswith("Argosy-Promotion: api dev -> staging ")
    assert "ResourceQuota" in text(root, path("staging", Format.HELM, "api"))
    assert git(root, "diff", "--stat", "dev", "staging", "--", "applications/api") == ""
    for each in places:
        git(root, "switch", "--quiet", each)
        assert argosy("validate", "--quiet").code == 0, each
        assert each == "prod" or "argocd/staging" not in argosy("apply", "--dry-run").out, each
    git(root, "switch", "--quiet", "main")
    told = {"environments/staging/api/values.yaml", "argocd/staging/project.yaml"}
    told |= {"argocd/staging/api.yaml"} if style is ArgocdStyle.APPLICATIONS else set()
    assert {*git(root, "show", "--name-only", "--format=").split()} == told
    assert "kind: ResourceQuota" in text(root, "argocd/staging/project.yaml")
    assert "staging" in argosy("history", "api").out
    again = argosy("promote", "api", "--to", "staging", "--yes", "--commit")
    assert (again.code, "Nothing to promote" in again.err) == (0, True), again.err
    complete_again(argosy, git, root, told)
    take_away(argosy, git, root)


def refused(argosy: Argosy, git: Git, root: Path, places: Sequence[str]) -> None:
    """Try what cannot be done from the branch of an environment, or while another one is checked out elsewhere."""
    before = git(root, "rev-parse", *places)
    alone = argosy("promote", "api", "--to", "staging", "--yes")
    assert (alone.code, "Say --commit, --pull-request or --branch." in alone.err) == (2, True), alone.err
    git(root, "worktree", "add", "--quiet", str(root.parent / "other"), "main")
    taken = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert (taken.code, "The branch main is checked out" in taken.err) == (2, True), taken.err
    assert (git(root, "rev-parse", *places), git(root, "status", "--porcelain")) == (before, "")
    git(root, "worktree", "remove", str(root.parent / "other"))
    onward = argosy("promote", "api", "--to", "prod", "--chain", "--yes", "--commit", "--no-validate")
    assert (onward.code, "Switch to the default branch" in onward.err) == (2, True), onward.err


def stop_half_way(process: Process, git: Git, root: Path, places: Sequence[str]) -> None:
    """Kill argosy where one branch has its commit, and the next is about to get it."""
    before = git(root, "rev-parse", *places)
    hook = root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nkill -9 0\n")
    hook.chmod(0o755)
    request = ("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert process(*request, cwd=root, start_new_session=True).code == -signal.SIGKILL
    assert git(root, "rev-parse", *places) != before
    (root / ".git/index.lock").unlink(missing_ok=True)
    hook.unlink()


def complete_again(argosy: Argosy, git: Git, root: Path, told: set[str]) -> None:
    """The part for the default branch got lost: it is made again, from wherever one is."""
    git(root, "reset", "--quiet", "--hard", "HEAD~1")
    git(root, "switch", "--quiet", "staging")
    here = argosy("promote", "api", "--to", "staging", "--yes")
    assert (here.code, "from the branch main, and staging is checked out" in here.err) == (2, True), here.err
    again = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert (again.code, "Deploy api to staging" in again.err) == (0, True), again.err
    assert {*git(root, "show", "--name-only", "--format=", "main").split()} == told
    git(root, "switch", "--quiet", "main")
    again = argosy("promote", "api", "--to", "staging", "--yes", "--commit")
    assert (again.code, "Nothing to promote" in again.err) == (0, True), again.err


def take_away(argosy: Argosy, git: Git, root: Path) -> None:
    """Nothing was there before to go back to."""
    back = argosy("rollback", "api", "staging", "--yes", "--commit")
    assert (back.code, "On the default branch: git rm -r environments/staging/api" in back.err) == (2, True), back.err
    git(root, "rm", "-r", "--quiet", "environments/staging/api")
    taken = argosy("apply", "--yes", "--commit", "--no-validate")
    assert taken.code == 0, taken.err
    assert "api" not in git(root, "ls-tree", "-r", "--name-only", "staging", "environments/staging", "argocd/staging")


def test_the_default_branch_tells_of_no_other_environment(
    argosy: Argosy, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = start(tmp_path / "gitops", Format.MANIFESTS, revision=RevisionStyle.BRANCH)
    monkeypatch.chdir(root)
    git(root, "switch", "--quiet", "dev")
    added(argosy, "--format", "manifests")
    assert "argocd/dev/api.yaml" not in git(root, "ls-tree", "-r", "--name-only", "main")
    git(root, "switch", "--quiet", "staging")
    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit")
    assert made.code == 0, made.err
    git(root, "switch", "--quiet", "main")
    held = git(root, "show", "--name-only", "--format=").split()
    assert {each for each in held if not each.startswith("applications/")} == {
        *(
            "argocd/staging/api.yaml",
            "environments/staging/api/deployment.yaml",
            "environments/staging/api/service.yaml",
        )
    }
    assert argosy("apply", "--dry-run").out == ""
    assert argosy("validate", "--quiet").code == 0


def test_a_pull_request_for_each_branch(
    argosy: Argosy, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BACKOFF", 0)
    root = start(tmp_path / "gitops", Format.MANIFESTS, revision=RevisionStyle.BRANCH)
    monkeypatch.chdir(root)
    added(argosy, "--format", "manifests")
    bare = with_remote(root)
    with playing("github") as server:
        on_host(root, "github", server, monkeypatch)
        request = ("promote", "api", "--to", "prod", "--chain", "--pull-request", "--yes")
        made = argosy(*request)
        assert made.code == 0, made.err
        found = [(each.branch, each.base, each.title) for each in server.pull_requests]
        assert found == [
            ("promote/api-dev-to-staging", "staging", "Promote api from dev to staging"),
            ("promote/api-staging-to-prod", "prod", "Promote api from staging to prod"),
            ("promote/api-dev-to-staging-on-main", "main", "Deploy api to staging and prod"),
        ]
        order = "1. to staging, 2. to prod, 3. to main"
        for number, each in enumerate(server.pull_requests, 1):
            assert f"**Step {number} of 3**, to be merged in this order: {order}." in each.body
        assert f"no Application leads nowhere in between: {order}." in made.err
        again = argosy(*request, "--no-validate")
        assert (again.code, len(server.pull_requests)) == (0, 3), again.err
    told = git(bare, "log", "-1", "--format=%B", "promote/api-staging-to-prod").splitlines()
    first = git(bare, "rev-parse", "promote/api-dev-to-staging").strip()
    assert f"Argosy-Promotion: api staging -> prod {first}" in told
    files = git(bare, "show", "--name-only", "--format=", "promote/api-dev-to-staging-on-main").split()
    assert {"argocd/staging/api.yaml", "argocd/prod/api.yaml"} <= {*files}


def test_to_an_environment_that_follows_the_default_branch(
    argosy: Argosy, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = start(tmp_path / "gitops", environments=("dev", "prod"))
    monkeypatch.chdir(root)
    settings = root / "environments/dev/environment.yaml"
    settings.write_text(settings.read_text().replace('revision: "main"', 'revision: "dev"'))
    assert argosy("apply", "--commit", "--no-validate").code == 0
    git(root, "branch", "dev")
    added(argosy, "--format", "manifests")
    before = git(root, "rev-parse", "HEAD", "dev").split()
    made = argosy("promote", "api", "--to", "prod", "--yes", "--commit", "--no-validate")
    assert made.code == 0, made.err
    assert git(root, "rev-parse", "HEAD~1", "dev").split() == before
    assert "argocd/prod/api.yaml" in git(root, "show", "--name-only", "--format=")
