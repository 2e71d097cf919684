"""Environments with branches of their own: a command changes each of them, and no Application ever leads nowhere."""

from __future__ import annotations

import functools
import io
import json
import shlex
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.delivery import Delivery, changes
from argosy.delivery.offer import Offer, deliver
from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from argosy.template import versions
from tests import shared
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy, Process
from tests.hosting.server import playing
from tests.promoting import clone, on_host, with_remote

ADD = ("add", "app", "shop")
RENAME = ("rename", "app", "web", "shop", "--yes")
VALUES, SHOP = "environments/prod/web/values.yaml", "environments/prod/shop/values.yaml"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy, request: pytest.FixtureRequest) -> Path:
    """Return a repository with a branch for each environment, which is where one is; the parameter is its style.

    Production runs another version than the default branch says.
    """
    style = getattr(request, "param", ArgocdStyle.APPLICATIONS)

    def make(place: Path) -> None:
        create(place, model(form=Format.HELM, argocd=style, revision=RevisionStyle.BRANCH))
        git(place, "branch", "dev")
        git(place, "switch", "--quiet", "--create", "prod")
        edit(place, VALUES, "1.29.3-alpine", "1.30.0")
        commit(place)
        git(place, "switch", "--quiet", "main")

    made = shared.repository(f"own branches {style}", make, tmp_path / "gitops")
    monkeypatch.chdir(made)
    return made


def push(root: Path, told: str, bare: Path, version: str = "1.30.0") -> None:
    """Push as a message says, line by line; after each, nothing that Argo CD reads of the remote leads nowhere."""
    lines = [line.strip() for line in told.splitlines() if line.startswith("  git push ")]
    assert lines, told
    for line in lines:
        git(root, *shlex.split(line)[1:])
        check(bare, version)


def check(bare: Path, version: str = "1.30.0") -> None:
    """Check that Argo CD finds what each Application of the default branch names, and production's newer version."""
    listed = git(bare, "for-each-ref", "--format=%(objectname) %(refname:short)", "refs/heads").split("\n")[:-1]
    ids = {name: held for held, name in (line.split(" ") for line in listed)}

    for file, text in held_by(bare, ids["main"]).items():
        manifests = yaml.safe_load_all(text) if file.startswith("argocd/") and file.count("/") == 2 else ()
        source = next((each["spec"]["source"] for each in manifests if each["kind"] == "Application"), None)
        if source is None:
            continue
        there, folder = held_by(bare, ids[source["targetRevision"]]), source["path"]
        held = {path.removeprefix(f"{folder}/") for path in there if path.startswith(f"{folder}/")}
        plain = {"kustomization.yaml", "deployment.yaml", "namespace-web.yaml", "namespace-shop.yaml"}
        markers = {"Chart.yaml"} if "helm" in source else plain
        assert held & markers, (file, held)
        read = [each.removeprefix("/") for each in source.get("helm", {}).get("valueFiles", ())]
        read = read or [f"{folder}/{name}" for name in held]
        assert not {*read} - there.keys()
        if file in {"argocd/prod/web.yaml", "argocd/live/web.yaml"}:
            assert any(version.encode() in there[path] for path in read)


@functools.lru_cache(maxsize=8)
def held_by(bare: Path, commit: str) -> dict[str, bytes]:
    """Return the files of a commit; of each push, most branches are where they were before."""
    packed = subprocess.run(["git", "archive", commit], cwd=bare, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        return {each.name: files.extractfile(each).read() for each in files if each.isfile()}  # type: ignore[union-attr]


def commits(root: Path) -> str:
    """Return where all branches are."""
    return git(root, "for-each-ref", "refs/heads")


def lost(argosy: Argosy, root: Path, rule: str = "branch-lacks-path") -> list[str]:
    """Return what validation says of Applications whose branches lack something."""
    found = json.loads(argosy("validate", str(root), "--output", "json").out)
    return [each["message"] for each in found["findings"] if each["rule"] == rule]


@pytest.mark.parametrize(
    ("root", "story"),
    [
        (
            ArgocdStyle.APPLICATIONS,
            (
                (("set", "environment", "prod", "replicas=4"), "prod,main"),
                (("set", "application", "web", "team=payments"), "dev prod,main"),
                (ADD, "dev prod,main"),
                (("rename", "env", "prod", "live", "--yes"), "live,main"),
                (("remove", "app", "web", "--yes"), "main,dev live"),
                (("add", "env", "qa", "--after", "live"), "qa,main"),
            ),
        ),
        (
            ArgocdStyle.APPLICATIONS,
            (
                (RENAME, "dev prod,main,dev prod"),
                (("set", "repository", "quotas=true"), "dev prod,main"),
                (("convert", "shop", "--to", "kustomize", "--yes"), "dev prod,main,dev prod"),
            ),
        ),
        (
            ArgocdStyle.APPLICATIONSET,
            (
                (ADD, "main,dev prod"),
                (("convert", "web", "--to", "manifests", "--yes"), "dev prod,main"),
                (("set", "repository", "quotas=true"), "dev prod,main"),
                (("add", "env", "qa"), "qa,main,prod"),
            ),
        ),
    ],
    indirect=["root"],
)
def test_one_command_for_all_branches(
    argosy: Argosy, root: Path, tmp_path: Path, story: tuple[tuple[tuple[str, ...], str], ...]
) -> None:
    bare = with_remote(root)
    for arguments, steps in story:
        result = argosy(*arguments, "--commit")
        assert result.code == 0, result.err
        pushed = [line.split()[3:] for line in result.err.splitlines() if line.startswith("  git push ")]
        named = [" ".join(each.rpartition("refs/heads/")[2] for each in line) for line in pushed]
        assert ",".join(named) == steps, arguments
        push(root, result.err, bare)
    whole = clone(bare, tmp_path / "clone")
    for branch in git(bare, "for-each-ref", "--format=%(refname:short)").split():
        git(whole, "switch", "--quiet", branch)
        judged = argosy("validate", str(whole))
        assert judged.code == 0, (branch, judged.out)
    assert git(root, "status", "--porcelain") == ""
    assert len(git(root, "worktree", "list").splitlines()) == 1


def test_a_filter_that_works_in_the_first_work_tree_alone(argosy: Argosy, root: Path) -> None:
    (root / ".git/info/attributes").write_text("*.yaml filter=versions\n")
    for key, old, new in (("smudge", "1.30.0", "9.9.9"), ("clean", "9.9.9", "1.30.0")):
        git(root, "config", f"filter.versions.{key}", f"test -d .git && sed s/{old}/{new}/")
    git(root, "config", "filter.versions.required", "true")
    before, blob = git(root, "rev-parse", "prod").strip(), git(root, "rev-parse", f"prod:{VALUES}")
    added = argosy(*ADD, "--commit", "--no-validate")
    assert added.code == 0, added.err
    assert {line[0] for line in git(root, "diff", "--name-status", before, "prod").splitlines()} == {"A"}
    assert git(root, "rev-parse", f"prod:{VALUES}") == blob
    assert argosy("set", "environment", "prod", "replicas=4", "--commit", "--no-validate").code == 0
    assert "9.9.9" not in git(root, "grep", "-h", "-e", "tag", "-e", "9.9.9", "prod")


def test_what_argo_cd_would_delete_is_pushed_in_an_order_that_keeps_it(argosy: Argosy, root: Path) -> None:
    text = "  finalizers:\n    - resources-finalizer.argocd.argoproj.io\n"
    edit(root, "argocd/prod/web.yaml", "  namespace: argocd\n", f"  namespace: argocd\n{text}")
    commit(root)
    bare = with_remote(root)
    result = argosy("remove", "app", "web", "--yes", "--commit", "--no-validate")
    assert result.code == 0, result.err
    wait = "Once Argo CD has synced that, and not before:"
    pushes = ("HEAD~1:refs/heads/main", "main", "dev prod")
    assert f"\n{wait}\n".join(f"  git push origin {each}" for each in pushes) in result.err
    assert "BRANCH" not in result.err
    git(root, "push", "--quiet", "origin", pushes[0])
    assert "finalizers" not in git(bare, "show", "main:argocd/prod/web.yaml")
    push(root, result.err, bare)


def test_what_the_work_tree_cannot_show(argosy: Argosy, root: Path) -> None:
    before, places = state(root), commits(root)
    result = argosy(*RENAME)
    assert result.code == 1
    for said in (" follows the branch dev, which does not have applications/shop/", "Say --commit: it commits on dev"):
        assert said in result.err
    shown = argosy(*RENAME, "--dry-run")
    assert shown.code == 0
    assert "# On the branch prod:\n" in shown.out
    assert (state(root), commits(root)) == (before, places)
    removed = argosy("remove", "app", "web", "--yes", "--no-validate")
    assert (removed.code, "This does not reach dev and prod: --commit" in removed.err) == (0, True)


def test_each_branch_keeps_what_people_wrote_there(argosy: Argosy, root: Path) -> None:
    git(root, "switch", "--quiet", "prod")
    commit(root, {"environments/prod/web/notes.txt": "Ask Ada.\n"})
    git(root, "switch", "--quiet", "main")
    result = argosy(*RENAME, "--commit", "--output", "json", "--no-validate")
    assert result.code == 0, result.err
    made = json.loads(result.out)
    assert [(each["branch"], len(each["steps"])) for each in made["branches"]] == [("dev", 2), ("prod", 2)]
    first, last = (each["commit"] for each in made["branches"][1]["steps"])
    assert git(root, "rev-parse", "prod", "prod~1").split() == [last, first]
    assert git(root, "show", "prod:environments/prod/shop/notes.txt") == "Ask Ada.\n"
    assert "1.30.0" in git(root, "show", "prod:environments/prod/shop/values.yaml")
    assert git(root, "ls-tree", "-r", "--name-only", "prod", "environments/prod/web") == ""
    assert git(root, "ls-tree", "-r", "--name-only", "prod~1", "environments/prod/web") != ""
    assert git(root, "ls-tree", "-r", "--name-only", "main", "environments/prod/shop/notes.txt") == ""


def test_all_branches_or_none(argosy: Argosy, root: Path, tmp_path: Path) -> None:
    before = commits(root)
    git(root, "worktree", "add", "--quiet", str(tmp_path / "other"), "prod")
    refused = argosy(*ADD, "--commit")
    assert (refused.code, "The branch prod is checked out" in refused.err) == (2, True)
    assert commits(root) == before
    git(root, "worktree", "remove", str(tmp_path / "other"))
    git(root, "switch", "--quiet", "prod")
    commit(root, {"environments/prod/wrong.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: [x]}\n"})
    edit(root, "argocd/prod/project.yaml", "apiVersion", "apiversion")
    commit(root)
    git(root, "switch", "--quiet", "main")
    before, whole = commits(root), state(root)
    invalid = argosy(*ADD, "--commit")
    assert (invalid.code, "what prod would hold is not valid" in invalid.err) == (1, True)
    assert (commits(root), state(root)) == (before, whole)
    commit(root, {"argocd/dev/shop-notes.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: [x]}\n"})
    git(root, "branch", "--force", "prod", "dev")
    before, whole = commits(root), state(root)
    failed = argosy("set", "repository", "quotas=true", "--commit")
    assert (failed.code, "Nothing was written: the result would not be valid." in failed.err) == (1, True)
    assert (commits(root), state(root)) == (before, whole)


def test_a_conflict_on_a_branch(argosy: Argosy, root: Path) -> None:
    git(root, "switch", "--quiet", "prod")
    edit(root, "argocd/prod/web.yaml", "prune: true", "prune: false")
    commit(root)
    git(root, "switch", "--quiet", "main")
    before, whole = commits(root), state(root)
    result = argosy("set", "environment", "prod", "autoSync=false", "--commit")
    assert (result.code, commits(root), state(root)) == (3, before, whole)
    assert "On prod, these files have edits that conflict with this change:\n  argocd/prod/web.yaml" in result.err
    assert "git switch prod, and argosy set environment prod autoSync=false" in result.err
    plain = argosy("set", "environment", "prod", "autoSync=false", "--no-validate")
    assert plain.code == 0, plain.err
    assert "This does not reach prod, where these files have edits that conflict with it:" in plain.err


def test_a_conflict_on_the_default_branch(argosy: Argosy, root: Path) -> None:
    edit(root, "argocd/prod/web.yaml", "prune: true", "prune: false")
    commit(root)
    before, whole = commits(root), state(root)
    result = argosy("set", "environment", "prod", "autoSync=false", "--commit")
    assert (result.code, commits(root), state(root)) == (3, before, whole)
    assert "Take these edits back and commit" in result.err


@pytest.mark.parametrize("fails", ["before", "after"])
def test_all_or_none_where_something_fails(
    argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    before, whole = commits(root), state(root)

    def stop(*_: object, **__: object) -> None:
        raise BrokenPipeError if fails == "after" else KeyboardInterrupt

    told = "argosy.cli.options.ChangeOptions.result"
    monkeypatch.setattr(told if fails == "after" else "argosy.delivery.commits.commit", stop)
    assert argosy(*ADD, "--commit", "--no-validate").code != 0
    if fails == "before":
        assert (commits(root), state(root)) == (before, whole)
    else:
        assert {git(root, "log", "-1", "--format=%s", each) for each in ("dev", "prod", "main")} == {"Add shop\n"}


def test_all_or_none_after_a_kill(argosy: Argosy, process: Process, root: Path) -> None:
    before, start = commits(root), state(root)
    hook = root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nkill -9 0\n")
    hook.chmod(0o755)
    assert process(*ADD, "--commit", "--no-validate", cwd=root, start_new_session=True).code == -signal.SIGKILL
    assert commits(root) != before
    (root / ".git/index.lock").unlink(missing_ok=True)
    assert argosy("abort").code == 0
    assert (commits(root), state(root)) == (before, start)


def test_what_was_fetched_counts_where_nobody_pulled(argosy: Argosy, root: Path, tmp_path: Path) -> None:
    bare = with_remote(root)
    other = clone(bare, tmp_path / "other")
    git(other, "switch", "--quiet", "prod")
    edit(other, VALUES, "1.30.0", "1.31.0")
    commit(other)
    git(other, "push", "--quiet")
    git(root, "fetch", "--quiet")
    git(root, "branch", "--delete", "--force", "dev")
    assert argosy(*RENAME, "--commit", "--no-validate").code == 0
    assert git(root, "grep", "1.31.0", "prod", "--", "environments/prod/shop")
    assert git(root, "merge-base", "origin/prod", "prod") == git(root, "rev-parse", "origin/prod")
    assert git(root, "log", "--format=%s", "-1", "dev~1") == "Rename the application web to shop (1 of 2)\n"


def test_a_pull_request_for_each_branch(
    argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = with_remote(root)
    with playing("github", "acme/gitops") as server:
        on_host(root, "github", server, monkeypatch)
        before = state(root)
        result = argosy(*RENAME, "--pull-request")
        assert result.code == 0, result.err
        assert [(each.base, each.branch) for each in server.pull_requests] == [
            ("dev", "argosy/rename-the-application-web-to-shop-dev"),
            ("prod", "argosy/rename-the-application-web-to-shop-prod"),
            ("main", "argosy/rename-the-application-web-to-shop"),
            ("dev", "argosy/rename-the-application-web-to-shop.2-dev"),
            ("prod", "argosy/rename-the-application-web-to-shop.2-prod"),
        ]
        assert server.pull_requests[4].title == "Rename the application web to shop (5 of 5, prod)"
        assert "Merge this one only once Argo CD has synced" in server.pull_requests[4].body
        assert "Once Argo CD has synced that, and not before:\n  4. to dev" in result.err
        first, last = (server.pull_requests[number].body.partition("| --- |")[2].split("\n\n")[0] for number in (1, 4))
        assert (f"| `{VALUES}` |" in first, f"| `{VALUES}` |" in last) == (False, True)
        assert (f"| `{SHOP}` |" in first, f"| `{SHOP}` |" in last) == (True, False)
        again = argosy(*RENAME, "--pull-request", "--message", "Shop", "--no-validate")
        assert (again.code, len(server.pull_requests)) == (0, 5), again.err
        assert server.pull_requests[4].title == "Shop (5 of 5, prod)"
    assert state(root) == before
    check(bare)
    for each in server.pull_requests:
        git(bare, "update-ref", f"refs/heads/{each.base}", f"refs/heads/{each.branch}")
        check(bare)
    made = argosy("add", "env", "qa", "--branch", "--no-validate")
    assert (made.code, "Made the new branch qa." in made.err) == (0, True)
    assert git(root, "show", "qa:environments/qa/environment.yaml")


def test_environments_whose_names_end_alike(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("eu", "eu-2", "2-eu")
    root = create(tmp_path / "gitops", model(("web",), names, form=Format.HELM, revision=RevisionStyle.BRANCH))
    for name in names:
        git(root, "branch", name)
    bare = with_remote(root)
    monkeypatch.chdir(root)
    with playing("github", "acme/gitops") as server:
        on_host(root, "github", server, monkeypatch)
        result = argosy(*RENAME, "--pull-request", "--no-validate")
        assert result.code == 0, result.err
    made = server.pull_requests
    assert [each.base for each in made] == [*names, "main", *names]
    assert len({each.branch for each in made}) == 7
    waits = ["Merge this one only once Argo CD has synced" in each.body for each in made]
    assert waits == [False] * 4 + [True] * 3
    for each in made[4:]:
        assert "values.yaml" in git(bare, "diff", "--name-only", "--diff-filter=D", f"{each.branch}~1", each.branch)


def test_what_is_done_when_it_stops_half_way(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = with_remote(root)
    refused = argosy("add", "env", "qa", "--branch=a..b", "--pull-request", "--no-validate")
    assert (refused.code, "“a..b” is not a branch" in refused.err) == (2, True)
    assert git(bare, "branch", "--list", "qa") == ""
    delivered = deliver

    def stop(given: Delivery, offer: Offer) -> dict[str, Any]:
        if offer.base == "main":
            raise KeyboardInterrupt
        return delivered(given, offer)

    monkeypatch.setattr(changes, "deliver", stop)
    stopped = argosy(*ADD, "--branch", "--no-validate")
    assert (stopped.code, "Interrupted before argosy/add-shop was done;" in stopped.err) == (130, True)
    assert "; done: argosy/add-shop-dev, argosy/add-shop-prod." in stopped.err
    monkeypatch.setattr(changes, "deliver", delivered)
    assert argosy(*ADD, "--branch", "--no-validate").code == 0

    refuse = bare / "hooks/pre-receive"
    refuse.parent.mkdir(exist_ok=True)
    with playing("github", "acme/gitops") as server:
        on_host(root, "github", server, monkeypatch)
        refuse.write_text("#!/bin/sh\nread old new ref\n[ $ref != refs/heads/argosy/add-shop ]\n")
        refuse.chmod(0o755)
        rejected = argosy(*ADD, "--pull-request", "--no-validate")
        assert rejected.code == 1
        assert "add-shop is not done, and these are: argosy/add-shop-dev, argosy/add-shop-prod. Run" in rejected.err
        refuse.unlink()
        assert argosy(*ADD, "--pull-request", "--no-validate").code == 0
    assert sorted(each.base for each in server.pull_requests) == ["dev", "main", "prod"]


def test_branches_that_are_not_there_yet(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops")
    bare = with_remote(root)
    monkeypatch.chdir(root)
    arguments = ("set", "repository", "revision=branch")
    refused = argosy(*arguments)
    assert (refused.code, "which does not exist" in refused.err) == (1, True)
    done = argosy(*arguments, "--commit")
    assert done.code == 0, done.err
    push(root, done.err, bare, "1.29.3-alpine")
    assert 'targetRevision: "prod"' in git(bare, "show", "main:argocd/prod/web.yaml")


def test_what_the_command_cannot_do_there(argosy: Argosy, root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "live", "prod")
    git(root, "rm", "--quiet", "-r", "applications/web/charts")
    git(root, "commit", "--quiet", "--message", "Drop the chart")
    git(root, "switch", "--quiet", "main")
    edit(root, "environments/prod/environment.yaml", 'revision: "prod"', 'revision: "live"')
    result = argosy("apply")
    assert result.code == 1
    assert "Bring it to live first" in result.err


def test_what_is_edited_by_hand_reaches_each_branch(argosy: Argosy, root: Path) -> None:
    bare = with_remote(root)
    settings = "environments/prod/environment.yaml"
    git(root, "switch", "--quiet", "prod")
    edit(root, settings, "# The settings", "# Ask Ada.\n# The settings")
    commit(root)
    git(root, "switch", "--quiet", "main")
    for folder in ("applications", "environments/dev", "environments/prod"):
        shutil.copytree(root / folder / "web", root / folder / "shop")
    charts = root / "applications/shop/charts"
    (charts / "web").rename(charts / "shop")
    edit(charts, "shop/Chart.yaml", "name: web", "name: shop")
    edit(root, settings, "replicas: ", "replicas: 1")
    before = commits(root)
    refused = argosy("apply")
    assert (refused.code, "Say --commit: it commits on dev, prod and main" in refused.err) == (1, True)
    assert commits(root) == before
    done = argosy("apply", "--commit")
    assert done.code == 0, done.err
    push(root, done.err, bare)
    for branch in ("dev", "prod", "main"):
        assert git(root, "show", f"{branch}:argocd/prod/shop.yaml")
        assert git(root, "show", f"{branch}:environments/{branch.replace('main', 'dev')}/shop/values.yaml")
    there = git(root, "show", f"prod:{settings}")
    assert ("# Ask Ada." in there, "replicas: 1" in there) == (True, True)
    assert git(root, "status", "--porcelain") == ""
    shutil.rmtree(root / "applications/web")
    for name in ("dev", "prod"):
        shutil.rmtree(root / "environments" / name / "web")
    commit(root)
    before = commits(root)
    plain = argosy("apply", "--since", "HEAD~1", "--no-validate")  # It goes nowhere else, so it asks of nothing there.
    assert (plain.code, "go as well" in plain.err) == (0, False), plain.err
    assert "This does not reach dev and prod: --commit" in plain.err
    git(root, "reset", "--quiet", "--hard")
    asked = argosy("apply", "--since", "HEAD~1", "--commit")
    assert (asked.code, commits(root)) == (1, before)
    for said in ("On the branch prod, these are written or edited by hand, and go as well:", "Confirm with --yes."):
        assert said in asked.err
    gone = argosy("apply", "--since", "HEAD~1", "--commit", "--yes", "--no-validate")
    assert gone.code == 0, gone.err
    assert [line.split()[3:] for line in gone.err.splitlines() if "  git push " in line] == [["main"], ["dev", "prod"]]
    for branch in ("dev", "prod", "main"):
        assert git(root, "ls-tree", "-r", "--name-only", branch, "applications/web", "environments/prod/web") == ""


def test_an_edit_that_a_branch_has_made_in_another_way(argosy: Argosy, root: Path) -> None:
    settings = "environments/prod/environment.yaml"
    git(root, "switch", "--quiet", "prod")
    edit(root, settings, "autoSync: true", "autoSync: false")
    commit(root)
    git(root, "switch", "--quiet", "main")
    edit(root, settings, "autoSync: true", "autoSync: true  # at night too")
    before, whole = commits(root), state(root)
    refused = argosy("apply", "--commit")
    assert (refused.code, commits(root), state(root)) == (1, before, whole), refused.err
    assert f"On the branch prod: {settings} differs from what was edited here" in refused.err
    plain = argosy("apply", "--no-validate")
    assert plain.code == 0, plain.err
    assert f"This does not reach prod. {settings} differs from what was edited here" in plain.err


def test_a_branch_whose_settings_are_wrong(argosy: Argosy, root: Path) -> None:
    git(root, "switch", "--quiet", "prod")
    edit(root, "environments/prod/environment.yaml", "autoSync: true", "autoSync: maybe")
    commit(root)
    git(root, "switch", "--quiet", "main")
    remove = ("remove", "app", "web", "--yes")
    refused = argosy(*remove, "--commit")
    assert (refused.code, "On the branch prod: environments/prod/environment.yaml:" in refused.err) == (1, True)
    assert argosy(*remove, "--no-validate").code == 0
    git(root, "reset", "--quiet", "--hard")
    git(root, "switch", "--quiet", "prod")
    commit(root, {".copier-answers.yml": None})
    git(root, "switch", "--quiet", "main")
    refused = argosy(*remove, "--commit")
    assert (refused.code, "On the branch prod: this is not an argosy repository" in refused.err) == (1, True)


def test_branches_that_copier_made(argosy: Argosy, root: Path) -> None:
    known = versions.current().version
    edit(root, ".copier-answers.yml", f"_commit: {known}\n", "_commit: v1.2.0\n")
    commit(root)
    git(root, "branch", "--force", "dev")
    git(root, "branch", "--force", "prod")
    made = argosy("set", "environment", "prod", "replicas=4", "--commit", "--no-validate")
    assert made.code == 0, made.err
    for each in ("prod", "main"):
        assert f"_commit: {known}\n" in git(root, "show", f"{each}:.copier-answers.yml")
    git(root, "switch", "--quiet", "prod")
    answers = (root / ".copier-answers.yml").read_bytes().replace(known.encode(), b"v1.2.0").replace(b"\n", b"\r\n")
    commit(root, {".copier-answers.yml": answers})
    git(root, "switch", "--quiet", "main")
    told = argosy("update")
    assert (told.code, told.err.partition("\n")[0]) == (0, "Nothing to change here.")
    assert "This does not reach prod: --commit or --pull-request makes the change there as well." in told.err
    checked = argosy("update", "--check", "--output", "json")
    assert (checked.code, json.loads(checked.out)["branches"]) == (1, [{"branch": "prod", "recorded": "v1.2.0"}])
    assert "Branches of another template: prod." in argosy("update", "--check").out
    assert "the newest, but not on prod:" in argosy("status").out
    assert json.loads(argosy("status", "--files", "--output", "json").out)["template"]["branches"] != []
    assert argosy("update", "--commit", "--no-validate").code == 0
    assert argosy("update", "--check").code == 0


def test_a_branch_of_a_remote_with_another_name(argosy: Argosy, root: Path) -> None:
    with_remote(root)
    git(root, "remote", "rename", "origin", "upstream")
    git(root, "branch", "--delete", "--force", "prod")
    made = argosy("set", "environment", "prod", "replicas=4", "--commit", "--no-validate")
    assert (made.code, "  git push upstream prod\n" in made.err) == (0, True), made.err
    git(root, "switch", "--quiet", "--detach")
    detached = argosy("set", "environment", "prod", "replicas=5", "--commit", "--no-validate")
    assert (detached.code, "  git push upstream HEAD:refs/heads/main\n" in detached.err) == (0, True), detached.err
    git(root, "switch", "--quiet", "main")
    git(root, "branch", "--delete", "--force", "prod")
    git(root, "update-ref", "-d", "refs/remotes/upstream/prod")
    unknown = argosy(*ADD)
    assert (unknown.code, "git fetch upstream '+refs/heads/*:refs/remotes/upstream/*'" in unknown.err) == (1, True)
    assert "“prod”: git fetch upstream '+refs/" in argosy("status").out
    assert "here, nor on upstream" in argosy("promote", "web", "--to", "prod").err
    git(root, "fetch", "--quiet", "upstream")
    git(root, "branch", "prod", "upstream/prod")
    git(root, "remote", "add", "fork", str(root))
    git(root, "branch", "--delete", "--force", "prod")
    git(root, "fetch", "--quiet", "fork")
    updated = argosy("update")  # Two remotes, of which none is called origin, do not tell which one it is.
    assert (updated.code, "This does not reach prod." in updated.err) == (0, True)
    git(root, *shlex.split(updated.err.partition("again: git ")[2]))
    assert argosy("update").err == "Nothing to change.\n"


def test_a_branch_that_this_clone_does_not_know(argosy: Argosy, root: Path) -> None:
    git(root, "branch", "--delete", "--force", "prod")
    result = argosy(*ADD)
    assert (result.code, "git fetch origin '+refs/heads/*" in result.err) == (1, True)


def test_a_clone_of_a_single_branch(
    argosy: Argosy, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", with_remote(root).as_uri(), "single")
    monkeypatch.chdir(tmp_path / "single")
    refused = argosy(*ADD, "--no-validate")
    assert (refused.code, "this clone does not know what is on it" in refused.err) == (1, True), refused.err
    git(tmp_path / "single", *shlex.split(refused.err.partition("again: git ")[2]))
    made = argosy(*ADD, "--commit", "--no-validate")
    assert (made.code, "Committed on dev, prod and main." in made.err) == (0, True), made.err


def test_a_change_for_branches_that_a_clone_does_not_have(
    argosy: Argosy, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", "--single-branch", with_remote(root).as_uri(), "single")
    single = tmp_path / "single"
    monkeypatch.chdir(single)
    before, scale = commits(single), ("set", "environment", "prod", "replicas=4", "--no-validate")
    for command in (("update",), scale):
        refused = argosy(*command, "--commit")
        assert (refused.code, commits(single)) == (1, before), refused.err
        assert "which the change is for as well, is not in this clone." in refused.err
    assert "This does not reach dev. The branch dev," in argosy("update", "--dry-run").err
    plain = argosy(*scale)
    assert (plain.code, "This does not reach prod." in plain.err, "dev" in plain.err) == (0, True, False), plain.err
    git(single, "reset", "--quiet", "--hard")
    assert "Not looked at: dev and prod." in argosy("update", "--check").out
    checked = argosy("update", "--check", "--output", "json")
    assert (checked.code, json.loads(checked.out)["unseenBranches"]) == (2, ["dev", "prod"])
    listed = json.loads(argosy("status", "--files", "--output", "json").out)
    assert listed["template"]["unseenBranches"] == ["dev", "prod"]
    assert "the newest; not in this clone: dev and prod" in argosy("status").out
    git(single, *shlex.split(refused.err.partition("again: git ")[2]))
    made = argosy(*scale, "--commit")
    assert (made.code, "Committed on prod and main." in made.err) == (0, True), made.err
    git(root.parent / f"{root.name}.git", "branch", "--delete", "--force", "prod")
    git(single, "push", "--quiet", "origin", "main")
    missing = argosy(*scale[:-2], "replicas=5", "--no-validate", "--pull-request")
    assert (missing.code, "git push origin prod:refs/heads/prod" in missing.err) == (1, True), missing.err
    git(single, "branch", "--delete", "--force", "prod")
    git(single, "update-ref", "-d", "refs/remotes/origin/prod")
    nowhere = argosy(*scale[:-2], "replicas=5", "--no-validate", "--pull-request")
    assert (nowhere.code, "There is no branch prod on origin." in nowhere.err) == (1, True), nowhere.err


@pytest.mark.parametrize("tagged", [True, False])
def test_a_tag_stays_as_it_is(argosy: Argosy, root: Path, tagged: bool) -> None:
    git(root, "tag", "v1.0.0")
    revision = "v1.0.0" if tagged else git(root, "rev-parse", "HEAD").strip()
    assert argosy("set", "environment", "prod", f"revision={revision}", "--commit", "--no-validate").code == 0
    assert argosy(*ADD, "--env", "prod", "--commit", "--no-validate").code == 0
    assert lost(argosy, root) == []


def test_a_branch_from_an_environments_own(argosy: Argosy, root: Path) -> None:
    commit(root, {"README.md": "More, on the default branch\n"})
    for name, code in (("prod", 0), ("main", 1)):
        git(root, "switch", "--quiet", "--create", f"on-{name}", name)
        assert argosy(*ADD, "--no-validate").code == code
        git(root, "reset", "--quiet", "--hard")


class TestValidate:
    def test_what_a_branch_lacks(self, argosy: Argosy, root: Path, tmp_path: Path) -> None:
        bare = with_remote(root)
        git(root, "switch", "--quiet", "prod")
        git(root, "rm", "--quiet", "-r", "applications/web/charts", "environments/prod/web")
        commit(root)
        git(root, "push", "--quiet", "origin", "prod")
        git(root, "switch", "--quiet", "main")
        expected = [
            "The branch “prod” does not have applications/web/charts/web/Chart.yaml.",
            "The branch “prod” does not have environments/prod/web/values.yaml.",
        ]
        assert lost(argosy, root) == expected
        assert lost(argosy, clone(bare, tmp_path / "clone")) == expected
        git(tmp_path, "clone", "--quiet", "--single-branch", str(bare), "single")
        assert lost(argosy, tmp_path / "single") == []
        # What is written of Applications on an environment's own branch, nobody reads.
        git(root, "switch", "--quiet", "dev")
        assert lost(argosy, root) == []

    def test_what_the_default_branch_still_reads(self, argosy: Argosy, root: Path) -> None:
        git(root, "switch", "--quiet", "--create", "clean-up", "prod")
        git(root, "rm", "--quiet", "-r", "environments/prod/web")
        commit(root)
        assert lost(argosy, root, "branch-drops-path") == [
            "web-prod on “main” reads “prod”, and environments/prod/web/values.yaml is not here."
        ]
        git(root, "switch", "--quiet", "main")
        assert argosy("remove", "app", "web", "--yes", "--commit", "--no-validate").code == 0
        git(root, "switch", "--quiet", "clean-up")
        assert lost(argosy, root, "branch-drops-path") == []

    def test_a_pull_request_to_an_environments_branch(
        self, argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As CI has it: no branch is checked out, and a new repository's are all at one commit.
        git(root, "branch", "--force", "prod", "main")
        git(root, "switch", "--quiet", "--detach", "main")
        assert argosy(*ADD, "--no-validate").code == 1
        monkeypatch.setenv("GITHUB_BASE_REF", "prod")
        assert argosy(*ADD, "--no-validate").code == 0
        commit(root)
        assert lost(argosy, root) == []
        monkeypatch.setenv("GITHUB_BASE_REF", "main")
        assert len(lost(argosy, root)) == 4

    def test_what_is_rendered_in_another_way(self, argosy: Argosy, root: Path) -> None:
        commit(root, {"environments/prod/web/service.yaml": "kind: List\napiVersion: v1\nitems: []\n"})
        git(root, "branch", "--force", "prod")
        git(root, "switch", "--quiet", "prod")
        commit(root, {"environments/prod/web/kustomization.yaml": "resources: [service.yaml]\n"})
        git(root, "switch", "--quiet", "main")
        edit(root, "argocd/prod/web.yaml", "path: applications/web/charts/web", "path: environments/prod/web")
        written = (root / "argocd/prod/web.yaml").read_text()
        head, _, tail = written.partition("    helm:\n")
        (root / "argocd/prod/web.yaml").write_text(head + tail[tail.index("  destination:") :])
        (found,) = lost(argosy, root)
        assert found.startswith("The branch “prod” has environments/prod/web/kustomization.yaml, so it is rendered")
