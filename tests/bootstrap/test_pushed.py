"""Whether Argo CD will find what it is to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.bootstrap import pushed, roots
from argosy.bootstrap.finding import Finding, Level
from argosy.repository import store
from argosy.repository.model import RevisionStyle
from tests.bootstrap.apiserver import ApiServer
from tests.bootstrap.site import Site, lay_out
from tests.changing import commit, git, model


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site whose cluster nobody asks."""
    return lay_out(tmp_path, ApiServer())


def findings(site: Site) -> list[Finding]:
    return pushed.check(site.root, roots.of(site.root, store.load(site.root).repository, None))[0]


def redirected(site: Site, url: str) -> None:
    for path in (site.root / ".copier-answers.yml", *(site.root / "argocd").rglob("*.yaml")):
        path.write_text(path.read_text().replace(site.url, url))
    commit(site.root)


def test_all_is_pushed(site: Site) -> None:
    assert findings(site) == [Finding(Level.OK, f"{site.url} has main as it is locally.")]


def test_a_clone_that_is_behind(site: Site, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "main", site.url, "other")
    commit(tmp_path / "other", {"new.md": "new\n"})
    git(tmp_path / "other", "push", "--quiet")
    (found,) = findings(site)
    assert (found.level, found.hint) == (Level.WARNING, "Run git fetch and review them.")
    git(site.root, "fetch", "--quiet")
    (found,) = findings(site)
    assert found.message == "“main” is 1 commit behind the remote: Argo CD will read the remote's."


def test_a_folder_that_is_not_pushed(site: Site) -> None:
    git(site.root, "checkout", "--quiet", "-b", "aside")
    git(site.root, "rm", "--quiet", "-r", "argocd")
    commit(site.root)
    git(site.root, "push", "--quiet", "--force", "origin", "aside:main")
    git(site.root, "checkout", "--quiet", "main")
    lost = [each for each in findings(site) if each.level is Level.ERROR]
    assert [each.message for each in lost] == [f"{site.url} has no argocd at “main”, which Argo CD would read."]


def test_the_branch_of_an_environment(tmp_path: Path) -> None:
    site = lay_out(tmp_path, ApiServer(), model(revision=RevisionStyle.BRANCH))
    git(site.root, "push", "--quiet", "origin", "main:dev")
    (found,) = [each for each in findings(site) if each.level is Level.ERROR]
    assert found.message == f"{site.url} has no “prod”, which Argo CD would read."


def test_another_branch_is_checked_out(site: Site) -> None:
    git(site.root, "switch", "--quiet", "--create", "feature")
    assert [each.hint for each in findings(site) if each.level is Level.WARNING] == ["git switch main"]


def test_a_detached_head_is_no_branch(site: Site) -> None:
    git(site.root, "switch", "--quiet", "--detach")
    assert [each.level for each in findings(site)] == [Level.OK]


def test_a_repository_that_cannot_be_read_from_here(site: Site) -> None:
    redirected(site, "http://127.0.0.1:1/acme/gitops.git")
    (found,) = findings(site)
    assert found.level is Level.WARNING
    assert "could not be read from this machine" in found.message


def test_the_placeholder_of_the_template(site: Site) -> None:
    redirected(site, "http://127.0.0.1:1/your-org/gitops.git")
    (found,) = findings(site)
    assert (found.level, found.hint) == (Level.ERROR, "argosy set repository repoURL=URL --commit, then push.")


def test_the_same_repository_by_another_url(site: Site, git_configuration: Path) -> None:
    redirected(site, "http://127.0.0.1:1/acme/gitops.git")
    git(site.root, "push", "--quiet", "origin", "main")
    # As people have it who push with SSH what Argo CD reads with HTTPS; here, git is told where that is.
    git(site.root, "remote", "set-url", "origin", "http://127.0.0.1:1/acme/gitops")
    git_configuration.write_text(
        git_configuration.read_text() + f'[url "{site.url}"]\ninsteadOf = http://127.0.0.1:1/acme/gitops\n'
    )
    found, private = pushed.check(site.root, roots.of(site.root, store.load(site.root).repository, None))
    assert [each.level for each in found] == [Level.OK]
    assert private is True


def test_no_git_at_all(site: Site) -> None:
    (site.root / ".git").rename(site.root.parent / "kept")
    (found,) = findings(site)
    assert "is not a Git repository" in found.message
