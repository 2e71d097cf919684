"""Clones whose own configuration names programs, and what a repository hides in a folder: reading runs none of it."""

from __future__ import annotations

import os
import shlex
from contextlib import nullcontext
from pathlib import Path

import pytest

from argosy import git as its_git
from argosy.errors import ToolError
from argosy.git import asked_once, at, branches, objects, reading
from argosy.repository.model import Format
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy

URL = "https://git.example.com/acme/gitops.git"
READING = [
    ("validate",),
    ("diff", "--against", "HEAD~1"),
    ("diff", "--between", "dev", "prod"),
    ("render", "web", "prod"),
    ("status",),
    ("status", "--files"),
    ("history", "web"),
    ("doctor",),
    ("promote", "web", "--from", "dev", "--to", "prod", "--dry-run"),
    ("rollback", "web", "prod", "--dry-run"),
    ("update", "--check"),
]
PROGRAMS = [
    *("core.fsmonitor", "core.sshCommand", "core.askPass", "core.gitProxy", "core.pager", "core.editor"),
    *("core.alternateRefsCommand", "diff.external", "diff.evil.textconv", "diff.evil.command", "merge.evil.driver"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "gpg.ssh.program"),
    *("credential.helper", "credential.https://git.example.com.helper", "remote.origin.uploadpack"),
    *(
        "hook.evil.command",
        "pager.log",
        "pager.diff",
        "alias.status",
        "uploadpack.packObjectsHook",
        "trailer.argosy-promotion.command",
    ),
]
HOOKS = ["post-index-change", "reference-transaction", "post-checkout", "pre-commit", "commit-msg", "pre-auto-gc"]
SIGNED = """\
tree {tree}
parent {parent}
author Ada <ada@example.com> 1790000000 +0000
committer Ada <ada@example.com> 1790000000 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 iQ==
 -----END PGP SIGNATURE-----

Sign
"""


def program(place: Path, marker: Path) -> Path:
    """Write a program that tells that it is run, and fails."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'#!/bin/sh\necho {place.name} "$@" >> {marker}\nexit 1\n')
    place.chmod(0o755)
    return place


def arm(root: Path, marker: Path) -> None:
    """Have a clone's own configuration name a program wherever git would run one."""
    folder = root.parent / "programs"
    settings = {"log.showSignature": "true", "protocol.ext.allow": "always", "filter.evil.required": "true"}
    settings |= {"hook.evil.event": "post-index-change"}
    settings |= {"extensions.partialClone": "origin", "remote.origin.promisor": "true"}
    settings |= {f"url.ext::{program(folder / 'ext', marker)} %S .insteadOf": URL}
    settings |= {"submodule.web.update": f"!{program(folder / 'submodule', marker)}"}
    settings |= {key: str(program(folder / key.replace("/", "_"), marker)) for key in PROGRAMS}
    for key, value in settings.items():
        git(root, "config", key, value)
    for hook in HOOKS:
        program(root / ".git/hooks" / hook, marker)


def test_reading_runs_no_program_of_the_clone(tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    root, marker = create(tmp_path / "gitops", model(form=Format.HELM)), tmp_path / "ran"
    git(root, "remote", "add", "origin", URL)
    edit(root, "environments/dev/web/values.yaml", "tag:", "tag: newer #")
    commit(root, {".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    signed = root.parent / "signed"
    signed.write_text(
        SIGNED.format(tree=git(root, "write-tree").strip(), parent=git(root, "rev-parse", "HEAD").strip())
    )
    git(root, "reset", "--hard", git(root, "hash-object", "-t", "commit", "-w", str(signed)).strip())
    arm(root, marker)
    monkeypatch.chdir(root)
    ran = {}
    for command in READING:
        for path in root.rglob("*.yaml"):
            os.utime(path, (1, 1))
        result = argosy(*command)
        assert "Traceback" not in result.err
        assert command[0] in {"history", "doctor", "rollback"} or result.code == 0, (command, result.err)
        if marker.exists():
            ran[command] = marker.read_text()
            marker.unlink()
    assert ran == {}


def test_what_is_committed_runs_the_users_hooks(
    tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, marker = create(tmp_path / "gitops"), tmp_path / "ran"
    program(root / ".git/hooks/pre-commit", marker)
    monkeypatch.chdir(root)
    refused = argosy("add", "app", "shop", "--no-validate", "--commit")
    assert (refused.code, marker.read_text()) == (1, "pre-commit\n")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a small clone, whose attributes ask for a filter."""
    git(tmp_path, "init", "--quiet", "clone")
    commit(tmp_path / "clone", {".gitattributes": "a filter=evil\n", "a": "1\n"})
    os.utime(tmp_path / "clone/a", (1, 1))
    return tmp_path / "clone"


@pytest.mark.parametrize("place", ["PATH", "a path", "the repository"])
def test_a_filter_that_people_know_is_one_from_the_path(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    made = program((clone if place == "the repository" else tmp_path / "bin") / "git-crypt", tmp_path / "ran")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    git(clone, "config", "filter.evil.clean", '"git-crypt" clean' if place == "PATH" else f"{made} clean")
    with asked_once(), reading():
        assert "a" not in at(clone).status
    assert (tmp_path / "ran").exists() == (place != "the repository")


def test_a_filter_that_is_not_run_is_told_of(
    clone: Path, git_configuration: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone)
    git(clone, "config", "filter.evil.clean", "tr 2 1")
    (clone / "a").write_text("2\n")
    hint = (
        "a looks edited: the filter evil of this clone is not run while reading; `git config --global filter.evil.clean"
    )
    assert argosy("diff").err.count(hint) == 1
    with git_configuration.open("a") as file:
        file.write('[filter "evil"]\nclean = tr 2 1\n')
    assert "looks edited" not in argosy("diff").err


def test_hooks_that_the_configuration_names_are_off(clone: Path) -> None:
    for key, value in (("command", "evil"), ("event", "post-index-change"), ("enabled", "true")):
        git(clone, "config", f"hook.evil.one.{key}", value)
    with asked_once(), reading():
        assert "hook.evil.one.enabled=false\n" in its_git.run(clone, "var", "-l")
    with asked_once(), branches.checked_out(clone, at(clone).head) as place:
        assert "hook.evil.one.enabled=false\n" in its_git.run(place, "var", "-l")


@pytest.mark.parametrize("reads", [True, False])
def test_in_a_tree_of_its_own_files_are_what_their_blobs_hold(
    clone: Path, tmp_path: Path, git_configuration: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    content = {"a": "1\n", "b": "2\n", "c": "3\n"}
    commit(clone, {**content, ".gitattributes": "a filter=evil\nb filter=own\nc filter=elsewhere\n* text=auto\n"})
    for name in ("git-lfs", "own"):
        program(tmp_path / "bin" / name, tmp_path / "ran")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    settings = '[core]\nautocrlf = true\n[filter "own"]\nclean = own\nsmudge = own\nrequired = true\n'
    git_configuration.write_text(git_configuration.read_text() + settings)
    for key, value in (("process", "git-lfs filter-process"), ("clean", "git-lfs clean -- %f"), ("required", "true")):
        git(clone, "config", f"filter.evil.{key}", value)
    # Git has this configuration in other work trees alone.
    aside = tmp_path / "aside"
    git(clone, "config", "--file", str(aside), "filter.elsewhere.smudge", str(tmp_path / "bin/own"))
    git(clone, "config", "includeIf.gitdir:**/tree/**.path", str(aside))
    with asked_once(), reading() if reads else nullcontext(), branches.checked_out(clone, at(clone).head) as place:
        assert {path: (place / path).read_bytes().decode() for path in content} == content
        for path in content:
            os.utime(place / path, (1, 1))
        assert at(place).status == {}
        (place / "a").write_text("9\n")
        assert objects.blob_id(b"9\n", at(place).head) == its_git.run(place, "hash-object", "a").strip()
    assert not (tmp_path / "ran").exists()
    assert not (clone / ".git/worktrees").exists()  # Nothing in the repository knows of it.


@pytest.mark.parametrize(
    "key", ["lfs.Extension.evil.clean", "lfs.customTransfer.evil.path", f"lfs.{URL}.standaloneTransferAgent"]
)
@pytest.mark.usefixtures("git_configuration")
def test_git_lfs_runs_no_program_of_the_clone(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    marker = tmp_path / "ran"
    program(tmp_path / "bin/git-lfs", marker)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for scope in ("--local", "--global"):
        git(clone, "config", scope, "filter.evil.clean", "git-lfs clean -- %f")
        git(clone, "config", key, "evil")
        with asked_once(), reading():
            assert "a" not in at(clone).status
        assert not marker.exists()
        git(clone, "config", "--unset", key)
        with asked_once(), reading():
            assert "a" not in at(clone).status
        marker.unlink()
        git(clone, "config", scope, "--unset", "filter.evil.clean")


def test_the_users_own_filter_takes_the_place_of_the_clones(
    clone: Path, git_configuration: Path, tmp_path: Path
) -> None:
    with git_configuration.open("a") as file:
        file.write('[filter "evil"]\nclean = tr 1 2\n')
    git(clone, "config", "filter.evil.clean", str(program(tmp_path / "evil", tmp_path / "ran")))
    with asked_once(), reading():
        assert at(clone).status == {"a": " M"}
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_looks_like_a_bare_repository_is_none(clone: Path, tmp_path: Path, argosy: Argosy) -> None:
    inner = clone / "charts/evil"
    git(clone, "init", "--quiet", "--bare", str(inner))
    git(inner, "config", "core.bare", "false")
    git(inner, "config", "core.worktree", str(tmp_path))
    git(inner, "config", "core.fsmonitor", str(program(tmp_path / "evil", tmp_path / "ran")))
    assert its_git.top_level(inner) is None
    with pytest.raises(ToolError, match=r"safe\.bareRepository"):
        assert at(inner).status
    result = argosy("validate", str(inner))
    assert "Traceback" not in result.err
    assert not (tmp_path / "ran").exists()


def test_asking_a_remote_runs_no_program_of_the_clone(clone: Path, tmp_path: Path, git_configuration: Path) -> None:
    evil, marker = program(tmp_path / "evil", tmp_path / "ran"), tmp_path / "ran"
    branch = git(clone, "symbolic-ref", "--short", "HEAD").strip()
    git(tmp_path, "clone", "--quiet", "--bare", str(clone), "bare.git")
    for key, value in (("url", str(tmp_path / "bare.git")), ("uploadpack", str(evil))):
        git(clone, "config", f"remote.origin.{key}", value)
    git(clone, "config", "remote.proxied.url", "git://git.invalid/acme/gitops.git")
    git(clone, "config", "core.gitProxy", str(evil))
    with asked_once(), reading():
        assert branches.fetch(clone, "origin", [branch]) == {branch}
        with pytest.raises(ToolError):
            branches.fetch(clone, "proxied", [branch])
    assert not marker.exists()
    own = program(tmp_path / "own", marker)
    git_configuration.write_text(f"{git_configuration.read_text()}[core]\ngitProxy = {own}\n")
    with asked_once(), reading(), pytest.raises(ToolError):
        branches.fetch(clone, "proxied", [branch])
    assert marker.read_text() == "own git.invalid 9418\n"


def test_the_users_own_credential_helpers_take_the_place_of_the_clones(
    clone: Path, tmp_path: Path, git_configuration: Path
) -> None:
    own = "!f() { test $1 = get && echo username=%s && echo password=sesame; }; f"
    settings = (
        f'[credential]\nhelper = "{own % "ada"}"\n[credential "https://other.example.com"]\nhelper = "{own % "bob"}"\n'
    )
    git_configuration.write_text(git_configuration.read_text() + settings)
    for url in ("", "https://git.example.com.", "https://other.example.com."):
        git(clone, "config", f"credential.{url}helper", str(program(tmp_path / "evil", tmp_path / "ran")))
    asked = b"protocol=https\nhost=git.example.com\n\n"
    with asked_once(), reading():
        assert "username=ada" in its_git.run(clone, "credential", "fill", stdin=asked)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("elsewhere", ["/", "another"])
def test_files_elsewhere_are_none_of_the_clones(clone: Path, tmp_path: Path, elsewhere: str) -> None:
    git(tmp_path, "init", "--quiet", "another")
    git(clone, "config", "core.worktree", str(tmp_path / elsewhere))
    with pytest.raises(ToolError, match="has its files elsewhere") as caught:
        assert at(clone).top_level
    assert "core.worktree" in caught.value.hint


def test_what_a_partial_clone_lacks_is_not_fetched_while_reading(clone: Path, tmp_path: Path) -> None:
    git(clone, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{clone}", "partial")
    partial = tmp_path / "partial"
    with asked_once(), reading(), pytest.raises(ToolError) as caught:
        objects.blobs(partial, objects.entries(partial, "HEAD"), ["a"])
    assert caught.value.hint.endswith("git fetch --refetch --no-filter")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=tree:0", f"file://{clone}", "treeless")
    with asked_once(), reading(), pytest.raises(ToolError, match="git ls-tree") as listing:
        objects.entries(tmp_path / "treeless", "HEAD")
    assert listing.value.hint == caught.value.hint
    git(tmp_path / "treeless", *shlex.split(listing.value.hint.partition(": git ")[2]))
    with asked_once(), reading():
        assert objects.blobs(tmp_path / "treeless", objects.entries(tmp_path / "treeless", "HEAD"), ["a"])
    git(partial, "config", "remote.origin.uploadpack", str(program(tmp_path / "evil", tmp_path / "ran")))
    with asked_once(), reading(), pytest.raises(ToolError):
        objects.blobs(partial, objects.entries(partial, "HEAD"), ["a"])
    assert not (tmp_path / "ran").exists()
    git(partial, "config", "--unset", "remote.origin.uploadpack")
    with asked_once():
        assert objects.blobs(partial, objects.entries(partial, "HEAD"), ["a"])["a"].content == b"1\n"


def test_what_stands_for_an_object_here_alone_is_not_read(clone: Path) -> None:
    was = git(clone, "rev-parse", "HEAD:a").strip()
    (clone / "b").write_text("2\n")
    git(clone, "replace", was, git(clone, "hash-object", "-w", "b").strip())
    assert objects.contents(clone, [was]) == {was: b"1\n"}


def test_what_the_environment_says_still_counts(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Grace")
    assert at(clone).setting("user.name") == "Grace"


def test_a_submodules_own_configuration_runs_nothing(
    clone: Path, tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create(tmp_path / "gitops")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(clone), "charts")
    commit(root)
    git(root / "charts", "config", "filter.evil.clean", str(program(tmp_path / "evil", tmp_path / "ran")))
    os.utime(root / "charts/a", (1, 1))
    monkeypatch.chdir(root)
    for command in (("doctor", "--offline"), ("status", "--files")):
        assert "Traceback" not in argosy(*command).err
    assert not (tmp_path / "ran").exists()


def test_trees_that_name_one_another_without_end(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = empty = its_git.run(clone, "mktree", stdin=b"").strip()
    for _ in range(45):
        entries = "".join(f"040000 tree {made}\t{name}\n" for name in ("a", "b"))
        made = its_git.run(clone, "mktree", stdin=entries.encode()).strip()
    with pytest.raises(ToolError, match="got no answer"):
        its_git.run(clone, "ls-tree", "-r", made, largest=1000, seconds=0.5)
    made_of = its_git.run(clone, "commit-tree", "-m", "x", made).strip()
    monkeypatch.setattr("argosy.git.command._PATIENCE_COMPARING", 0.2)
    for asked in (
        ("-c", "log.follow=false", "log", "--root", "--name-status", made_of),
        ("diff-tree", "-r", empty, made_of),
        ("diff", "--name-only", empty, made),
    ):
        with pytest.raises(ToolError, match="got no answer"):
            its_git.run(clone, *asked)
    with pytest.raises(ToolError, match="got no answer"):
        its_git.run(clone, "diff-tree", "-r", "--stdin", stdin=f"{empty} {made}\n".encode())
