"""`argosy update`, over three changes of the template: a file moves, files that users edit change, a file goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, CiHost, Format, RevisionStyle
from argosy.template import creation, rendering
from argosy.template import versions as template
from tests import shared
from tests.changing import commit, edit, files, git, model, state
from tests.conftest import Argosy
from tests.hosting.server import Server, playing
from tests.promoting import clone, may_ask, message, say_host, with_remote
from tests.promoting import text as read

CHART = "applications/web/charts/web/templates"
APPLICATION = "argocd/prod/web.yaml"
PIECE = "[% yield each from charts %][[ each.folder ]][% endyield %]"
MOVES = """
_moves:
  - from: applications/{application}/charts/{application}/templates/extra-manifests.yaml
    to: applications/{application}/charts/{application}/templates/config/map.yaml
  - from: environments/{environment}/{application}/values.yaml
    to: environments/{environment}/{application}/helm/values.yaml
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of the template with four versions."""
    root = tmp_path_factory.mktemp("history")
    source = Path(template.__file__).parents[3]
    shutil.copy(source / "copier.yml", root)
    shutil.copytree(source / "templates", root / "templates")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, message="First")
    _move(root)
    commit(root, message="A file moves")
    [application] = root.glob("templates/argocd/*/*app.name*")
    _replace(application, "selfHeal: true\n", "selfHeal: true\n      allowEmpty: false\n")
    _replace(application, "  syncPolicy:\n", "  revisionHistoryLimit: 5\n  syncPolicy:\n")
    _replace(root / "templates/README.md.jinja", "## Daily jobs", "## Every day")
    commit(root, message="Files that users edit change")
    (root / "templates/[[ renovate_file ]].jinja").unlink()
    (root / "templates/.gitignore").unlink()
    (root / "templates/NEW.md").write_text("New.\n")
    commit(root, message="A file goes, and one comes")
    return root


def _move(root: Path) -> None:
    (root / "copier.yml").write_text((root / "copier.yml").read_text() + MOVES)
    chart = root / "templates" / PIECE / "templates"
    (chart / "config").mkdir()
    (chart / "[[ extra_template ]]").rename(chart / "config/map.yaml")
    _replace(chart / "config/map.yaml", "kind: ConfigMap\n", "kind: ConfigMap\n# Moved here.\n")
    [values] = root.glob("templates/environments/*/*helm_applications*/values.yaml.jinja")
    (values.parent / "helm").mkdir()
    values.rename(values.parent / "helm/values.yaml.jinja")
    [application] = root.glob("templates/argocd/*/*app.name*")
    _replace(application, "[[ app.name ]]/values.yaml", "[[ app.name ]]/helm/values.yaml")
    [applications] = root.glob("templates/argocd/*applicationset_file*")
    _replace(applications, "app.path.path }}/values.yaml", "app.path.path }}/helm/values.yaml")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def versions(history: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """Return the template's versions, oldest first, which are all that argosy knows in the test."""
    monkeypatch.setattr(template, "_CHECKOUT", history)
    template.current.cache_clear()
    yield tuple(reversed(template.versions()))
    template.current.cache_clear()


def create(
    root: Path,
    version: str,
    style: ArgocdStyle = ArgocdStyle.APPLICATIONS,
    revision: RevisionStyle = RevisionStyle.TRUNK,
) -> Path:
    def make(place: Path) -> None:
        with template.checkout(version) as known:
            tree = rendering.render(model(form=Format.HELM, argocd=style, revision=revision), template=known)
        creation.create(place, tree, branch="main")

    return shared.repository(f"{style}, {revision} of the version {version}", make, root)


@pytest.fixture
def repository(versions: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository of the first version, which is where one is."""
    root = create(tmp_path / "gitops", versions[0])
    monkeypatch.chdir(root)
    return root


def kinds(argosy: Argosy, *arguments: str) -> dict[str, str]:
    told = json.loads(argosy("update", "--output", "json", *arguments).out)
    return {each["path"]: each["kind"] for each in told["files"]}


def test_check(argosy: Argosy, repository: Path, versions: tuple[str, ...]) -> None:
    before = state(repository)
    result = argosy("update", "--check")
    assert result.code == 1
    assert result.out == f"There is a newer template: {versions[-1]}. This repository has {versions[0]}.\n"
    assert json.loads(argosy("update", "--check", "--output", "json").out)["newer"] is True
    assert state(repository) == before
    assert argosy("update", "--commit", "--quiet", "--no-validate").code == 0
    assert argosy("update", "--check").code == 0
    after = state(repository)
    assert argosy("update", "--commit").code == 0
    assert state(repository) == after


@pytest.mark.parametrize("style", list(ArgocdStyle))
def test_a_repository_that_nobody_edited_is_as_new(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: tuple[str, ...], style: ArgocdStyle
) -> None:
    wanted = files(create(tmp_path / "new", versions[-1], style))
    olds = versions[:-1] if style is ArgocdStyle.APPLICATIONS else versions[:1]
    for number, version in enumerate(olds):
        root = create(tmp_path / f"gitops-{number}", version, style)
        monkeypatch.chdir(root)
        assert argosy("update", "--quiet", "--no-validate").code == 0
        assert files(root) == wanted
    assert "deleted" not in {status[:1] for status in git(root, "status", "--porcelain").splitlines()}


def test_every_edit_survives(argosy: Argosy, repository: Path, versions: tuple[str, ...]) -> None:
    edit(repository, f"{CHART}/extra-manifests.yaml", "apiVersion: v1", "apiVersion: v1  # our map")
    edit(repository, "environments/prod/web/values.yaml", "replicaCount: 3", "replicaCount: 9  # our count")
    edit(repository, "README.md", "# gitops\n", "# Our gitops\n")
    edit(repository, APPLICATION, "  project: ", "  # our project\n  project: ")
    edit(repository, "CODEOWNERS", "# Who reviews", "# Our reviewers: who reviews")
    commit(repository, {".gitattributes": None, f"{CHART}/own.yaml": "{{- /* ours */ -}}\n"})
    found = kinds(argosy, "--dry-run")
    assert found[f"{CHART}/extra-manifests.yaml"] == "deleted"
    assert found[f"{CHART}/config/map.yaml"] == "moved"
    assert found["environments/prod/web/helm/values.yaml"] == "moved"
    assert (found["README.md"], found[APPLICATION]) == ("merged", "merged")
    assert (found["renovate.json"], found["NEW.md"]) == ("deleted", "new")
    assert found["argocd/dev/web.yaml"] == "changed"

    dry = argosy("update", "--dry-run")
    assert argosy("update", "--no-validate").code == 0
    assert git(repository, "diff", "--staged", "--no-renames") == dry.out
    moved = Path(f"{CHART}/config/map.yaml").read_text()
    assert "# our map" in moved
    assert "# Moved here." in moved
    values = "environments/prod/web/helm/values.yaml"
    assert "# our count" in Path(values).read_text()
    assert not Path("environments/prod/web/values.yaml").exists()
    application = Path(APPLICATION).read_text()
    assert "# our project" in application
    assert values in application
    assert "allowEmpty: false" in application
    readme = Path("README.md").read_text()
    assert "# Our gitops" in readme
    assert "## Every day" in readme
    assert "# Our reviewers" in Path("CODEOWNERS").read_text()
    assert Path(f"{CHART}/own.yaml").exists()
    assert not Path(".gitattributes").exists()
    assert yaml.safe_load(Path(".copier-answers.yml").read_text())["_commit"] == versions[-1]


def test_of_the_shared_chart_the_newest_version_alone_is_updated(
    argosy: Argosy, repository: Path, versions: tuple[str, ...]
) -> None:
    assert argosy("convert", "web", "--chart", "shared", "--commit", "--no-validate").code == 0
    assert argosy("add", "chart", "2.0.0", "--commit", "--no-validate").code == 0
    edit(repository, "charts/app/2.0.0/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 7")
    commit(repository)
    before = git(repository, "rev-parse", "HEAD:charts/app/1.0.0")
    result = argosy("update", "--commit")
    assert result.code == 0, result.err
    assert "# Moved here.\n" in Path("charts/app/2.0.0/templates/config/map.yaml").read_text()
    assert "revisionHistoryLimit: 7" in Path("charts/app/2.0.0/values.yaml").read_text()
    assert git(repository, "rev-parse", "HEAD:charts/app/1.0.0") == before
    assert "path: charts/app/1.0.0\n" in Path(APPLICATION).read_text()


def test_what_both_changed_conflicts_and_can_be_taken_back(argosy: Argosy, repository: Path) -> None:
    edit(repository, f"{CHART}/extra-manifests.yaml", "kind: ConfigMap\n", "kind: ConfigMap\n# Ours.\n")
    edit(repository, "renovate.json", "{\n", '{\n  "ours": true,\n')
    edit(repository, APPLICATION, "selfHeal: true", "selfHeal: false")
    commit(repository)
    before = state(repository)
    result = argosy("update", "--commit")
    assert result.code == 3
    for path in (f"{CHART}/config/map.yaml", "renovate.json  (edited here, and gone from the template)", APPLICATION):
        assert f"\n  {path}\n" in result.err
    status = git(repository, "status", "--porcelain")
    assert "UD renovate.json\n" in status
    assert f"UU {CHART}/config/map.yaml\n" in status
    assert "<<<<<<< yours\n# Ours.\n" in Path(f"{CHART}/config/map.yaml").read_text()
    assert '"ours": true' in Path("renovate.json").read_text()
    assert argosy("abort").code == 0
    assert state(repository) == before


def test_deleted_by_hand_stays_deleted(argosy: Argosy, repository: Path) -> None:
    gone = (APPLICATION, f"{CHART}/extra-manifests.yaml", "renovate.json", "environments/dev/web/values.yaml")
    commit(repository, dict.fromkeys(gone))
    assert kinds(argosy, "--dry-run")[APPLICATION] == "kept deleted"
    assert argosy("update", "--no-validate").code == 0
    for path in (*gone, f"{CHART}/config/map.yaml", "environments/dev/web/helm/values.yaml"):
        assert not Path(path).exists()


def test_moved_by_hand_already(argosy: Argosy, repository: Path) -> None:
    edit(repository, f"{CHART}/extra-manifests.yaml", "apiVersion: v1", "apiVersion: v1  # our map")
    (repository / CHART / "config").mkdir()
    git(repository, "mv", f"{CHART}/extra-manifests.yaml", f"{CHART}/config/map.yaml")
    commit(repository)
    assert kinds(argosy, "--no-validate")[f"{CHART}/config/map.yaml"] == "merged"
    assert "# our map" in Path(f"{CHART}/config/map.yaml").read_text()


def test_a_file_of_the_users_at_the_new_place(argosy: Argosy, repository: Path) -> None:
    commit(repository, {f"{CHART}/config/map.yaml": "ours: true\n", "NEW.md": "Ours.\n"})
    result = argosy("update")
    assert result.code == 3
    for path, line in ((f"{CHART}/config/map.yaml", "ours: true"), ("NEW.md", "Ours.")):
        assert f"\n  {path}\n" in result.err
        assert line in Path(path).read_text()


def test_a_certain_version_and_back(argosy: Argosy, repository: Path, versions: tuple[str, ...]) -> None:
    before = files(repository)
    assert argosy("update", "--to", versions[2][:10], "--no-validate").code == 0
    assert yaml.safe_load(Path(".copier-answers.yml").read_text())["_commit"] == versions[2]
    commit(repository)
    assert argosy("update", "--to", versions[0], "--no-validate").code == 0
    assert files(repository) == before


@pytest.mark.parametrize("arguments", [("--to", "0" * 40), ("--to", "0123456")])
def test_unknown_version(argosy: Argosy, repository: Path, arguments: tuple[str, ...]) -> None:
    result = argosy("update", *arguments)
    assert result.code == 1
    assert "does not know the template's version" in result.err


def test_answers_that_were_edited(argosy: Argosy, repository: Path, versions: tuple[str, ...]) -> None:
    edit(repository, ".copier-answers.yml", "repo_url: ", "# ours\nrepo_url: ")
    commit(repository)
    assert argosy("update", "--commit", "--no-validate").code == 0
    assert "# ours\n" in Path(".copier-answers.yml").read_text()
    edit(repository, ".copier-answers.yml", f"_commit: {versions[-1]}", f"_commit: {'f' * 40}")
    commit(repository)
    before = state(repository)
    for command in (("update",), ("update", "--check"), ("add", "app", "shop"), ("status", "--files")):
        result = argosy(*command)
        assert result.code == (2 if {"--check", "--files"} & {*command} else 1)
        assert "does not know the template's version" in result.err
    assert state(repository) == before


def test_it_says_what_it_leaves(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: Path, versions: tuple[str, ...]
) -> None:
    """Seeded files that the template writes in another way now."""
    root = tmp_path / "gitops"
    with template.checkout(versions[-1]) as known:
        made = model(form=Format.HELM, revision=RevisionStyle.BRANCH)
        creation.create(root, rendering.render(made, template=known), branch="main", branches=("dev", "prod"))
    monkeypatch.chdir(root)
    changed = tmp_path / "changed"
    shutil.copytree(history, changed)
    [values] = changed.glob("templates/environments/*/*helm_applications*/helm/values.yaml.jinja")
    values.write_text(values.read_text() + "# New.\n")
    commit(changed)
    monkeypatch.setattr(template, "_CHECKOUT", changed)
    template.current.cache_clear()
    result = argosy("update", "--commit", "--no-validate")
    assert result.code == 0
    listed = "".join(f"  environments/{name}/web/helm/values.yaml\n" for name in ("dev", "prod"))
    assert f"Files of yours that stay, although this template writes them in another way:\n{listed}" in result.err
    assert argosy("update", "--check").code == 0


@pytest.mark.parametrize("style", list(ArgocdStyle))
def test_environments_with_branches_of_their_own(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: tuple[str, ...], style: ArgocdStyle
) -> None:
    root = create(tmp_path / "gitops", versions[0], style, RevisionStyle.BRANCH)
    monkeypatch.chdir(root)
    git(root, "branch", "dev")
    git(root, "switch", "--quiet", "--create", "prod")
    edit(root, "environments/prod/web/values.yaml", "1.29.3-alpine", "1.30.0")
    edit(root, "README.md", "# gitops\n", "# Our gitops\n")
    commit(root, {".gitignore": "extends: relaxed\n"})
    git(root, "switch", "--quiet", "main")
    bare = with_remote(root)
    before = state(root), git(root, "for-each-ref")
    conflicting = argosy("update", "--commit", "--no-validate")
    assert (conflicting.code, state(root), git(root, "for-each-ref")) == (3, *before)
    assert "On prod, these files have edits that conflict with this change:\n  .gitignore" in conflicting.err
    git(root, "switch", "--quiet", "prod")
    commit(root, {".gitignore": git(root, "show", "main:.gitignore")})
    git(root, "switch", "--quiet", "main")
    git(root, "push", "--quiet", "origin", "prod")
    if style is ArgocdStyle.APPLICATIONS:
        refused = argosy("update")
        assert (refused.code, "Say --commit: it commits on dev, prod and main" in refused.err) == (1, True)
    result = argosy("update", "--commit")
    assert result.code == 0, result.err
    pushes = [line.split()[1:] for line in result.err.splitlines() if line.startswith("  git push ")]
    places = [[each.rpartition("refs/heads/")[2] for each in words[2:]] for words in pushes]
    assert places == [["dev", "prod"], ["main"], ["dev", "prod"]]
    for words in pushes:
        git(root, *words)
        reading = "argocd/prod/web.yaml" if style is ArgocdStyle.APPLICATIONS else "argocd/applicationset.yaml"
        folder = "web/helm" if "/helm/values.yaml" in read(bare, reading, "main") else "web"
        assert "1.30.0" in read(bare, f"environments/prod/{folder}/values.yaml", "prod")
    assert read(bare, "README.md", "prod").startswith("# Our gitops\n")
    assert "## Every day" in read(bare, "README.md", "prod")
    assert git(bare, "ls-tree", "--name-only", "prod", "environments/prod/web/values.yaml") == ""
    assert (argosy("update", "--check").code, git(root, "status", "--porcelain")) == (0, "")
    assert argosy("update", "--commit").err == "Nothing to change.\n"


def test_other_commands_keep_the_version(argosy: Argosy, repository: Path, versions: tuple[str, ...]) -> None:
    assert argosy("add", "app", "shop", "--commit", "--no-validate").code == 0
    assert Path("applications/shop/charts/shop/templates/extra-manifests.yaml").is_file()
    assert argosy("update", "--commit", "--no-validate").code == 0
    assert Path("applications/shop/charts/shop/templates/config/map.yaml").is_file()
    assert yaml.safe_load(Path(".copier-answers.yml").read_text())["_commit"] == versions[-1]


class TestPullRequest:
    """An update on a branch of its own, and the pull request for it."""

    BRANCH = "argosy/update-main"

    @pytest.fixture
    def bare(self, repository: Path) -> Path:
        """Return what the repository's remote is."""
        edit(repository, "README.md", "# gitops\n", "# Our gitops\n")
        say_host(repository, "github")  # Of test_delivery.py, each host in turn, by the same way there.
        commit(repository)
        return with_remote(repository)

    @pytest.fixture
    def server(self, bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
        assert git(bare, "branch", "--list", "main")
        with playing("github", "acme/gitops") as server:
            may_ask(server, monkeypatch)
            yield server

    def test_opened_and_updated(
        self, argosy: Argosy, repository: Path, bare: Path, server: Server, versions: tuple[str, ...]
    ) -> None:
        before = state(repository)
        first = argosy("update", "--pull-request", "--no-validate")
        pushed = git(bare, "rev-parse", self.BRANCH)
        again = argosy("update", "--pull-request", "--no-validate")
        assert (first.code, again.code) == (0, 0), first.err
        assert "Opened:" in first.err
        assert "Updated:" in again.err
        [made] = server.pull_requests
        assert (made.branch, made.base, made.title) == (
            self.BRANCH,
            "main",
            f"Update the template to {versions[-1][:12]}",
        )
        trailer = f"Argosy-Update: {versions[0]} -> {versions[-1]}"
        assert made.body.endswith(f"\n\n{trailer}\n") or made.body.endswith(f"\n\n{trailer}")
        assert message(bare, self.BRANCH).splitlines() == [made.title, "", trailer]
        assert "\n| `README.md` | merged with your edits: review these first |\n" in made.body
        assert "\n| `.gitignore` | deleted |\n" in made.body
        assert "web-prod" in made.body
        # What is pushed is one commit, the same the second time; the work tree knows nothing of it.
        assert git(bare, "rev-list", "--count", f"main..{self.BRANCH}").strip() == "1"
        assert git(bare, "rev-parse", self.BRANCH) == pushed
        assert read(bare, "README.md", self.BRANCH).startswith("# Our gitops\n")
        assert "## Every day" in read(bare, "README.md", self.BRANCH)
        assert state(repository) == before

    @pytest.mark.usefixtures("server")
    def test_it_is_what_an_update_in_place_makes(self, argosy: Argosy, repository: Path) -> None:
        assert argosy("update", "--pull-request").code == 0
        assert argosy("update", "--commit", "--no-validate").code == 0
        tree = git(repository, "rev-parse", "HEAD^{tree}")
        assert git(repository, "rev-parse", f"origin/{self.BRANCH}^{{tree}}") == tree

    def test_a_later_version_takes_the_place_of_an_earlier_one(
        self, argosy: Argosy, repository: Path, bare: Path, server: Server, versions: tuple[str, ...]
    ) -> None:
        assert argosy("update", "--pull-request", "--to", versions[1], "--no-validate").code == 0
        commit(repository, {"ours.md": "Meanwhile.\n"})
        git(repository, "push", "--quiet", "origin", "main")
        assert argosy("update", "--pull-request").code == 0
        [made] = server.pull_requests
        assert versions[-1][:12] in made.title
        assert versions[1] not in made.body
        assert git(bare, "log", "--format=%s", f"main..{self.BRANCH}").splitlines() == [made.title]
        assert read(bare, "ours.md", self.BRANCH) == "Meanwhile.\n"

    def test_nothing_is_left_once_it_is_merged(self, argosy: Argosy, repository: Path, server: Server) -> None:
        assert argosy("update", "--pull-request", "--no-validate").code == 0
        git(repository, "merge", "--quiet", f"origin/{self.BRANCH}")
        git(repository, "push", "--quiet", "origin", "main")
        asked = len(server.requests)
        result = argosy("update", "--pull-request")
        assert result.code == 0
        assert "Nothing to change" in result.err
        assert len(server.requests) == asked

    def test_a_conflict_is_refused(self, argosy: Argosy, repository: Path, bare: Path, server: Server) -> None:
        edit(repository, APPLICATION, "selfHeal: true", "selfHeal: false")
        commit(repository)
        git(repository, "push", "--quiet", "origin", "main")
        before = state(repository)
        result = argosy("update", "--pull-request", "--output", "json")
        assert result.code == 3
        assert json.loads(result.out)["conflicts"] == [APPLICATION]
        assert f"\n  {APPLICATION}\n" in result.err
        assert "Run argosy update --output json without --pull-request" in result.err
        assert git(bare, "branch", "--list", self.BRANCH) == ""
        assert (state(repository), server.requests) == (before, [])

    @pytest.mark.usefixtures("server")
    def test_what_is_not_valid_is_not_pushed(self, argosy: Argosy, repository: Path, bare: Path) -> None:
        edit(repository, "environments/prod/web/values.yaml", "replicaCount: 3", "replicaCount: many")
        commit(repository)
        git(repository, "push", "--quiet", "origin", "main")
        result = argosy("update", "--pull-request")
        assert result.code == 1
        assert "environments/prod/web/" in result.err
        assert "Nothing was written" in result.err
        assert git(bare, "branch", "--list", self.BRANCH) == ""
        assert argosy("update", "--pull-request", "--no-validate").code == 0

    def test_commits_of_others_are_kept(self, argosy: Argosy, bare: Path, server: Server, tmp_path: Path) -> None:
        assert argosy("update", "--pull-request", "--no-validate").code == 0
        other = clone(bare, tmp_path / "other")
        git(other, "switch", "--quiet", self.BRANCH)
        commit(other, {"theirs.md": "Mine.\n"})
        git(other, "push", "--quiet")
        result = argosy("update", "--pull-request")
        assert result.code == 1
        assert "has commits that are not part of this update" in result.err
        assert read(bare, "theirs.md", self.BRANCH) == "Mine.\n"
        assert argosy("update", "--pull-request", "--branch=second", "--no-validate").code == 0
        assert [each.branch for each in server.pull_requests] == [self.BRANCH, "second"]

    def test_it_starts_from_what_is_pushed(self, argosy: Argosy, repository: Path, server: Server) -> None:
        readme = (repository / "README.md").read_text()
        (repository / "README.md").write_text(readme + "More.\n")
        assert "have uncommitted changes:\n  README.md\n" in argosy("update", "--pull-request").err
        commit(repository)
        result = argosy("update", "--pull-request")
        assert result.code == 1
        assert "main has commits that origin has not" in result.err
        git(repository, "switch", "--quiet", "--detach")
        assert "No branch is checked out" in argosy("update", "--pull-request").err
        assert server.pull_requests == []

    def test_a_branch_of_this_clone(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        result = argosy("update", "--branch", "--output", "json", "-m", "Catch up")
        assert result.code == 0
        told = json.loads(result.out)
        assert told["branch"] == self.BRANCH
        assert told["commit"] == git(repository, "rev-parse", self.BRANCH).strip()
        assert (told["committed"], told["valid"]) == (True, True)
        assert message(repository, self.BRANCH).startswith("Catch up\n\nArgosy-Update: ")
        assert state(repository)[0] == before[0]
        assert argosy("update", "--branch", "--commit").code == 2

    def test_without_a_token_it_says_where_to_open_it(
        self, argosy: Argosy, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ARGOSY_TOKEN")
        result = argosy("update", "--pull-request", "--no-validate")
        assert result.code == 0
        assert result.out.startswith(f"https://git.example.com/acme/gitops/compare/main...{self.BRANCH}")
        assert server.requests == []

    @pytest.mark.usefixtures("server")
    def test_a_dry_run(self, argosy: Argosy, repository: Path) -> None:
        result = argosy("update", "--pull-request", "--dry-run")
        assert result.code == 0
        assert "## Every day" in result.out
        assert git(repository, "branch", "--remotes", "--list", f"*/{self.BRANCH}") == ""


def test_a_larger_template_gives_way(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nine runbooks and charts of many files: what nobody edited goes, and what somebody did is a conflict."""
    root, page, ingress = tmp_path / "gitops", "docs/runbooks/roll-back.md", f"{CHART}/ingress.yaml"
    with template.checkouts() as found:
        known = next(each for each in found if (each.root / f"templates/{page}.jinja").exists())
        creation.create(root, rendering.render(model(form=Format.HELM), template=known), branch="main")
    monkeypatch.chdir(root)
    budget = f"{CHART}/pdb.yaml"
    commit(root, {budget: None})
    told = argosy("update", "--check").out
    assert "\n  - Pods run as user 65532, and no longer as 10001: " in told
    assert json.loads(argosy("update", "--check", "--output", "json").out)["notes"][0].startswith(
        "Pods run as user 65532"
    )
    values, pristine = "environments/dev/web/values.yaml", {path: Path(path).read_bytes() for path in (page, ingress)}
    monitored = read(root, values) + "serviceMonitor: {enabled: true}\n"
    commit(root, {values: monitored, **{path: b"{{/* Ours. */}}\n" + text for path, text in pristine.items()}})
    result = argosy("update")
    assert result.code == 3
    assert all(f"  {path}  (edited here, and gone from the template)\n" in result.err for path in pristine)
    assert all(Path(path).read_bytes().startswith(b"{{/* Ours. */}}") for path in pristine)
    assert argosy("abort").code == 0
    commit(root, {**pristine})
    result = argosy("update", "--commit")
    assert result.code == 0, result.out + result.err
    assert "What to know of this template:\n  - Pods run as user 65532" in result.err
    returned = f"{budget} was deleted here, and this template has its PodDisruptionBudget in {CHART}/hpa.yaml: "
    assert f"\n  - {returned}" in result.err
    assert "What to know" not in argosy("update").err
    assert [
        path for path in (*pristine, ".editorconfig", f"{CHART}/tests/test-connection.yaml") if Path(path).exists()
    ] == []
    assert "\n## A release is bad\n" in read(root, "docs/runbooks/README.md")
    assert len(yaml.safe_load(read(root, ".copier-answers.yml"))["chart_extras"]) == 4
    assert read(root, values) == monitored
    assert "kind: ServiceMonitor\n" in argosy("render", "web", "dev").out
    assert argosy("validate", "--quiet").code == 0


def test_a_new_question_takes_its_default(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history, root = tmp_path / "history", tmp_path / "gitops"
    source = Path(template.__file__).parents[3]
    shutil.copytree(source / "templates", history / "templates")
    newest = (source / "copier.yml").read_text()
    question = newest[newest.index("follow_up:") : newest.index("format:\n")]
    git(history, "init", "--quiet", "--initial-branch=main")
    path = "templates/[[ gitlab_file ]].jinja"
    pipeline = (history / path).read_text()
    older = pipeline.replace(
        "[% if not image %]\n    - |\n      [[ install | indent(6) ]]\n[% endif %]\n",
        '    - python -m pip install "argosy~=0.1.0"\n',
    )
    assert older != pipeline
    for text, jobs in ((newest.replace(question, ""), older), (newest, pipeline)):
        commit(history, {"copier.yml": text, path: jobs})
    monkeypatch.setattr(template, "_CHECKOUT", history)
    template.current.cache_clear()
    with template.checkout(template.versions()[-1]) as known:
        creation.create(root, rendering.render(model(ci=CiHost.GITLAB), template=known), branch="main")
    assert "follow_up" not in (root / ".copier-answers.yml").read_text()
    edit(root, ".gitlab-ci.yml", "timeout: 15 minutes", "timeout: 25 minutes")
    commit(root)
    monkeypatch.chdir(root)
    result = argosy("update", "--commit")
    template.current.cache_clear()
    assert result.code == 0
    assert "CI's jobs fail until they know which argosy to install: argosy set repository argosyInstall=" in result.err
    updated = (root / ".gitlab-ci.yml").read_text()
    assert ("pip install" in updated, "timeout: 25 minutes" in updated) == (False, True)
    assert "\nfollow_up: false\n" in (root / ".copier-answers.yml").read_text()
