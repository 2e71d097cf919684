"""Changes of repositories in all the states in which people keep them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.change import planning
from argosy.change.planning import Change, readdress
from argosy.git.objects import Blob
from argosy.repository.model import Format
from argosy.template import versions
from tests.changing import commit, create, edit, files, git, model, rendered, state
from tests.conftest import Argosy

ADD = ("add", "env", "qa", "--after", "dev", "--quiet", "--commit")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def refused(argosy: Argosy, root: Path, message: str, arguments: tuple[str, ...] = ADD) -> None:
    before = state(root)
    result = argosy(*arguments, "--repository", str(root))
    assert (result.code, state(root)) == (1, before)
    assert message in result.err


class TestCheckouts:
    def test_other_line_endings_in_the_work_tree(self, argosy: Argosy, repository: Path) -> None:
        commit(repository, {".gitattributes": "environments/** text\n"})
        git(repository, "config", "core.autocrlf", "true")
        git(repository, "rm", "--quiet", "-r", "--cached", ".")
        git(repository, "reset", "--quiet", "--hard")
        edit(repository, "README.md", "# gitops\r\n", "# Ours\r\n")
        commit(repository)
        assert argosy(*ADD).code == 0
        assert git(repository, "status", "--porcelain") == ""
        for path in ("README.md", "environments/qa/web/service.yaml"):
            content = (repository / path).read_bytes()
            assert content.count(b"\r\n") == content.count(b"\n") > 0
        assert b"# Ours\r\n" in (repository / "README.md").read_bytes()
        assert "\r" not in git(repository, "show", "HEAD:README.md")

    def test_other_line_endings_in_the_history(self, argosy: Argosy, repository: Path) -> None:
        readme = (repository / "README.md").read_text().replace("# gitops", "# Ours")
        commit(repository, {".gitattributes": "* -text\n", "README.md": readme.replace("\n", "\r\n")})
        assert argosy(*ADD).code == 0
        content = (repository / "README.md").read_bytes()
        assert content.count(b"\r\n") == content.count(b"\n")
        assert b"# Ours\r\n" in content
        assert b"| qa |" in content

    def test_no_newline_at_the_end(self, argosy: Argosy, repository: Path) -> None:
        for path in ("README.md", "environments/prod/environment.yaml"):
            commit(repository, {path: (repository / path).read_text().rstrip("\n") + "\n# the end"})
        assert argosy(*ADD).code == 0
        assert (repository / "README.md").read_text().endswith("# the end")

    def test_executable_bits_and_links(self, argosy: Argosy, repository: Path) -> None:
        (repository / "README.md").chmod(0o755)
        (repository / "renovate.json").rename(repository / "bot.json")
        (repository / "renovate.json").symlink_to("bot.json")
        commit(repository)
        result = argosy(*ADD)
        assert result.code == 3
        assert "\n  renovate.json\n" in result.err
        assert argosy("abort").code == 0
        commit(repository, {"renovate.json": None})
        assert argosy(*ADD).code == 0
        assert (repository / "README.md").stat().st_mode & 0o111 == 0o111

    def test_submodules(self, argosy: Argosy, repository: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        git(other, "init", "--quiet")
        commit(other, {"x": "x\n"})
        for path in ("lib", "environments/dev/web/lib"):
            git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), path)
        commit(repository)
        refused(argosy, repository, "environments/dev/web/lib is a submodule")
        refused(argosy, repository, "is a submodule", ("remove", "app", "web", "--yes"))
        assert argosy("add", "app", "shop", "--quiet", "--commit").code == 0

    def test_sparse(self, argosy: Argosy, repository: Path) -> None:
        git(repository, "sparse-checkout", "set", "environments/dev", "applications")
        refused(argosy, repository, "sparse checkout leaves out environments/prod/")
        git(repository, "sparse-checkout", "set", "environments", "applications")
        assert argosy(*ADD).code in {0, 1}
        assert git(repository, "diff", "--name-only") == ""

    def test_shallow(self, argosy: Argosy, repository: Path, tmp_path: Path) -> None:
        commit(repository)
        git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
        assert argosy(*ADD, "--repository", str(tmp_path / "shallow")).code == 0

    def test_work_trees_do_not_disturb_each_other(self, argosy: Argosy, repository: Path, tmp_path: Path) -> None:
        git(repository, "worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "other")
        tree = tmp_path / "tree"
        (tree / "renovate.json").rename(tree / "bot.json")
        (tree / "renovate.json").symlink_to("bot.json")
        commit(tree)
        before = state(tree)
        assert argosy(*ADD, "--repository", str(tree)).code == 3
        assert argosy("add", "app", "shop", "--quiet", "--commit").code == 0
        assert argosy("abort").code == 1
        assert argosy("abort", "--repository", str(tree)).code == 0
        assert state(tree) == before

    def test_other_object_ids(self, argosy: Argosy, tmp_path: Path) -> None:
        root = tmp_path / "gitops"
        root.mkdir()
        git(root, "init", "--quiet", "--object-format=sha256")
        commit(root, {path: file.content for path, file in rendered(model()).items()})
        assert argosy(*ADD, "--repository", str(root)).code == 0
        told = json.loads(argosy("status", "--files", "--output", "json", "--repository", str(root)).out)
        assert {each["state"] for each in told["files"]} == {"unchanged"}

    def test_a_detached_head_and_a_link_to_the_repository(
        self, argosy: Argosy, repository: Path, tmp_path: Path
    ) -> None:
        git(repository, "switch", "--quiet", "--detach")
        (tmp_path / "link").symlink_to(repository)
        assert argosy(*ADD, "--repository", str(tmp_path / "link")).code == 0

    def test_names_that_look_like_patterns(self, argosy: Argosy, repository: Path) -> None:
        names = (":(glob)x", "a[b]*.txt", 'q"uo\\te', "new\nline", "ünï", "back\\slash")
        commit(repository, {f"environments/dev/web/{name}": "ours\n" for name in names})
        (repository / "environments/dev/web" / "a[b]*.txt").chmod(0o755)
        commit(repository)
        assert argosy("rename", "env", "dev", "test", "--yes", "--quiet", "--commit").code == 0
        assert git(repository, "status", "--porcelain") == ""
        for name in names:
            assert (repository / "environments/test/web" / name).read_text() == "ours\n"
            assert not (repository / "environments/dev/web" / name).exists()


class TestRefusals:
    def test_in_a_larger_repository(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        outer = tmp_path / "monorepo"
        outer.mkdir()
        git(outer, "init", "--quiet")
        commit(outer, {f"gitops/{path}": file.content for path, file in rendered(model()).items()})
        monkeypatch.chdir(outer / "gitops")
        before = state(outer)
        result = argosy(*ADD)
        assert (result.code, state(outer)) == (2, before)
        assert "give it a repository of its own" in result.err
        assert not (outer / ".git/argosy").exists()

    def test_without_git(self, argosy: Argosy, tmp_path: Path) -> None:
        assert argosy("init", "bare", "--app", "", "--no-git", "--quiet").code == 0
        result = argosy(*ADD, "--repository", "bare")
        assert result.code == 1
        assert "not under Git" in result.err
        git(tmp_path / "bare", "init", "--quiet")
        assert "no commit yet" in argosy(*ADD, "--repository", "bare").err

    def test_a_repository_of_someone_else(self, argosy: Argosy, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet", "other")
        commit(tmp_path / "other", {"x": "x\n"})
        refused(argosy, tmp_path / "other", "not an argosy repository")


def test_a_seeded_file_that_is_there_is_left_alone(argosy: Argosy, repository: Path) -> None:
    """The first application with a chart needs values of its environments, which someone may have written already."""
    commit(repository, {"environments/dev/values.yaml": "ours: true\n"})
    assert argosy("add", "app", "shop", "--format", "helm", "--quiet").code in {0, 1}
    assert (repository / "environments/dev/values.yaml").read_text() == "ours: true\n"
    assert "commonLabels" in (repository / "environments/prod/values.yaml").read_text()
    git(repository, "commit", "--quiet", "--message", "Add")
    assert argosy("remove", "app", "shop", "--yes", "--quiet").code in {0, 1}
    assert (repository / "environments/dev/values.yaml").read_text() == "ours: true\n"
    assert not (repository / "environments/prod/values.yaml").exists()


def test_only_what_may_differ_is_rendered(tmp_path: Path) -> None:
    many = model(tuple(f"app-{number}" for number in range(20)))
    fewer = model(tuple(f"app-{number}" for number in range(1, 20)))
    assert planning.changed_applications(fewer, many) == {"app-0"}
    tree = planning.render(many, fewer, versions.current())
    assert {path.split("/")[1] for path in tree if path.startswith("applications/")} == {"app-0"}
    whole = planning.as_files(rendered(many))
    assert tree == {path: whole[path] for path in tree}
    root = create(tmp_path / "gitops", fewer)
    plan = planning.plan(root, Change(fewer, many))
    assert {path for path in whole if "app-0." in path or "app-0/" in path} == {each.path for each in plan.changes}
    assert files(root) == files(create(tmp_path / "same", fewer))


@pytest.mark.parametrize("form", list(Format))
def test_no_file_of_an_application_depends_on_the_environments(form: Format) -> None:
    some, more = rendered(model(form=form)), rendered(model(environments=("dev", "qa", "prod"), form=form))
    for path, file in some.items():
        if path.startswith("applications/"):
            assert file == more[path]


@pytest.mark.parametrize(
    ("written", "pristine", "wanted", "expected"),
    [
        (b"a\nname: old\n", b"a\nname: old\n", b"b\nname: new\n", b"b\nname: new\n"),
        (b"mine\nname: old\n", b"a\nname: old\n", b"a\nname: new\n", b"mine\nname: new\n"),
        (b"mine\r\nname: old\r\n", b"a\nname: old\n", b"a\nname: new\n", b"mine\r\nname: new\r\n"),
        (b"mine\nname: old", b"a\nname: old\n", b"a\nname: new\n", b"mine\nname: new"),
        (b"name: mine\n", b"name: old\n", b"name: new\n", b"name: mine\n"),
        (b"x\nname: old\n", b"name: old\n", b"name: new\nmore\n", b"x\nname: old\n"),
        (b"", b"name: old\n", b"name: new\n", b""),
        (b"\xff\n", b"name: old\n", b"name: new\n", b"\xff\n"),
        (b"name: old\nsops:\n  mac: x\n", b"name: old\n", b"name: new\n", b"name: old\nsops:\n  mac: x\n"),
    ],
)
def test_readdress(written: bytes, pristine: bytes, wanted: bytes, expected: bytes) -> None:
    blobs = (Blob(mode, content) for mode, content in (("100755", written), ("100644", pristine), ("100644", wanted)))
    assert readdress(*blobs) == Blob("100755", expected)
