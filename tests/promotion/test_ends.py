"""Where environments are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import ArgosyError, UsageError
from argosy.promotion import ends
from argosy.promotion.ends import Places
from argosy.repository.model import RevisionStyle
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.promoting import NEW, OLD, clone, path, start, with_remote


def repository(folder: Path, revision: RevisionStyle = RevisionStyle.TRUNK) -> Path:
    root = create(folder, model(("api", "web"), ("dev", "qa", "prod"), revision=revision))
    if revision is RevisionStyle.BRANCH:
        for name in ("dev", "qa", "prod"):
            git(root, "branch", name)
    return root


def tip(root: Path, revision: str = "HEAD") -> str:
    return git(root, "rev-parse", revision).strip()


def test_a_trunk(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    git(root, "switch", "--quiet", "--create", "feature")
    commit(root)
    found = Places.of(root).ends("dev", "prod")
    assert (found.source, found.base, found.own_branch) == (found.target, "main", False)
    assert found.target.commit == tip(root, "feature")
    assert Places.of(root).end("prod").base == "main"


def test_a_branch_for_each(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops", RevisionStyle.BRANCH)
    git(root, "switch", "--quiet", "dev")
    commit(root)
    found = Places.of(root).ends("dev", "prod")
    assert (found.source.commit, found.target.commit) == (tip(root, "dev"), tip(root, "prod"))
    assert (found.start, found.base, found.own_branch) == ("dev", "prod", True)
    assert (Places.of(root).end("qa").base, Places.of(root).end("qa").own_branch) == ("qa", True)


def test_a_tag_is_no_branch(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    edit(root, "environments/prod/environment.yaml", 'revision: "main"', 'revision: "v1"')
    commit(root)
    with pytest.raises(ArgosyError, match="no branch v1 here"):
        Places.of(root).ends("qa", "prod")
    git(root, "tag", "v1")
    git(root, "branch", "v1-fixes")
    git(root, "branch", "fixes/v1")
    found = Places.of(root).ends("qa", "prod")
    assert (found.own_branch, found.base) == (False, "main")


def test_the_head_is_no_branch(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    for name in ("dev", "qa", "prod"):
        edit(root, f"environments/{name}/environment.yaml", 'revision: "main"', 'revision: "HEAD"')
    commit(root)
    bare = with_remote(root)
    other = clone(bare, tmp_path / "other")
    found = Places.of(other, "origin").ends("dev", "prod")
    assert (found.base, found.target.commit) == ("main", tip(root))


def test_a_remote_counts(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops", RevisionStyle.BRANCH)
    bare = with_remote(root)
    other = clone(bare, tmp_path / "other")
    git(other, "switch", "--quiet", "prod")
    commit(other)
    git(other, "push", "--quiet")
    assert Places.of(root).ends("qa", "prod").target.commit != tip(other)
    assert Places.of(root, "origin").ends("qa", "prod").target.commit == tip(other)


def test_what_was_fetched_counts_where_nobody_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy
) -> None:
    root = start(tmp_path / "gitops", environments=("dev", "prod"), revision=RevisionStyle.BRANCH)
    bare = with_remote(root)
    other = clone(bare, tmp_path / "other")
    git(other, "switch", "--quiet", "dev")
    edit(other, path("dev"), OLD, NEW)
    commit(other)
    git(other, "switch", "--quiet", "prod")
    monkeypatch.chdir(other)
    assert argosy("promote", "web", "--to", "prod", "--commit", "--yes").code == 0
    git(other, "push", "--quiet", "--all")
    monkeypatch.chdir(root)
    assert argosy("history", "web").err.startswith("web was not promoted yet")
    git(root, "fetch", "--quiet")
    said = "prod is 1 commit behind origin/prod, which is read instead. To follow it: git fetch . origin/prod:prod"
    found = argosy("history", "web")
    assert (found.out.count("promotion"), said in found.err) == (1, True)
    status = argosy("status")
    assert (status.out.count(NEW), said in status.out) == (2, True)
    promoted = argosy("promote", "web", "--to", "prod", "--dry-run")
    assert (promoted.code, "Nothing to promote" in promoted.err, said in promoted.err) == (0, True, True)
    # What is only here is not read over by what is there.
    git(root, "switch", "--quiet", "dev")
    git(root, "merge", "--quiet", "origin/dev")
    edit(root, path("dev"), NEW, "1.29.5-alpine")
    commit(root)
    git(root, "switch", "--quiet", "prod")
    stale = argosy("promote", "web", "--to", "prod", "--commit", "--yes")
    assert (stale.code, "prod is behind the remote's prod" in stale.err) == (1, True)
    edit(root, "README.md", "#", "# Our")
    commit(root)
    assert "prod and origin/prod have diverged, and prod is read" in argosy("history", "web").err
    git(root, "pull", "--quiet", "--rebase")
    done = argosy("promote", "web", "--to", "prod", "--commit", "--yes")
    assert (done.code, "behind" in done.err, "diverged" in done.err) == (0, False, False)


def test_applications(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    git(root, "rm", "-r", "--quiet", "environments/prod/api")
    (root / "environments/qa/notes").mkdir()
    commit(root, {"environments/qa/notes/a.txt": "No application\n"})
    places = Places.of(root)
    found = places.ends("qa", "prod")
    assert ends.applications(places, found, "qa", "prod", []) == (["web"], ["api"])
    assert ends.applications(places, found, "qa", "prod", ["web", "web"]) == (["web"], [])
    assert ends.applications(places, found, "qa", "prod", ["web", "api"]) == (["web"], ["api"])
    assert places.history.state(found.source).deployed("qa") == ["api", "web"]
    with pytest.raises(UsageError, match="api is not deployed to prod") as raised:
        ends.applications(places, found, "prod", "qa", ["api"])
    assert "argosy promote api --to prod brings it there" in raised.value.hint
    # Nothing is promoted to the first one.
    git(root, "rm", "-r", "--quiet", "environments/dev/api")
    commit(root)
    places = Places.of(root)
    with pytest.raises(UsageError, match="api is not deployed to dev") as raised:
        ends.applications(places, places.ends("dev", "qa"), "dev", "qa", ["api"])
    assert raised.value.hint.startswith("To deploy it there, copy its folder as environments/dev/api, run argosy apply")


def test_an_unknown_application_is_looked_up_among_all(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    with pytest.raises(UsageError) as caught:
        Places.of(root, applications=["wbe"])
    assert "“web”" in caught.value.hint


def test_followers(tmp_path: Path) -> None:
    root = repository(tmp_path / "gitops")
    since = tip(root)
    commit(root, message="1\n\nArgosy-Promotion: web dev -> qa")
    commit(root, message="2\n\nArgosy-Promotion: api dev -> qa\nArgosy-Promotion: gone dev -> qa")
    commit(root, message="3\n\nArgosy-Promotion: api qa -> prod")
    assert ends.followers(Places.of(root), since) == [(["api", "web"], "qa", "prod")]
    commit(root, message=f"4\n\nArgosy-Rollback: api qa {since}")
    assert ends.followers(Places.of(root), since) == [(["web"], "qa", "prod")]
    assert ends.followers(Places.of(root), "HEAD") == []
    assert ends.followers(Places.of(root), "0" * 40) == []
    with pytest.raises(UsageError, match="no commit “abcdef1”"):
        ends.followers(Places.of(root), "abcdef1")
