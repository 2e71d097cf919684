"""git, as argosy runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy import git
from argosy.errors import ToolError, UsageError
from argosy.git import objects


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a commit on the branch main."""
    git.run(tmp_path, "init", "--quiet", "--initial-branch=main", "repository")
    git.run(tmp_path / "repository", "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return tmp_path / "repository"


class TestRun:
    def test_input_and_output_are_any_bytes(self, tmp_path: Path) -> None:
        git.run(tmp_path, "init", "--quiet")
        blob = git.run(tmp_path, "hash-object", "-w", "--stdin", stdin=b"\xff\r\n\0").strip()
        assert git.run(tmp_path, "cat-file", "blob", blob).encode(errors="surrogateescape") == b"\xff\r\n\0"

    def test_a_failure_says_what_and_why(self, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match=r"`git rev-parse HEAD` failed in .*: fatal: not a git repository"):
            git.run(tmp_path, "rev-parse", "HEAD")

    def test_a_failure_is_named_by_the_subcommand(self, tmp_path: Path) -> None:
        options = ("-c", "core.hooksPath=/dev/null", "--literal-pathspecs", "-c", "a.b=c")
        with pytest.raises(ToolError, match=r"`git rev-parse HEAD` failed"):
            git.run(tmp_path, *options, "rev-parse", "HEAD")

    def test_what_is_said_last_is_repeated(self, repository: Path) -> None:
        with pytest.raises(ToolError, match=r": … x{2000}$"):
            git.run(repository, "cat-file", "blob", "x" * 3000)
        hook = repository / ".git/hooks/pre-commit"
        hook.write_text(f"#!/bin/sh\necho first {'x' * 3000} last >&2\nexit 1\n")
        hook.chmod(0o755)
        with pytest.raises(ToolError, match=r"first x+ last"):
            git.run(repository, "commit", "--allow-empty", "--message", "More")

    def test_a_count_of_settings_that_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_CONFIG_COUNT", "abc")
        with pytest.raises(UsageError, match="GIT_CONFIG_COUNT is “abc”"):
            git.run(tmp_path, "version")

    def test_a_code_that_is_accepted(self, tmp_path: Path) -> None:
        assert git.run(tmp_path, "rev-parse", "HEAD", accepted=(0, 128)) == ""

    def test_a_folder_that_is_not_there_is_not_a_missing_git(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="nowhere"):
            git.run(tmp_path / "nowhere", "status")

    def test_git_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ToolError, match="git is not installed") as refusal:
            git.available()
        assert "--no-git" in refusal.value.hint

    def test_git_does_not_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        git.available()
        (tmp_path / "git").write_text("#!/bin/sh\necho no tools >&2; exit 1\n")
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        for _ in range(2):
            with pytest.raises(ToolError, match="no tools"):
                git.available()

    def test_the_repository_of_a_hook_is_not_the_one_that_is_meant(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
        assert git.top_level(tmp_path) is None
        assert git.top_level(repository) == repository

    def test_a_list_without_end_is_given_up(self, repository: Path) -> None:
        blob = git.run(repository, "hash-object", "-w", "--stdin", stdin=b"").strip()
        tree = git.run(repository, "mktree", stdin=f"100644 blob {blob}\ta\n".encode()).strip()
        assert git.run(repository, "ls-tree", "-r", "--name-only", tree, largest=2) == "a\n"
        for _ in range(9):
            listed = "".join(f"040000 tree {tree}\t{number}\n" for number in range(10))
            tree = git.run(repository, "mktree", stdin=listed.encode()).strip()
        with pytest.raises(ToolError, match=r"`git ls-tree -r` gives more than 100,000 bytes"):
            git.run(repository, "ls-tree", "-r", tree, largest=100_000)
        with pytest.raises(ToolError, match="Not a valid object name nothing"):
            git.run(repository, "ls-tree", "nothing", largest=100_000)

    def test_its_language_does_not_matter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
        with pytest.raises(ToolError, match="not a git repository"):
            git.run(tmp_path, "status")


class TestQuestions:
    def test_the_top_level(self, repository: Path, tmp_path: Path) -> None:
        (repository / "a b" / "ü").mkdir(parents=True)
        assert git.top_level(repository / "a b" / "ü") == repository
        assert git.top_level(tmp_path) is None

    def test_commits(self, repository: Path) -> None:
        empty = repository / "inner"
        git.run(repository, "init", "--quiet", "inner")
        assert (git.has_commits(repository), git.has_commits(empty)) == (True, False)

    def test_the_branch(self, repository: Path) -> None:
        assert git.branch(repository) == "main"
        git.run(repository, "checkout", "--quiet", "--orphan", "release/1.x")
        assert git.branch(repository) == "release/1.x"
        git.run(repository, "checkout", "--quiet", "--detach", "main")
        assert git.branch(repository) == ""

    def test_origins_and_remotes(self, repository: Path, tmp_path: Path) -> None:
        assert (git.origin(repository), git.remotes(repository), git.remotes(tmp_path)) == (
            "",
            {},
            {},
        )
        git.run(repository, "remote", "add", "origin", "https://x.org/a b.git")
        git.run(repository, "remote", "add", "mirror", "git@y.org:a.git")
        assert git.origin(repository) == "https://x.org/a b.git"
        assert git.remotes(repository) == {"https://x.org/a b.git": "origin", "git@y.org:a.git": "mirror"}

    def test_revisions(self, repository: Path, tmp_path: Path) -> None:
        git.run(repository, "branch", "team/a")
        git.run(repository, "tag", "v1")
        git.run(tmp_path, "clone", "--quiet", "repository", "clone")
        assert {*git.Revisions(repository)} == {"main", "team/a", "v1"}
        assert {*git.Revisions(tmp_path / "clone")} == {"main", "team/a", "v1"}
        assert not git.Revisions(tmp_path)

    def test_what_a_host_fetches_beside_the_branches_is_none(self, repository: Path) -> None:
        git.run(repository, "remote", "add", "team/fork", "https://x.org/a.git")
        for ref in ("pull/7/merge", "origin/prod", "origin/HEAD", "team/fork/fix/it"):
            git.run(repository, "update-ref", f"refs/remotes/{ref}", "HEAD")
        git.run(repository, "update-ref", "refs/merge-requests/7/head", "HEAD")
        assert {*git.Revisions(repository, ["origin", "team/fork"])} == {"main", "prod", "fix/it"}

    def test_what_is_ignored(self, repository: Path, tmp_path: Path) -> None:
        (repository / ".gitignore").write_text("*.key\nbuild/\n")
        (repository / "build").mkdir()
        for name in ("ü.key", "build/x", "kept"):
            (repository / name).touch()
        assert git.ignored(repository) == {"ü.key", "build/"}
        assert git.ignored(tmp_path) == frozenset()

    @pytest.mark.parametrize(
        "case",
        [
            ("", {}, False),
            ("[user]\nname = Ada\nemail = ada@example.com\n", {}, True),
            ("[user]\nname = Ada\n", {}, False),
            ("", {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@example.com"}, False),
            ("[author]\nname = A\nemail = a@x.org\n[committer]\nname = B\nemail = b@x.org\n", {}, True),
        ],
    )
    def test_identity(
        self, git_configuration: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, dict[str, str], bool]
    ) -> None:
        configuration, environment, known = case
        git_configuration.write_text(configuration)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert git.at(git_configuration.parent).has_identity() == known


@pytest.mark.parametrize("apart", [(), ("--separate-git-dir=../apart",)])
def test_start_takes_an_existing_repository_without_a_commit(tmp_path: Path, apart: tuple[str, ...]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    git.run(folder, "init", "--quiet", "--initial-branch=develop", *apart)
    git.start(folder, "trunk")
    (folder / "a").touch()
    objects.commit_all(folder, "Begin")
    assert {*git.Revisions(folder)} == {"trunk"}


def test_start_makes_a_repository_on_a_branch(tmp_path: Path) -> None:
    git.start(tmp_path, "of/prod")
    assert git.run(tmp_path, "symbolic-ref", "HEAD") == "refs/heads/of/prod\n"


def test_a_git_that_says_much_on_standard_error_is_read_to_its_end(tmp_path: Path) -> None:
    git.run(tmp_path, "init", "--quiet")
    objects.commit(tmp_path, {"main": ("", {"a": objects.Blob("100644", b"1\n")})})
    tip = git.run(tmp_path, "rev-parse", "main").strip()
    made = "".join(f"create refs/heads/{'long' * 20}-{number} {tip}\n" for number in range(1000))
    git.run(tmp_path, "update-ref", "--stdin", stdin=made.encode())
    # More than a pipe holds.
    told = git.run(tmp_path, "log", "--all", "--format=%H", environment={"GIT_TRACE_REFS": "1"})
    assert told.split() == [tip]
