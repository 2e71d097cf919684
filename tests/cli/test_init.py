"""`argosy init`, as people meet it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from argosy import git
from argosy.repository import switches
from argosy.repository.model import Notifier, Production
from tests import goldens
from tests.conftest import NO_PRIVILEGES, SMALL_FILES, Argosy, Git, Process, Result
from tests.forked import Forked, Terminal
from tests.shared import IDENTITY

SMALL = ("--app", "")
"""A repository that is quickly written and validated."""
SAID = ("--set", "argosyInstall=")
"""Lets nobody be asked which argosy to install."""


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return all that is below a folder: path -> bytes, or None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def size(root: str) -> tuple[int, int]:
    """Return how many files a repository has, and how many lines."""
    files = [path for path in Path(root).rglob("*") if path.is_file() and ".git" not in path.parts]
    return len(files), sum(path.read_bytes().count(b"\n") for path in files)


class TestHowMuch:
    def test_the_least(self, argosy: Argosy, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
        result = argosy("init", "gitops", "--minimal", "--defaults", "--repo-url", goldens.URL)
        assert (result.code, "\nValid." in result.out) == (0, True)
        files, lines = size("gitops")
        assert (files <= 20, lines <= 500) == (True, True), (files, lines)
        monkeypatch.chdir("gitops")
        values = Path("environments/dev/my-app/values.yaml")
        for tag in ("1.30.0", "1.31.0"):
            values.write_text(values.read_text().replace(document(values)["image"]["tag"], tag))
            git(".", "commit", "--quiet", "--all", "--message", f"Release {tag}")
            assert argosy("promote", "my-app", "--to", "prod", "--commit", "--yes", "--no-validate").code == 0
        assert argosy("rollback", "my-app", "prod", "--commit", "--yes", "--no-validate").code == 0
        assert document(Path("environments/prod/my-app/values.yaml"))["image"]["tag"] == "1.30.0"
        assert "1.31.0" in argosy("status").out
        # What is not validated at once, the step after it is together with.
        for command in (
            ("add", "app", "shop", "--image", "ghcr.io/acme/shop:1.0.0", "--port", "8080", "--commit", "--no-validate"),
            ("add", "env", "staging", "--after", "dev", "--commit"),
            ("diff", "--at", "HEAD", "--against", "HEAD~1"),
            ("render", "shop", "staging"),
            ("apply", "--commit"),
            ("update", "--commit"),
            # Kustomize is a process for each environment, each time.
            ("remove", "env", "staging", "--commit", "--yes"),
            ("convert", "my-app", "--to", "kustomize", "--commit", "--yes"),
            ("rename", "app", "shop", "store", "--commit", "--yes", "--no-validate"),
            ("set", "repository", "argocd=applicationset", "--commit"),
            ("set", "repository", "argocd=applications", "chartExtras=network-policy", "--commit", "--no-validate"),
            ("set", "repository", "minimal=false", "chartExtras=none", "--commit", "--no-validate"),
            ("validate",),
        ):
            result = argosy(*command)
            assert result.code == 0, (command, result.out, result.err)
        assert argosy("set", "repository", "minimal=true").code == 2
        for path in ("renovate.json", "CODEOWNERS", "docs/runbooks/README.md", "environments/dev/values.yaml"):
            assert Path(path).exists(), path
        assert Path("applications/store/charts/store/values.schema.json").exists()


class TestTheRepository:
    def test_defaults(self, argosy: Argosy, git: Git) -> None:
        result = argosy("init", "gitops", "--defaults")
        assert result.code == 0
        assert "\nValid." in result.out
        assert "Wrote" in result.err
        assert "git remote add origin https://github.com/your-org/gitops.git" in result.err
        assert (
            "  4. CI's jobs fail until they know which argosy to install: argosy set repository argosyInstall="
            in result.err
        )
        assert {path.name for path in Path("gitops/environments").iterdir()} == {"dev", "staging", "prod"}
        assert {path.name for path in Path("gitops/applications").iterdir()} == {"my-app"}
        assert git("gitops", "log", "--format=%an %s", "main") == "Ada Lay out the GitOps repository\n"
        assert git("gitops", "status", "--porcelain", "--ignored") == ""
        assert argosy("validate", "--repository", "gitops", "--quiet").code == 0
        files, lines = size("gitops")
        assert (files <= 40, lines <= 1500) == (True, True), f"more than somebody reads: {files}, {lines}"

    def test_everything_said(self, argosy: Argosy, git: Git) -> None:
        result = argosy(
            *("init", "platform", "--repo-url", "git@gitlab.com:acme/platform.git"),
            *("--env", "test", "--env", "live=https://live.example.com:6443", "--app", "web", "--app", "api"),
            *("--image", "ghcr.io/acme/web:2.1.0", "--image", "live=ghcr.io/acme/web:2.0.0", "--port", "8080"),
            *("--format", "kustomize", "--argocd", "applicationset", "--revision", "branch", "--ci", "gitlab"),
            *("--kubernetes-version", "1.35", "--follow-up"),
            *("--set", "notifications=slack,email", "--set", "shards=2", "--set", "podSecurity=true"),
            *("--set", f"argosyInstall={goldens.RELEASED}"),
        )
        assert "argosyInstall" not in result.err
        assert (result.code, "\nValid." in result.out) == (0, True)
        answers = document(Path("platform/.copier-answers.yml"))
        assert {key: value for key, value in answers.items() if not key.startswith("_")} == {
            "repository_name": "platform",
            "repo_url": "git@gitlab.com:acme/platform.git",
            "argocd": "applicationset",
            "revision": "branch",
            "branch": "main",
            "ci": "gitlab",
            "minimal": False,
            "follow_up": True,
            "argosy_install": goldens.RELEASED,
            "format": "kustomize",
            "chart": "own",
            "kubernetes_version": "1.35",
            "tenancy": "environment",
            **switches.answers(Production(notifications=(Notifier.SLACK, Notifier.EMAIL), shards=2)),
        }
        live = document(Path("platform/environments/live/environment.yaml"))
        assert live["destination"] == {"server": "https://live.example.com:6443"}
        assert (live["revision"], live["promotesFrom"], live["podSecurity"]) == ("live", "test", "restricted")
        overlay = document(Path("platform/environments/live/web/kustomization.yaml"))
        assert overlay["images"][0]["newTag"] == "2.0.0"
        assert Path("platform/.gitlab-ci.yml").exists()
        assert git("platform", "branch", "--format=%(refname:short)").split() == ["live", "main", "test"]

    @pytest.mark.parametrize("form", ["helm", "kustomize", "manifests"])
    def test_each_format_is_valid(self, argosy: Argosy, form: str) -> None:
        assert argosy("init", "gitops", "--format", form, "--env", "dev", "--no-git", "--quiet").code == 0

    @pytest.mark.parametrize("style", ["applications", "applicationset"])
    def test_without_applications_or_with_one_environment(self, argosy: Argosy, style: str) -> None:
        arguments = ("init", "gitops", "--argocd", style, "--env", "only", "--no-git", "--quiet")
        assert (argosy(*arguments, *SMALL).code, list(Path("gitops").glob("applications/*"))) == (0, [])

    def test_without_git(self, argosy: Argosy) -> None:
        result = argosy("init", "gitops", *SMALL, "--no-git")
        assert result.code == 0
        assert not Path("gitops/.git").exists()
        assert "Commit it, and push it to https://github.com/your-org/gitops.git on the branch main." in result.err

    def test_quiet(self, argosy: Argosy) -> None:
        assert argosy("init", "gitops", *SMALL, "--quiet") == Result(0, "", "")

    def test_json_is_all_that_standard_output_has(self, argosy: Argosy) -> None:
        result = argosy("init", "gitops", *SMALL, "--output", "json")
        assert json.loads(result.out)
        assert "Wrote" in result.err

    def test_the_same_answers_give_the_same_bytes(self, argosy: Argosy, process: Process, tmp_path: Path) -> None:
        arguments = ("init", "gitops", "--app", "b", "--app", "a", "--dry-run")
        one = argosy(*arguments)
        # Of a cache of its own: it would find there what was rendered here, and render nothing.
        elsewhere = {"TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "ARGOSY_CACHE": str(tmp_path / "cache")}
        seeds = {"0", "1"} - {os.environ.get("PYTHONHASHSEED")}
        other = process(*arguments, env={"PYTHONHASHSEED": max(seeds), **elsewhere})
        assert one == other
        assert one.code == 0

    def test_the_order_of_applications_does_not_matter(self, argosy: Argosy) -> None:
        first, second = (
            argosy("init", "gitops", "--dry-run", "--app", one, "--app", other).out for one, other in ("ab", "ba")
        )
        assert first == second != ""


class TestDryRun:
    def test_it_writes_nothing(self, argosy: Argosy, tmp_path: Path) -> None:
        assert argosy("init", "deep/gitops", "--dry-run").code == 0
        assert snapshot(tmp_path) == {}

    def test_the_diff_is_the_repository(self, argosy: Argosy, git: Git, tmp_path: Path) -> None:
        Path("gitops.diff").write_text(argosy("init", "gitops", "--dry-run").out)
        git(".", "init", "--quiet", "patched")
        git("patched", "apply", "../gitops.diff")
        argosy("init", "gitops", "--defaults", "--quiet")
        assert goldens.read(tmp_path / "patched") == goldens.read(tmp_path / "gitops")

    def test_as_json(self, argosy: Argosy, tmp_path: Path) -> None:
        files = json.loads(argosy("init", "gitops", *SMALL, "--dry-run", "--output", "json").out)["files"]
        argosy("init", "gitops", *SMALL, "--quiet")
        written = goldens.read(tmp_path / "gitops")
        assert files == {path: file.content.decode() for path, file in written.items()}


LONG = "a" * 64
REFUSED = {
    # arguments: what the message says
    ("full",): "is not empty",
    ("a-file",): "is a file",
    ("a-file/gitops",): "could not be made",
    ("to-nothing",): "is a link to nothing",
    ("repository",): "has commits already",
    ("~nobody-of-that-name/gitops",): "there is no such home directory",
    ("x" * 256,): "File name too long",
    ("new", "--env", "Prod"): "Try “prod”.",
    ("new", "--env", "pre_prod"): "Try “pre-prod”.",
    ("new", "--env", "e" * 62): "it has 62 characters, at most 61 are possible",
    ("new", "--env", "dev", "--env", "dev"): "The environment “dev” is given twice.",
    ("new", "--env", "argocd"): "the AppProject of the root Application has that name",
    ("new", "--env", "default"): "Argo CD keeps an AppProject of that name",
    ("new", "--env", "on"): "YAML does not read it as a string",
    ("new", "--env", "1e3"): "YAML does not read it as a string",
    ("new", "--env", ""): "is not NAME or NAME=CLUSTER",
    ("new", "--env", "dev="): "is not NAME or NAME=CLUSTER",
    ("new", "--env", "dev=the cluster"): "is not a cluster",
    ("new", "--env", "dev-"): "Try “dev”.",
    ("new", "--env", "среда"): "Choose another name.",
    ("new", "--app", "Web"): "Try “web”.",
    ("new", "--app", "web_shop"): "Try “web-shop”.",
    ("new", "--app", "../web"): "Try “web”.",
    ("new", "--app", "web\n"): "Try “web”.",
    ("new", "--app", LONG): "it has 64 characters, at most 53 are possible",
    ("new", "--app", "a" * 54): "Helm releases have at most 53 characters",
    ("new", "--app", "a" * 53, "--env", "e" * 10): "cannot name a namespace: it has 64 characters",
    ("new", "--app", "2048"): "YAML does not read it as a string",
    ("new", "--app", "2fast"): "a Kubernetes Service's name begins with a letter",
    ("new", "--app", "project"): "holds the environment's AppProject",
    ("new", "--app", "web", "--app", "web"): "The application “web” is given twice.",
    ("new", "--app", "a", "--app", "a-b", "--env", "b-c", "--env", "c"): "would belong to two",
    ("new", "--repo-url", "gitops"): "is not a repository URL",
    ("new", "--repo-url", "https://github.com"): "is not a repository URL",
    ("new", "--repo-url", "https://x.org/a b.git"): "is not a repository URL",
    ("new", "--repo-url", 'https://x.org/a".git'): "is not a repository URL",
    ("new", "--repo-url", "https://x.org/a\nb"): "is not a repository URL",
    ("new", "--repo-url", ""): "is not a repository URL",
    ("new", "--repo-url", "/srv/git/gitops.git"): "is not a repository URL",
    ("new", "--repo-url", "https://ada:secret@x.org/a.git"): "https://x.org/a.git is given with a password",
    ("new", "--format", "jsonnet"): "'jsonnet' is not one of 'helm', 'kustomize', 'manifests'",
    ("new", "--argocd", "flux"): "'flux' is not one of",
    ("new", "--revision", "tag"): "'tag' is not one of",
    ("new", "--ci", "jenkins"): "'jenkins' is not one of",
    ("new", "--ci", "none", "--follow-up"): "there is no CI",
    ("new", "--kubernetes-version", "1.99"): "Give one from 1.30 to 1.37.",
    ("new", "--kubernetes-version", "1.29"): "Give one from 1.30 to 1.37.",
    ("new", "--kubernetes-version", "latest"): "Give one from 1.30 to 1.37.",
    ("new", "--kubernetes-version", ""): "Give one from 1.30 to 1.37.",
    ("new", "--image", "NGINX:1"): "is not a container image",
    ("new", "--image", ""): "is not a container image",
    ("new", "--image", "dev="): "is not a container image",
    ("new", "--image", "nginx:"): "is not a container image",
    ("new", "--image", "nginx@sha256:12"): "is not a container image",
    ("new", "--image", "production=nginx:1"): "there is none of that name",
    ("new", "--port", "0"): "0 is not in the range 1<=x<=65535",
    ("new", "--port", "http"): "'http' is not a valid integer range",
    ("new", "--app", "", "--port", "80"): "--image and --port describe applications, and there is none.",
    ("new", "--answers", "missing.yaml"): "File 'missing.yaml' does not exist",
    ("new", "--answers", "full"): "is a directory",
    ("new", "another"): "unexpected extra argument",
}


@pytest.fixture(scope="module")
def occupied(git: Git, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes | None]]:
    """Return a folder with places where no repository can be made, and all that is in it."""
    place = tmp_path_factory.mktemp("occupied")
    (place / "full").mkdir()
    (place / "full" / "notes.txt").touch()
    (place / "a-file").touch()
    (place / "to-nothing").symlink_to("nowhere")
    git(place, "init", "--quiet", "repository")
    git(place / "repository", "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return place, snapshot(place)


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_what_cannot_be_meant_writes_nothing(
    argosy: Argosy,
    occupied: tuple[Path, dict[str, bytes | None]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    place, before = occupied
    monkeypatch.chdir(place)
    result = argosy("init", *arguments)
    assert result.code in {1, 2}
    assert result.out == ""
    assert REFUSED[arguments] in " ".join(result.err.split())
    assert result.err.count("Error:") == 1
    assert snapshot(place) == before


class TestDestination:
    @pytest.mark.parametrize(
        ("destination", "name"),
        [
            ("My Shop", "My-Shop"),
            ("dépôt-été", "depot-ete"),
            ("репозиторий", "gitops"),
            (".hidden", "hidden"),
            ("deep/down/gitops", "gitops"),
            ("-- new", "new"),
        ],
    )
    def test_a_folder_whose_name_no_host_would_take(self, argosy: Argosy, destination: str, name: str) -> None:
        result = argosy("init", *SMALL, "--", destination)
        assert result.code == 0
        answers = document(Path(destination, ".copier-answers.yml"))
        assert (answers["repository_name"], answers["repo_url"]) == (name, f"https://github.com/your-org/{name}.git")
        (command,) = [line for line in result.err.splitlines() if line.startswith("       cd ")]
        there = subprocess.run(["sh", "-c", f"{command}; pwd -P"], check=True, capture_output=True, text=True).stdout
        assert there == f"{Path(destination).resolve()}\n"

    def test_a_name_that_is_no_text(self, process: Process, tmp_path: Path) -> None:
        result = process("init", *SMALL, "--no-git", os.fsdecode(b"gitops-\xff"))
        assert (result.code, "Traceback" in result.err) == (0, False)
        assert document(tmp_path / os.fsdecode(b"gitops-\xff") / ".copier-answers.yml")["repository_name"] == "gitops"

    @pytest.mark.parametrize("destination", [".", "", "../gitops", "~/gitops", "./x/../../gitops", "link"])
    def test_ways_to_say_where(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str
    ) -> None:
        (tmp_path / "gitops" / "x").mkdir(parents=True)
        (tmp_path / "gitops" / "x").rmdir()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "link").symlink_to(tmp_path / "gitops")
        (tmp_path / "elsewhere" / "x").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path / ("gitops" if destination in {".", ""} else "elsewhere"))
        assert argosy("init", destination, *SMALL, "--no-git", "--quiet").code == 0
        assert document(tmp_path / "gitops" / ".copier-answers.yml")["repository_name"] == "gitops"
        assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["link", "x"]

    def test_modes_are_those_of_any_new_folder(self, argosy: Argosy, tmp_path: Path) -> None:
        tmp_path.chmod(0o1777)
        before = os.umask(0o027)
        argosy("init", "gitops", *SMALL, "--quiet")
        os.umask(before)
        assert {oct((tmp_path / name).stat().st_mode & 0o7777) for name in ("gitops", "gitops/argocd")} == {"0o750"}
        assert oct((tmp_path / "gitops/README.md").stat().st_mode & 0o777) == "0o640"

    def test_within_another_repository(self, argosy: Argosy, git: Git, tmp_path: Path) -> None:
        git(".", "init", "--quiet")
        result = argosy("init", "gitops", *SMALL)
        assert result.code == 0
        assert f"lies in the git repository {tmp_path}" in result.err
        assert git("gitops", "rev-parse", "--show-toplevel") == f"{tmp_path / 'gitops'}\n"

    def test_a_hook_of_another_repository_calls_argosy(
        self, argosy: Argosy, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git(".", "init", "--quiet", "outer")
        for name, value in (("GIT_DIR", ".git"), ("GIT_WORK_TREE", "."), ("GIT_INDEX_FILE", ".git/index")):
            monkeypatch.setenv(name, str(Path("outer", value).absolute()))
        assert argosy("init", "gitops", *SMALL, "--quiet").code == 0
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            monkeypatch.delenv(name)
        assert git("gitops", "log", "--format=%s") == "Lay out the GitOps repository\n"
        assert git("outer", "rev-list", "--all") == ""


@pytest.fixture
def remote(argosy: Argosy, git: Git, tmp_path: Path) -> Callable[..., Path]:
    """Return what makes an empty repository on a server, and a clone of it."""

    def clone(branch: str = "trunk", url: str = "") -> Path:
        git(tmp_path, "init", "--quiet", "--bare", f"--initial-branch={branch}", "server.git")
        git(tmp_path, "clone", "--quiet", "server.git", "gitops")
        if url:
            git(tmp_path / "gitops", "remote", "set-url", "origin", url)
        return tmp_path / "gitops"

    return clone


class TestFreshClone:
    def test_it_is_committed_on_its_branch(self, argosy: Argosy, remote: Callable[..., Path], git: Git) -> None:
        clone = remote("trunk", "https://git.example.com/acme/gitops.git")
        result = argosy("init", "gitops", *SMALL)
        assert result.code == 0
        assert "git remote add" not in result.err
        answers = document(clone / ".copier-answers.yml")
        assert (answers["repo_url"], answers["branch"]) == ("https://git.example.com/acme/gitops.git", "trunk")
        assert document(clone / "environments/dev/environment.yaml")["revision"] == "trunk"
        assert git(clone, "status", "--porcelain", "--branch").startswith("## trunk")
        assert sorted(path.name for path in clone.iterdir() if path.name.startswith(".argosy")) == []
        git(clone, "push", "--quiet", "../server.git", "trunk")

    @pytest.mark.parametrize(
        ("url", "known"),
        [
            ("https://ada:secret@git.example.com/acme/gitops.git", "https://git.example.com/acme/gitops.git"),
            ("git@github.com:acme/gitops.git", "git@github.com:acme/gitops.git"),
            ("/srv/git/gitops.git", "https://github.com/your-org/gitops.git"),
            ("gh:acme/gitops", "https://github.com/your-org/gitops.git"),
        ],
    )
    def test_its_url(self, argosy: Argosy, remote: Callable[..., Path], url: str, known: str) -> None:
        clone = remote(url=url)
        assert argosy("init", str(clone), *SMALL, "--quiet").code == 0
        assert document(clone / ".copier-answers.yml")["repo_url"] == known

    def test_without_a_commit(self, argosy: Argosy, remote: Callable[..., Path], git: Git) -> None:
        clone = remote()
        assert argosy("init", "gitops", *SMALL, "--no-git", "--quiet").code == 0
        assert git(clone, "rev-list", "--all") == ""
        assert (clone / "README.md").exists()

    def test_a_refusal_leaves_it_as_it_was(self, argosy: Argosy, remote: Callable[..., Path]) -> None:
        clone = remote()
        hook = clone / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
        hook.chmod(0o755)
        before = snapshot(clone)
        result = argosy("init", "gitops", *SMALL)
        assert (result.code, "not today" in result.err) == (1, True)
        assert snapshot(clone) == before

    def test_one_that_others_pushed_to(self, argosy: Argosy, remote: Callable[..., Path], git: Git) -> None:
        clone = remote()
        git(".", "clone", "--quiet", "server.git", "other")
        git("other", "commit", "--quiet", "--allow-empty", "--message", "Begin")
        git("other", "push", "--quiet", "origin", "HEAD:refs/heads/other")
        git(clone, "fetch", "--quiet")
        assert "has commits already" in argosy("init", "gitops", *SMALL).err

    def test_a_git_folder_elsewhere(self, argosy: Argosy, git: Git, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet", "--separate-git-dir=store.git", "gitops")
        assert argosy("init", "gitops", *SMALL, "--quiet").code == 0
        assert git("gitops", "status", "--porcelain") == ""


class TestGit:
    def test_git_is_missing(self, process: Process, tmp_path: Path) -> None:
        result = process("init", "gitops", *SMALL, env={"PATH": str(tmp_path / "no-programs")})
        assert result.code == 1
        assert "git is not installed, or not on PATH." in result.err
        assert "--no-git" in result.err
        assert snapshot(tmp_path) == {}

    def test_git_is_missing_and_not_wanted(self, process: Process, tmp_path: Path) -> None:
        result = process("init", "gitops", *SMALL, "--no-git", env={"PATH": str(tmp_path / "no-programs")})
        assert (result.code, (tmp_path / "gitops/README.md").exists()) == (0, True)

    @pytest.mark.parametrize(
        "configuration",
        [
            "",
            "[user]\nname = Ada\n",
            "[user]\nuseConfigOnly = true\n",
        ],
    )
    def test_a_user_whom_git_does_not_know(
        self, argosy: Argosy, git: Git, git_configuration: Path, configuration: str
    ) -> None:
        git_configuration.write_text(configuration)
        result = argosy("init", "gitops", *SMALL)
        assert result.code == 0
        assert git("gitops", "log", "--format=%ae %ce") == "argosy@localhost argosy@localhost\n"
        assert "git commit --amend --reset-author" in result.err
        assert git_configuration.read_text() == configuration
        assert "argosy@localhost" not in Path("gitops/.git/config").read_text()

    def test_an_author_in_the_environment(
        self, argosy: Argosy, git: Git, git_configuration: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git_configuration.write_text("")
        monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace")
        monkeypatch.setenv("GIT_AUTHOR_EMAIL", "grace@example.com")
        assert argosy("init", "gitops", *SMALL, "--quiet").code == 0
        assert git("gitops", "log", "--format=%an %cn") == "Grace argosy\n"

    @pytest.mark.parametrize(
        "configuration",
        [
            "[core]\nautocrlf = true\nfileMode = false\nquotePath = true\n[init]\ndefaultBranch = develop\n",
            "[core]\nautocrlf = true\nsafecrlf = true\n[commit]\ntemplate = {folder}/missing\nverbose = true\n",
            "[core]\neol = crlf\nexcludesFile = {folder}/ignore\n",
        ],
        ids=lambda text: text.split("\n")[1],
    )
    def test_settings_that_change_nothing(
        self, argosy: Argosy, git: Git, git_configuration: Path, tmp_path: Path, configuration: str
    ) -> None:
        (tmp_path / "ignore").write_text("*.yaml\n.*\n")
        git_configuration.write_text(IDENTITY + configuration.format(folder=tmp_path))
        result = argosy("init", "gitops", *SMALL, "--quiet")
        assert (result.code, result.err) == (0, "")
        assert git("gitops", "status", "--porcelain") == ""
        assert git("gitops", "branch", "--show-current") == "main\n"
        committed = git("gitops", "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")[:-1]
        written = goldens.read(tmp_path / "gitops")
        assert sorted(committed) == sorted(written)
        assert not any(b"\r" in file.content for file in written.values())

    @pytest.mark.parametrize(
        ("configuration", "cause"),
        [
            ("[init]\ntemplateDir = {folder}\n", "no commits on Sundays"),
            ("[core]\nhooksPath = {folder}/hooks\n", "no commits on Sundays"),
            ("[commit]\ngpgSign = true\n[gpg]\nprogram = /no/such/gpg\n", "gpg"),
            ("[user\n", "bad config"),
        ],
    )
    def test_settings_that_keep_git_from_committing(
        self, argosy: Argosy, git_configuration: Path, configuration: str, cause: str
    ) -> None:
        hooks = git_configuration.parent / "hooks"
        hooks.mkdir()
        (hooks / "pre-commit").write_text("#!/bin/sh\necho no commits on Sundays >&2\nexit 1\n")
        (hooks / "pre-commit").chmod(0o755)
        git_configuration.write_text(IDENTITY + configuration.format(folder=git_configuration.parent))
        result = argosy("init", "deep/gitops", *SMALL)
        assert result.code == 1
        assert cause in result.err
        assert "Nothing was written." in result.err or "git" in result.err
        assert snapshot(Path.cwd()) == {}


FULL = """\
repo_url: https://github.com/acme/gitops.git
ci: none
kubernetes_version: 1.30
environments:
  - dev
  - name: prod
    cluster: eu-1
    replicas: 5
    auto_sync: false
    namespace: shop
    applications: [api]
applications:
  - name: api
    format: kustomize
    team: payments
    image: ghcr.io/acme/api:2.1.0
    port: 8080
    images: {dev: "ghcr.io/acme/api:2.2.0"}
  - web
"""
WRONG = {
    # the file: what the message says
    "format: helmm": '1: format: "helmm" is not allowed; use one of helm, kustomize, manifests. Did you mean “helm”?',
    "ci: none\nrepo_ur: https://x.org/y": '2: unknown field "repo_ur". Did you mean “repo_url”?',
    "environments:\n- dev\n- name: x\n  replica: 3": '4: environments[1]: unknown field "replica". Did you mean',
    "applications:\n- name: x\n  port: '80'": '3: applications[0].port: must be an integer, not the text "80".',
    "applications:\n- nam: x": 'required field "name" is missing',
    "applications: web": "1: applications: must be a list",
    "environments: [7]": "1: environments[0]: must be text or a mapping, not 7.",
    "applications: [{name: x, image: {repositry: y}}]": "Did you mean “repository”?",
    "applications: [{name: x, image: 'Y:1'}]": "is not a container image",
    "applications: [{name: x, images: {live: 'y:1'}}]": "is for the environment “live”, and there is none",
    "environments: [{name: dev, applications: [web]}]\napplications: [api]": "The applications are api.",
    "environments: [{name: a, promotes_from: b}, b]": "which is not an environment before it",
    "environments: [{name: a, namespace: Team_A}]": "Try “team-a”.",
    "environments: [{name: a, revision: 'x y'}]": "is not a revision",
    "environments: [a, a]": "given twice",
    "branch: a..b": "is not a branch",
    "repository_name: a/b": "cannot name a repository",
    "kubernetes_version: 1": "is not a Kubernetes version",
    "follow_up: 'no'": '1: follow_up: must be true or false, not the text "no"',
    "ci: none\nfollow_up: true": "there is no CI",
    "ci: none\nci: github": "2: duplicate key “ci”",
    "ci: [": "1: ",
    "": "has no YAML documents",
    "---\nci: none\n---\nci: none": "has 2 YAML documents",
    "- ci": "must be a mapping, not a list",
    "ci: \0": "binary data",
    "a: &a [*a]": "1: ",
}


class TestAnswers:
    def test_short_and_long_forms(self, argosy: Argosy) -> None:
        Path("answers.yaml").write_text(FULL)
        assert argosy("init", "gitops", "--answers", "answers.yaml", "--quiet").code == 0
        assert document(Path("gitops/.copier-answers.yml"))["kubernetes_version"] == "1.30"
        prod = document(Path("gitops/environments/prod/environment.yaml"))
        assert (prod["destination"], prod["replicas"], prod["autoSync"]) == ({"name": "eu-1"}, 5, False)
        assert (prod["namespace"], prod["promotesFrom"]) == ("shop", "dev")
        assert document(Path("gitops/applications/api/application.yaml")) == {"format": "kustomize", "team": "payments"}
        for name, tag in (("dev", "2.2.0"), ("prod", "2.1.0")):
            overlay = document(Path(f"gitops/environments/{name}/api/kustomization.yaml"))
            assert overlay["images"][0]["newTag"] == tag
        assert [path.parent.name for path in Path("gitops/environments").glob("*/web")] == ["dev"]

    def test_options_win_over_the_file(self, argosy: Argosy) -> None:
        Path("answers.yaml").write_text(FULL)
        options = ("--format", "manifests", "--image", "nginx:1.29.3", "--port", "90", "--kubernetes-version", "1.36")
        argosy("init", "gitops", "--answers", "answers.yaml", *options, "--env", "live", "--quiet", "--no-git")
        assert document(Path("gitops/.copier-answers.yml"))["kubernetes_version"] == "1.36"
        assert {path.name for path in Path("gitops/environments/live").iterdir() if path.is_dir()} == {"api", "web"}
        for name in ("api", "web"):
            pod = document(Path(f"gitops/environments/live/{name}/deployment.yaml"))["spec"]["template"]["spec"]
            assert pod["containers"][0]["image"] == "nginx:1.29.3"
            assert pod["containers"][0]["ports"][0]["containerPort"] == 90

    @pytest.mark.parametrize(
        ("given", "expected"), [((), True), (("--follow-up",), True), (("--no-follow-up",), False)]
    )
    def test_follow_up(self, argosy: Argosy, given: tuple[str, ...], expected: bool) -> None:
        Path("answers.yaml").write_text("follow_up: true\n")
        argosy("init", "gitops", "--app", "", "--answers", "answers.yaml", *given, "--quiet", "--no-git")
        assert document(Path("gitops/.copier-answers.yml"))["follow_up"] is expected
        assert Path("gitops/.github/workflows/follow-up.yaml").exists() is expected

    def test_a_repositorys_own_answers_make_another_one_like_it(self, argosy: Argosy) -> None:
        argosy("init", "one", *SMALL, "--ci", "gitlab", "--format", "kustomize", "--quiet")
        assert argosy("init", "two", *SMALL, "--answers", "one/.copier-answers.yml", "--quiet").code == 0
        assert Path("one/.copier-answers.yml").read_bytes() == Path("two/.copier-answers.yml").read_bytes()

    @pytest.mark.parametrize("text", WRONG, ids=repr)
    def test_a_wrong_file_is_explained_line_by_line(self, argosy: Argosy, tmp_path: Path, text: str) -> None:
        Path("answers.yaml").write_text(text)
        result = argosy("init", "gitops", "--answers", "answers.yaml")
        assert (result.code, result.out) == (2, "")
        assert WRONG[text] in result.err
        assert [path.name for path in tmp_path.iterdir()] == ["answers.yaml"]

    def test_everything_that_is_wrong_is_said_at_once_from_top_to_bottom(self, argosy: Argosy) -> None:
        Path("answers.yaml").write_text("ci: x\nformat: y\nextra: z\nrevision: w\n")
        message = argosy("init", "gitops", "--answers", "answers.yaml").err.removeprefix("Error: ").splitlines()
        assert [line.split(":")[1] for line in message[:-1]] == ["1", "2", "3", "4"]

    def test_a_file_that_may_not_be_read(self, process: Process, tmp_path: Path) -> None:
        (tmp_path / "answers.yaml").touch(0o000)
        result = process("init", "gitops", "--answers", "answers.yaml", prelude=NO_PRIVILEGES)
        assert (result.code, "Traceback" in result.err) == (2, False)
        assert "answers.yaml" in result.err


# From Python 3.12 on, forking a process that has threads, as pytest-xdist's have, gives a warning.
@pytest.mark.filterwarnings("ignore:.*use of forkpty:DeprecationWarning")
class TestTerminal:
    def test_it_asks_for_everything_and_later_defaults_follow(self, tmp_path: Path) -> None:
        terminal = start(tmp_path, "gitops")
        for question, default, answer in (
            ("Repository URL", "https://github.com/your-org/gitops.git", "https://gitlab.com/acme/gitops.git"),
            ("Environments in promotion order.*", "dev staging prod", "dev prod=eu-1"),
            ("Applications.*", "my-app", "web"),
            ("Image", "nginx:[-0-9.a-z]*", "ghcr.io/acme/web:2.1.0"),
            ("Port", "80", "8080"),
            ("Format of the applications .helm, kustomize, manifests.", "helm", ""),
            (r"One Application per application, or one ApplicationSet\? .*", "applications", ""),
            ("Environments follow one .*", "trunk", ""),
            ("CI .github, gitlab, bitbucket, none.", "gitlab", ""),
            ("Pull request to the next environment when a promotion is merged.", "y/N", "y"),
            ("Kubernetes version", "1.37", ""),
            ("Which argosy CI and people install .*", "-", ""),
            ("Switch on what production needs .*", "y/N", "y"),
        ):
            terminal.expect(rf"{question} \[{default}\]: ")
            terminal.sendline(answer)
        for name, value in (
            ("Folder", str(tmp_path / "gitops")),
            ("Environments", "dev → prod"),
            ("Applications", "web"),
            ("CI", "gitlab, with follow-up pull requests"),
            ("Switched on", "highAvailability=true, .*leastPrivilege=true"),
        ):
            terminal.expect(rf"  {name} +{value}\r")
        terminal.expect("Files +[0-9]+, committed on main")
        terminal.expect(r"Write it\? \[Y/n\]: ")
        assert not (tmp_path / "gitops").exists()
        assert end(terminal, "y\r") == 0
        assert document(tmp_path / "gitops/.copier-answers.yml")["ci"] == "gitlab"
        assert document(tmp_path / "gitops/environments/prod/web/values.yaml")["image"]["tag"] == "2.1.0"

    def test_it_asks_for_nothing_that_was_given(self, tmp_path: Path) -> None:
        known = "environments: [dev]\nformat: manifests\nkubernetes_version: '1.36'\nmonitoring: false\n"
        (tmp_path / "answers.yaml").write_text(known)
        given = ("--repo-url", "https://x.org/y.git", *SMALL, "--argocd", "applications", "--ci", "none", *SAID)
        terminal = start(tmp_path, "gitops", "--answers", "answers.yaml", *given)
        assert terminal.expect([r"Environments follow one .*: ", r"\]: "]) == 0
        terminal.sendline("branch")
        assert terminal.expect([r"Write it\? .*: ", r"\]: "]) == 0
        assert end(terminal, "\r") == 0
        assert {*git.Revisions(tmp_path / "gitops")} == {"main", "dev"}

    def test_it_asks_again_after_an_answer_that_cannot_be_meant(self, tmp_path: Path) -> None:
        terminal = start(tmp_path, "gitops", "--dry-run", "--revision", "trunk", "--ci", "none")
        for question, wrong, why, right in (
            ("Repository URL", "gitops", "is not a repository URL", ""),
            ("Environments", "Dev", "Try “dev”", "dev"),
            ("Applications", "a_b", "Try “a-b”", "web"),
            ("Image", "NGINX", "is not a container image", ""),
            ("Port", "0", "Ports go from 1 to 65535", ""),
            ("Format", "jsonnet", "is not one of", ""),
            ("One Application", "flux", "is not one of", ""),
            ("Kubernetes version", "2.0", "Give one from", ""),
            ("Which argosy", "argosy==0.1.0", "does not name one argosy alone", ""),
            ("Switch on what production needs", "perhaps", "neither y nor n", ""),
            ("Does Argo CD keep itself", "perhaps", "neither y nor n", ""),
        ):
            terminal.expect(rf"{question}[^\r]*\]: ")
            terminal.sendline(wrong)
            terminal.expect(why)
            terminal.expect(rf"{question}[^\r]*\]: ")
            terminal.sendline(right)
        assert end(terminal, "") == 0
        assert list(tmp_path.iterdir()) == []

    def test_whether_teams_have_projects_is_asked_where_there_are_several(self, tmp_path: Path) -> None:
        apps = "".join(f"  - {{name: {name}, team: {team}}}\n" for name, team in (("web", "shop"), ("api", "core")))
        (tmp_path / "answers.yaml").write_text(f"applications:\n{apps}")
        said = ("--repo-url", "https://x.org/y.git", "--env", "dev", "--ci", "none", "--revision", "trunk")
        more = (
            "--format",
            "helm",
            "--argocd",
            "applications",
            "--kubernetes-version",
            "1.37",
            "--set",
            "shards=1",
            *SAID,
        )
        terminal = start(tmp_path, "gitops", "--answers", "answers.yaml", *said, *more)
        terminal.expect(r"each team its own\?[^\r]*\]: ")
        terminal.sendline("team")
        terminal.expect(r"Write it\? .*: ")
        assert end(terminal, "\r") == 0
        assert (tmp_path / "gitops/argocd/dev/teams/shop.yaml").is_file()

    @pytest.mark.parametrize(
        ("keys", "message", "code"),
        [("n\r", "Nothing was written", 1), ("\x03", "Interrupted", 130), ("\x04", "Interrupted", 1)],
    )
    def test_no_is_no(self, tmp_path: Path, keys: str, message: str, code: int) -> None:
        said = ("--repo-url", "https://x.org/y.git", "--env", "dev", *SMALL, "--format", "helm", "--ci", "none")
        rest = (
            "--argocd",
            "applications",
            "--revision",
            "trunk",
            "--kubernetes-version",
            "1.37",
            "--set",
            "shards=1",
            *SAID,
        )
        terminal = start(tmp_path, "deep/gitops", *said, *rest)
        terminal.expect(r"Write it\? .*: ")
        assert end(terminal, keys, message) == code
        assert list(tmp_path.iterdir()) == []

    def test_back_explanations_and_answers_that_outlive_a_no(self, tmp_path: Path, process: Process) -> None:
        terminal = start(tmp_path, "gitops", "--ci", "none", "--format", "manifests", *SAID)
        terminal.expect(r"Repository URL \[.*\]: ")
        terminal.sendline("<")
        terminal.expect("This is the first question")
        for question, answer in (
            ("Repository URL", "https://x.org/y.git"),
            ("Environments", "?"),
            ("Releases go from each to the next.*Environments", "dev prod"),
            ("Applications", "web"),
            ("Image", "<"),
            # What was answered is what Enter takes now, and what was not gone back to is not asked again.
            (r"Applications.*\[web", "<"),
            (r"Environments.*\[dev prod", "test prod"),
            (r"Applications.*\[web", ""),
            ("Image", ""),
            ("Port", "8080"),
            ("One Application", ""),
            ("Environments follow one", ""),
            ("Kubernetes version", ""),
            ("Switch on what production needs", ""),
            ("Does Argo CD keep itself", ""),
            ("Environments +test → prod.*Write it", "<"),
            ("Does Argo CD keep itself", "<"),
            ("Switch on what production needs", "y"),
            (r"Write it\?", "n"),
        ):
            terminal.expect(rf"(?s){question}[^\r]*\]: ")
            if answer != "n":
                terminal.sendline(answer)
        assert end(terminal, "n\r", "argosy init gitops --answers gitops-answers.yaml") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["gitops-answers.yaml"]
        again = ("init", "gitops", "--answers", "gitops-answers.yaml", "--save-answers", "same.yaml")
        assert process(*again, cwd=tmp_path).code == 0
        assert (tmp_path / "same.yaml").read_bytes() == (tmp_path / "gitops-answers.yaml").read_bytes()
        made = tmp_path / "gitops"
        assert {path.name for path in (made / "environments").iterdir()} == {"test", "prod"}
        assert "containerPort: 8080" in (made / "environments/test/web/deployment.yaml").read_text()
        assert document(made / ".copier-answers.yml")["network_policies"] is True

    @pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
    def test_leaving_at_a_question(self, tmp_path: Path, key: str, code: int) -> None:
        terminal = start(tmp_path, "gitops")
        terminal.expect("Repository URL .*: ")
        assert end(terminal, key, "Interrupted") == code
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(("arguments", "elsewhere"), [(("--defaults",), 9), ((), 0), ((), 2)])
    def test_it_asks_nothing(self, tmp_path: Path, arguments: tuple[str, ...], elsewhere: int) -> None:
        """By default, or where standard input or standard error is no terminal."""
        prelude = f"import os; os.dup2(os.open(os.devnull, os.O_RDWR), {elsewhere})"
        terminal = Terminal(["init", "gitops", "--app", "", "--no-git", *arguments], tmp_path, prelude)
        assert end(terminal, "") == 0
        assert (tmp_path / "gitops/README.md").exists()


def start(folder: Path, *arguments: str) -> Terminal:
    """Start `argosy init` on a terminal."""
    return Terminal(["init", *arguments], folder)


def end(terminal: Any, keys: str, message: str = "") -> int | None:
    """Press the keys, and return the exit code."""
    terminal.send(keys)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert message in terminal.before
    assert "Traceback" not in terminal.before
    status: int | None = terminal.exitstatus
    return status


class TestBadPlaces:
    @pytest.mark.parametrize("destination", ["locked/gitops", "locked/deep/gitops", "locked-itself"])
    def test_a_folder_without_write_permission(self, process: Process, tmp_path: Path, destination: str) -> None:
        for name in ("locked", "locked-itself"):
            (tmp_path / name).mkdir(mode=0o555)
        before = snapshot(tmp_path)
        result = process("init", destination, *SMALL, prelude=NO_PRIVILEGES)
        assert (result.code, result.out) == (1, "")
        assert f"{tmp_path / destination} could not be made: Permission denied." in result.err
        assert snapshot(tmp_path) == before

    def test_a_folder_that_may_not_be_listed(self, process: Process, tmp_path: Path) -> None:
        (tmp_path / "dark").mkdir(mode=0o300)
        result = process("init", "dark", *SMALL, prelude=NO_PRIVILEGES)
        assert result.code == 2
        assert "'dark' is not readable" in result.err

    @pytest.mark.parametrize("size", [0, 100, 3_000, 8_000])
    def test_a_disk_that_is_full(self, process: Process, tmp_path: Path, size: int) -> None:
        (tmp_path / "temporary").mkdir()
        environment = {"TMPDIR": str(tmp_path / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}
        result = process("init", "deep/gitops", env=environment, prelude=SMALL_FILES.format(size))
        assert (result.code, "Traceback" in result.err) == (1, False)
        assert snapshot(tmp_path) == {"temporary": None}


INTERRUPTED = """\
import json, os, random, shutil, signal, sys
from pathlib import Path
from argosy.cli import main

number, points = signal.Signals[sys.argv[1]], int(sys.argv[2])

def init(folder, at):
    '''Run argosy in a fork, and send it the signal at its at-th call of the system.'''
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.chdir(folder)
    os.environ["TMPDIR"] = str(folder / "temporary")
    os.dup2(os.open("talk", os.O_WRONLY | os.O_CREAT), 2)
    os.dup2(2, 1)
    calls = 0
    def count(event, _):
        nonlocal calls
        calls += event.startswith(("os.", "open", "shutil.", "subprocess.", "tempfile.", "import"))
        if at and calls == at and event != "os.kill":
            calls += 1
            os.kill(os.getpid(), number)
    sys.addaudithook(count)
    sys.argv = ["argosy", "init", "gitops", "--app", ""]
    try:
        main()
    finally:
        if not at:
            Path("calls").write_text(str(calls))

def clone(folder):
    shutil.copytree("clone", folder / "gitops")

PLACES = {"new": lambda _: None, "empty": lambda folder: (folder / "gitops").mkdir(parents=True), "clone": clone}
assert init(Path("whole").absolute(), 0) == 0
calls = int(Path("whole/calls").read_text())
for at in random.Random(number).sample(range(1, calls), points):
    for name, prepare in PLACES.items():
        folder = Path(f"{name}-{at}").absolute()
        prepare(folder)
        print(json.dumps([name, at, init(folder, at)]))
"""


class TestInterruption:
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_all_or_nothing(self, tmp_path: Path, git: Git, name: str) -> None:
        git(tmp_path, "init", "--quiet", "clone")
        out, err = Forked([name, "2"], code=INTERRUPTED, cwd=tmp_path).communicate()
        assert not err
        whole, clone = snapshot(tmp_path / "whole/gitops").keys(), snapshot(tmp_path / "clone")
        nothing: Mapping[str, Any] = {"new": {}, "empty": {"gitops": None}, "clone": clone}
        for place, at, code in map(json.loads, out.splitlines()):
            folder = tmp_path / f"{place}-{at}"
            talk = (folder / "talk").read_text()
            assert code == {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}[name], (place, at, talk)
            assert ("Traceback" in talk, "ignored" in talk) == (False, False), (place, at, talk)
            assert snapshot(folder / "temporary") == {}, (place, at)
            found = snapshot(folder / "gitops" if place == "clone" else folder)
            left = {path for path in found if path.partition("/")[0] not in {"temporary", "talk"}}
            if left != set(nothing[place]):
                assert (folder / "gitops/README.md").exists(), (place, at, sorted(left))
                assert git(folder / "gitops", "status", "--porcelain", "--ignored") == "", (place, at)
                assert {path.split("/")[0] for path in snapshot(folder / "gitops")} == {p.split("/")[0] for p in whole}
            elif place == "clone":
                assert found == clone, (place, at)
